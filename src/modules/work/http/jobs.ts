// Routes of jobs: run a task, look, cancel, run again.
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
import { PRIORITIES, UNIQUE_RULES } from "../../../kernel/jobs/index.ts";
import { personalProjectId, projectErrors } from "../../projects/index.ts";
import type { JobActions, JobWithOutlook } from "../actions/jobs.ts";
import { workErrors as no } from "../errors.ts";
import { jobStatus, jobView, lineView, toJobView, toLineView } from "../view.ts";
import { jobParams as params, projectId, taskName } from "./parameters.ts";

export interface JobRouteDeps {
  readonly db: Database;
  readonly actions: JobActions;
}

const PATH = "/api/v1/jobs";
const MAX_INPUT_BYTES = 1_048_576;
const MAX_TIMEOUT_S = 86_400;
/** Of what is due by then the estimated end, too, can be written with four digits of a year. */
const MAX_RUN_AT_MS = Date.UTC(9999);

const newJob = z.strictObject({
  project_id: projectId,
  task: taskName,
  input: z.unknown().default({}).meta({ description: "As the task's input_schema says; default {}." }),
  priority: z.enum(PRIORITIES).optional().meta({ description: "Default the task's." }),
  timeout_s: z
    .int()
    .min(1)
    .max(MAX_TIMEOUT_S)
    .optional()
    .meta({ description: "Time of one attempt, in seconds." }),
  run_at: z.iso
    .datetime({ offset: true })
    .refine((at) => Date.parse(at) < MAX_RUN_AT_MS, "Must be before the year 9999.")
    .optional()
    .meta({ description: "Not before this time; left out or past, now." }),
  unique_key: z
    .string()
    .min(1)
    .max(200)
    .optional()
    .meta({ description: "Two jobs of one task, project and key never run at the same time." }),
  unique_rule: z.enum(UNIQUE_RULES).default("existing").meta({
    description:
      "When a job with the key has not ended: answer with that one, reject this one (409 JOB_KEY_TAKEN), or cancel the one that waits and let this one take its place.",
  }),
});
const listQuery = z.strictObject({
  ...pageQuery,
  project_id: projectId,
  status: jobStatus.optional(),
  task: taskName.optional(),
});
const linesView = z.strictObject({ items: z.array(lineView) });

export function jobRoutes({ db, actions }: JobRouteDeps): Route[] {
  const common = { tag: "jobs", access: "user" } as const;
  const view = ({ job, outlook }: JobWithOutlook) => toJobView(job, outlook);

  return [
    route(
      {
        ...common,
        method: "POST",
        path: PATH,
        operationId: "submitJob",
        summary: "Run a task in the background",
        description: "GET /job-tasks lists what there is. The input is checked before the answer.",
        body: newJob,
        maxBodyBytes: MAX_INPUT_BYTES,
        isIdempotent: true,
        responses: { 202: { description: "The job as it is now.", schema: jobView } },
        errors: [
          projectErrors.PROJECT_NOT_FOUND,
          projectErrors.PROJECT_FORBIDDEN,
          projectErrors.PROJECT_ARCHIVED,
          no.JOB_KEY_TAKEN,
        ],
      },
      ({ actor, body, write }) =>
        write(async (tx) => {
          const submitted = await actions.submitJob(tx, actor.userId, {
            projectId: body.project_id ?? personalProjectId(actor.userId),
            task: body.task,
            input: body.input,
            priority: body.priority,
            timeoutMs: body.timeout_s === undefined ? undefined : body.timeout_s * 1000,
            runAt: body.run_at === undefined ? undefined : new Date(body.run_at),
            uniqueKey: body.unique_key,
            rule: body.unique_rule,
          });
          return { status: 202, body: view(submitted) };
        }),
    ),
    route(
      {
        ...common,
        method: "GET",
        path: PATH,
        operationId: "listJobs",
        summary: "List a project's jobs, newest first",
        description: "Also the server's own work for the project.",
        query: listQuery,
        responses: { 200: { description: "A page of jobs.", schema: pageSchema(jobView) } },
        errors: [projectErrors.PROJECT_NOT_FOUND],
      },
      async ({ actor, query: { limit, cursor, status, task, ...query } }) => {
        const [beforeId] = decodeCursor(cursor, z.tuple([z.uuid()])) ?? [];
        const rows = await actions.listJobs(db.sql, actor.userId, {
          projectId: query.project_id ?? personalProjectId(actor.userId),
          status,
          task,
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
        method: "GET",
        path: `${PATH}/{id}`,
        operationId: "getJob",
        access: "user or key",
        permission: "jobs.read",
        summary: "Read the state of a job",
        description: "Also for the `job_id` that another call has answered with.",
        params,
        responses: { 200: { description: "The job as it is now.", schema: jobView } },
        errors: [no.JOB_NOT_FOUND],
      },
      async ({ actor, params: { id } }) => {
        return { status: 200, body: view(await actions.getJob(db.sql, id, actor)) };
      },
    ),
    route(
      {
        ...common,
        method: "GET",
        path: `${PATH}/{id}/logs`,
        operationId: "listJobLines",
        summary: "Read what a job has logged",
        description: "Its last 1,000 lines, oldest first. The server's own work shows none.",
        params,
        responses: { 200: { description: "The lines.", schema: linesView } },
        errors: [no.JOB_NOT_FOUND],
      },
      async ({ actor, params: { id } }) => {
        const lines = await actions.listLines(db.sql, id, actor.userId);
        return { status: 200, body: { items: lines.map(toLineView) } };
      },
    ),
    route(
      {
        ...common,
        method: "POST",
        path: `${PATH}/{id}/cancel`,
        operationId: "cancelJob",
        summary: "Cancel a job",
        description: "One that waits is cancelled at once, one that runs has ended within a second.",
        params,
        responses: { 202: { description: "The job as it is now, perhaps still running.", schema: jobView } },
        errors: [no.JOB_NOT_FOUND, projectErrors.PROJECT_FORBIDDEN, no.JOB_OF_SERVER, no.JOB_ENDED],
      },
      ({ actor, params: { id }, write }) =>
        write(async (tx) => ({
          status: 202,
          body: view(await actions.cancelJob(tx, id, actor.userId)),
        })),
    ),
    route(
      {
        ...common,
        method: "POST",
        path: `${PATH}/{id}/retry`,
        operationId: "retryJob",
        summary: "Run a failed or cancelled job again",
        description: "Under its id, with all its attempts; its errors stay.",
        params,
        responses: { 202: { description: "The job, waiting again.", schema: jobView } },
        errors: [
          no.JOB_NOT_FOUND,
          projectErrors.PROJECT_FORBIDDEN,
          projectErrors.PROJECT_ARCHIVED,
          no.JOB_OF_SERVER,
          no.JOB_NOT_RETRIABLE,
          no.JOB_KEY_TAKEN,
        ],
      },
      ({ actor, params: { id }, write }) =>
        write(async (tx) => ({ status: 202, body: view(await actions.retryJob(tx, id, actor.userId)) })),
    ),
  ];
}
