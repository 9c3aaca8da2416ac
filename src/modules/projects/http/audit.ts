// The route of a project's audit trail: for its owner, as a page or as an export.
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
import { findAccess } from "../access.ts";
import { projectErrors as no } from "../errors.ts";
import { personalProjectId } from "../model.ts";
import { allow } from "../policy.ts";

export interface AuditRouteDeps {
  readonly db: Database;
  readonly answer: AnswerAudit;
}

const query = z.strictObject({
  ...auditQuery,
  project_id: z.uuid().toLowerCase().optional().meta({ description: "Left out: the personal project." }),
  actor_id: z.uuid().toLowerCase().optional().meta({ description: "Of the user who acted." }),
});

export function auditRoutes({ db, answer }: AuditRouteDeps): Route[] {
  return [
    route(
      {
        method: "GET",
        path: "/api/v1/audit",
        operationId: "listAudit",
        tag: "audit",
        summary: "Read who did what in a project, newest first",
        description:
          "Owner only. `Accept: application/x-ndjson` or `text/csv`, or `?format=`, gives all that match in one answer.",
        access: "user",
        query,
        responses: {
          200: { description: "A page of entries.", schema: pageSchema(auditEntryView), alsoAs: exportTypes },
        },
        errors: [no.PROJECT_NOT_FOUND, no.PROJECT_FORBIDDEN],
      },
      async ({ actor, query: asked, request, keepOpen }) => {
        const projectId = asked.project_id ?? personalProjectId(actor.userId);
        return answer(db.sql, {
          filter: toAuditFilter({ projectId }, asked, asked.actor_id),
          query: asked,
          request,
          keepOpen,
          allow: async () => {
            allow(await findAccess(db.sql, projectId, actor.userId), "audit.read");
          },
        });
      },
    ),
  ];
}
