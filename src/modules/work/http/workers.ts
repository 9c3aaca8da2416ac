// The route of workers: who works, and on what.
import { z } from "zod";
import type { Database } from "../../../kernel/db/index.ts";
import { type Route, route } from "../../../kernel/http/index.ts";
import type { WorkerActions } from "../actions/workers.ts";
import { toWorkerView, workerView } from "../worker-view.ts";

export interface WorkerRouteDeps {
  readonly db: Database;
  readonly actions: WorkerActions;
}

export function workerRoutes({ db, actions }: WorkerRouteDeps): Route[] {
  return [
    route(
      {
        method: "GET",
        path: "/api/v1/job-workers",
        operationId: "listJobWorkers",
        tag: "jobs",
        access: "user",
        summary: "List the workers",
        description:
          "Those that live, the longest at work first. Of what they work on only the jobs of your projects are shown, the others as a number.",
        responses: {
          200: { description: "All of them.", schema: z.strictObject({ items: z.array(workerView) }) },
        },
      },
      async ({ actor }) => {
        const workers = await actions.listWorkers(db.sql, actor.userId);
        return { status: 200, body: { items: workers.map(toWorkerView) } };
      },
    ),
  ];
}
