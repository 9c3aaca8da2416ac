// Wiring of work: mounts the routes, has its part in erasing projects.
import type { Kernel } from "../../kernel/index.ts";
import type { Live } from "../live/index.ts";
import type { Projects } from "../projects/index.ts";
import { createDeadLetterActions } from "./actions/dead-letters.ts";
import { createJobActions } from "./actions/jobs.ts";
import { deadLetterRoutes } from "./http/dead-letters.ts";
import { jobRoutes } from "./http/jobs.ts";
import { taskRoutes } from "./http/tasks.ts";
import { toJobFrame } from "./view.ts";

export type WorkKernel = Pick<Kernel, "db" | "jobs" | "http">;

export function createWork({ db, jobs, http }: WorkKernel, projects: Projects, live: Live): void {
  http.mount([
    ...jobRoutes({ db, actions: createJobActions({ jobs, projects }) }),
    ...deadLetterRoutes({ db, actions: createDeadLetterActions({ jobs, projects }) }),
    ...taskRoutes(jobs),
  ]);
  jobs.hearNews((news) => live.tell(news.projectId, toJobFrame(news)));
  projects.onErase({ module: "work", erase: jobs.erase });
}
