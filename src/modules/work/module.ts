// Wiring of work: mounts the routes, has its part in erasing projects.
import type { Kernel } from "../../kernel/index.ts";
import type { Projects } from "../projects/index.ts";
import { createWorkActions } from "./actions.ts";
import { workRoutes } from "./http.ts";

export type WorkKernel = Pick<Kernel, "db" | "jobs" | "http">;

export function createWork({ db, jobs, http }: WorkKernel, projects: Projects): void {
  http.mount(workRoutes({ db, actions: createWorkActions({ jobs, projects }) }));
  projects.onErase({ module: "work", erase: jobs.erase });
}
