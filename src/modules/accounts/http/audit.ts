// The route of one's own audit trail.
import { z } from "zod";
import {
  type AnswerAudit,
  auditEntryView,
  auditQuery,
  exportTypes,
  toAuditFilter,
} from "../../../kernel/audit/index.ts";
import type { Database } from "../../../kernel/db/index.ts";
import { pageSchema, type Route, route } from "../../../kernel/http/index.ts";

export interface AccountAuditRouteDeps {
  readonly db: Database;
  readonly answer: AnswerAudit;
}

export function accountAuditRoutes({ db, answer }: AccountAuditRouteDeps): Route[] {
  return [
    route(
      {
        method: "GET",
        path: "/api/v1/auth/audit",
        operationId: "listAccountAudit",
        tag: "accounts",
        summary: "Read what happened to one's account, newest first",
        description:
          "Log-ins, failed ones too, log-outs and changes, with the address they came from. " +
          "`Accept: application/x-ndjson` or `text/csv` gives all that match.",
        access: "user",
        query: z.strictObject(auditQuery),
        responses: {
          200: { description: "A page of entries.", schema: pageSchema(auditEntryView), alsoAs: exportTypes },
        },
      },
      async ({ actor, query, request, keepOpen }) =>
        answer(db.sql, {
          // Whose it is says the token, and nothing that the request could hold.
          filter: toAuditFilter({ accountId: actor.userId }, query),
          query,
          request,
          keepOpen,
          allow: async () => {},
        }),
    ),
  ];
}
