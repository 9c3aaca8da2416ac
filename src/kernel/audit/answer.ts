// Answers with a list of the trail: a page of it, or all that match as a stream in constant memory.
import { z } from "zod";
import type { Sql } from "../db/index.ts";
import { decodeCursor, type Reply, toPage } from "../http/index.ts";
import type { Audit, AuditFilter, AuditPosition, AuditRecord } from "./audit.ts";
import { type AuditQuery, type ExportFormat, exportFormats, toAuditEntryView } from "./view.ts";

export interface AuditRequest {
  readonly filter: AuditFilter;
  readonly query: AuditQuery;
  readonly request: Request;
  /** Lifts the bound on how long the connection may be quiet. */
  readonly keepOpen: () => void;
  /** Asked before each further part of an export: a role withdrawn ends it. Throws when it may not go on. */
  readonly allow: () => Promise<void>;
}

export type AnswerAudit = (sql: Sql, request: AuditRequest) => Promise<Reply | Response>;

const EXPORT_ROWS = 500;
/** The end of the year 9999: later moments are none to PostgreSQL as JavaScript writes them. */
const MAX_MS = 253_402_300_799_999;
const position = z.tuple([z.int().min(0).max(MAX_MS), z.uuid()]);
const encoder = new TextEncoder();

export function createAnswerAudit(audit: Pick<Audit, "list">): AnswerAudit {
  return async (sql, { filter, query, request, keepOpen, allow }) => {
    await allow();
    const format = pickFormat(query, request);
    if (format) {
      keepOpen();
      return exported(format, async (before) => {
        if (before) await allow();
        return audit.list(sql, filter, { before, limit: EXPORT_ROWS });
      });
    }
    const { limit, cursor } = query;
    const before = decodeCursor(cursor, position);
    const rows = await audit.list(sql, filter, { before, limit: limit + 1 });
    return { status: 200, body: toPage(rows, limit, toAuditEntryView, positionOf) };
  };
}

/** The query decides; without it an Accept header that names an export before JSON. */
function pickFormat({ format }: AuditQuery, request: Request): ExportFormat | undefined {
  if (format !== undefined) return format === "json" ? undefined : exportFormats[format];
  const types = (request.headers.get("accept") ?? "").split(",").map((part) => part.split(";")[0]?.trim());
  const named = types.find((type) => type === "application/json" || type === "*/*" || isExport(type));
  if (named === "application/x-ndjson") return exportFormats.ndjson;
  return named === "text/csv" ? exportFormats.csv : undefined;
}

function isExport(type: string | undefined): boolean {
  return type === "application/x-ndjson" || type === "text/csv";
}

/** A part is asked for when the client has taken the one before: no more than one is ever held. */
function exported(
  format: ExportFormat,
  read: (before: AuditPosition | undefined) => Promise<readonly AuditRecord[]>,
): Response {
  let before: AuditPosition | undefined;
  let isBegun = false;
  const body = new ReadableStream<Uint8Array>({
    async pull(controller) {
      const rows = await read(before);
      const text = rows.map((row) => format.line(row)).join("");
      const part = isBegun ? text : format.head + text;
      isBegun = true;
      if (part !== "") controller.enqueue(encoder.encode(part));
      const last = rows.at(-1);
      if (last && rows.length === EXPORT_ROWS) before = positionOf(last);
      else controller.close();
    },
  });
  const name = `audit.${format === exportFormats.csv ? "csv" : "ndjson"}`;
  return new Response(body, {
    headers: {
      "Content-Type": format.type,
      "Content-Disposition": `attachment; filename="${name}"`,
      Vary: "Accept, Accept-Encoding, Origin",
    },
  });
}

function positionOf(row: AuditRecord): AuditPosition {
  return [row.at.getTime(), row.id];
}
