// Routes of jobs.
import { z } from "zod";
import type { Database } from "../../kernel/db/index.ts";
import { type Route, route } from "../../kernel/http/index.ts";
import type { WorkActions } from "./actions.ts";
import { workErrors } from "./errors.ts";
import { jobView, toJobView } from "./view.ts";

export interface WorkRouteDeps {
  readonly db: Database;
  readonly actions: WorkActions;
}

export function workRoutes({ db, actions }: WorkRouteDeps): Route[] {
  return [
    route(
      {
        method: "GET",
        path: "/api/v1/jobs/{id}",
        operationId: "getJob",
        tag: "jobs",
        summary: "Read the state of a job",
        description: "For the `job_id` that another call has answered with.",
        access: "user or key",
        permission: "jobs.read",
        params: z.strictObject({ id: z.uuid() }),
        responses: { 200: { description: "The job as it is now.", schema: jobView } },
        errors: [workErrors.JOB_NOT_FOUND],
      },
      async ({ actor, params: { id } }) => {
        return { status: 200, body: toJobView(await actions.getJob(db.sql, id, actor)) };
      },
    ),
  ];
}
