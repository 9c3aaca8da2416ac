// The route of tasks: what one may run.
import { z } from "zod";
import { type Route, route } from "../../../kernel/http/index.ts";
import type { Jobs } from "../../../kernel/jobs/index.ts";
import { taskView, toTaskView } from "../view.ts";

export function taskRoutes(jobs: Pick<Jobs, "userTasks">): Route[] {
  return [
    route(
      {
        method: "GET",
        path: "/api/v1/job-tasks",
        operationId: "listJobTasks",
        tag: "jobs",
        access: "user",
        summary: "List the tasks that one may run",
        responses: {
          200: { description: "All of them.", schema: z.strictObject({ items: z.array(taskView) }) },
        },
      },
      async () => ({ status: 200, body: { items: jobs.userTasks().map(toTaskView) } }),
    ),
  ];
}
