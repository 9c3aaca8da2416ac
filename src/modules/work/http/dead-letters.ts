// Routes of dead letters: jobs that have failed for good.
import { z } from "zod";
import type { Database } from "../../../kernel/db/index.ts";
import {
  decodeCursor,
  pageQuery,
  pageSchema,
  type Route,
  route,
  toPage,
} from "../../../kernel/http/index.ts";
import { personalProjectId, projectErrors } from "../../projects/index.ts";
import { type DeadLetterActions, REDRIVEN_AT_MOST } from "../actions/dead-letters.ts";
import { jobView, toJobView } from "../view.ts";
import { projectId, taskName } from "./parameters.ts";

export interface DeadLetterRouteDeps {
  readonly db: Database;
  readonly actions: DeadLetterActions;
}

const PATH = "/api/v1/jobs/dead";

const errorCode = z.string().min(1).max(200).optional().meta({ description: "Of the last error." });
const listQuery = z.strictObject({
  ...pageQuery,
  project_id: projectId,
  task: taskName.optional(),
  error_code: errorCode,
});
const wanted = z
  .strictObject({
    project_id: projectId,
    ids: z.array(z.uuid().toLowerCase()).min(1).max(REDRIVEN_AT_MOST).optional(),
    task: taskName.optional(),
    error_code: errorCode,
    all: z.literal(true).optional().meta({ description: "Every dead letter of the project." }),
    dry_run: z.boolean().default(false).meta({ description: "Only counts." }),
  })
  .refine(
    ({ ids, task, error_code: code, all }) => all === true || (ids ?? task ?? code) !== undefined,
    "Give ids, task or error_code, or all: true.",
  );
const redriven = z.strictObject({
  matched: z.int(),
  redriven: z.int().meta({ description: "Fewer where a job of the same unique_key stands in the way." }),
  has_more: z.boolean().meta({ description: "More match than one call takes: call again." }),
  dry_run: z.boolean(),
});

export function deadLetterRoutes({ db, actions }: DeadLetterRouteDeps): Route[] {
  const common = { tag: "jobs", access: "user" } as const;

  return [
    route(
      {
        ...common,
        method: "GET",
        path: PATH,
        operationId: "listDeadJobs",
        summary: "List the jobs that have failed for good",
        description: "Newest first. Only jobs that people run.",
        query: listQuery,
        responses: { 200: { description: "A page of jobs.", schema: pageSchema(jobView) } },
        errors: [projectErrors.PROJECT_NOT_FOUND],
      },
      async ({ actor, query: { limit, cursor, task, ...query } }) => {
        const [beforeId] = decodeCursor(cursor, z.tuple([z.uuid()])) ?? [];
        const rows = await actions.listDead(db.sql, actor.userId, {
          projectId: query.project_id ?? personalProjectId(actor.userId),
          task,
          errorCode: query.error_code,
          beforeId,
          limit,
        });
        return {
          status: 200,
          body: toPage(
            rows,
            limit,
            (job) => toJobView(job),
            (job) => [job.id],
          ),
        };
      },
    ),
    route(
      {
        ...common,
        method: "POST",
        path: `${PATH}/redrive`,
        operationId: "redriveJobs",
        summary: "Run dead letters again: one, many, or all that match",
        description: `At most ${REDRIVEN_AT_MOST.toLocaleString("en")} a call, the oldest first. Each keeps its id and gets all its attempts.`,
        body: wanted,
        responses: { 202: { description: "How many.", schema: redriven } },
        errors: [
          projectErrors.PROJECT_NOT_FOUND,
          projectErrors.PROJECT_FORBIDDEN,
          projectErrors.PROJECT_ARCHIVED,
        ],
      },
      ({ actor, body, write }) =>
        write(async (tx) => {
          const { matched, redriven, hasMore } = await actions.redrive(
            tx,
            actor.userId,
            {
              projectId: body.project_id ?? personalProjectId(actor.userId),
              ids: body.ids,
              task: body.task,
              errorCode: body.error_code,
            },
            body.dry_run,
          );
          return { status: 202, body: { matched, redriven, has_more: hasMore, dry_run: body.dry_run } };
        }),
    ),
  ];
}
