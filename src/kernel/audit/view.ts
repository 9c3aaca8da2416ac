// What of the audit trail leaves the server, and how a list of it is asked for; shared by all who show one.
import { z } from "zod";
import { pageQuery } from "../http/index.ts";
import type { AuditFilter, AuditRecord, AuditScope } from "./audit.ts";
import { csvLine } from "./csv.ts";

export const auditEntryView = z
  .strictObject({
    id: z.uuid(),
    at: z.iso.datetime(),
    action: z.string().meta({ description: "The thing, then what happened to it: `collaborator.added`." }),
    actor_id: z.uuid().nullable().meta({ description: "Null: the server, or nobody that is known." }),
    subject: z.string().meta({ description: "Id of what it was done to." }),
    address: z.string().nullable().meta({ description: "IP address that it came from." }),
    data: z.record(z.string(), z.unknown()),
  })
  .meta({ id: "AuditEntry" });

const moment = z.iso.datetime({ offset: true });

/** Spread it into a route's query. */
export const auditQuery = {
  ...pageQuery,
  action: z.string().min(1).max(100).optional().meta({ description: "Such as `access.denied`." }),
  from: moment.optional().meta({ description: "The earliest moment, RFC 3339." }),
  to: moment.optional().meta({ description: "The first moment after, RFC 3339." }),
  format: z
    .enum(["json", "ndjson", "csv"])
    .optional()
    .meta({ description: "`ndjson` and `csv` give all that match; goes before the Accept header." }),
};

export interface AuditQuery {
  readonly limit: number;
  readonly cursor?: string | undefined;
  readonly action?: string | undefined;
  readonly from?: string | undefined;
  readonly to?: string | undefined;
  readonly format?: "json" | "ndjson" | "csv" | undefined;
}

export function toAuditFilter(of: AuditScope, query: AuditQuery, actorId?: string): AuditFilter {
  return { of, action: query.action, actorId, fromMs: toMs(query.from), toMs: toMs(query.to) };
}

export function toAuditEntryView(entry: AuditRecord): z.infer<typeof auditEntryView> {
  return {
    id: entry.id,
    at: entry.at.toISOString(),
    action: entry.action,
    actor_id: entry.actorId,
    subject: entry.subject,
    address: entry.address,
    data: { ...entry.data },
  };
}

export interface ExportFormat {
  readonly type: string;
  readonly head: string;
  line(entry: AuditRecord): string;
}

export const exportFormats = {
  ndjson: {
    type: "application/x-ndjson",
    head: "",
    line: (entry) => `${JSON.stringify(toAuditEntryView(entry))}\n`,
  },
  csv: {
    type: "text/csv; charset=utf-8; header=present",
    head: csvLine(["id", "at", "action", "actor_id", "subject", "address", "data"]),
    line(entry) {
      const { id, at, action, actor_id, subject, address, data } = toAuditEntryView(entry);
      return csvLine([id, at, action, actor_id, subject, address, JSON.stringify(data)]);
    },
  },
} as const satisfies Record<string, ExportFormat>;

/** In which a list may also be had, all of it at once. */
export const exportTypes = ["application/x-ndjson", "text/csv"] as const;

function toMs(text: string | undefined): number | undefined {
  return text === undefined ? undefined : Date.parse(text);
}
