// Wiring of work: mounts the routes, runs the schedules, tells of jobs live, has its part in erasing projects.
import { join } from "node:path";
import type { MigrationSet } from "../../kernel/db/index.ts";
import type { Kernel } from "../../kernel/index.ts";
import type { Live } from "../live/index.ts";
import type { Projects } from "../projects/index.ts";
import { createDeadLetterActions } from "./actions/dead-letters.ts";
import { createJobActions } from "./actions/jobs.ts";
import { createScheduleActions } from "./actions/schedules.ts";
import { createSigningSecrets } from "./actions/signing-secrets.ts";
import { createWorkerActions } from "./actions/workers.ts";
import { deadLetterRoutes } from "./http/dead-letters.ts";
import { jobRoutes } from "./http/jobs.ts";
import { scheduleRoutes } from "./http/schedules.ts";
import { signingSecretRoutes } from "./http/signing-secret.ts";
import { taskRoutes } from "./http/tasks.ts";
import { workerRoutes } from "./http/workers.ts";
import { createHttpRequestTask } from "./http-request/task.ts";
import { createScheduler } from "./scheduler.ts";
import { eraseSecrets } from "./secret-store.ts";
import { eraseSchedules } from "./store.ts";
import { toJobFrame } from "./view.ts";

export type WorkKernel = Pick<
  Kernel,
  "clock" | "log" | "db" | "jobs" | "http" | "lifecycle" | "audit" | "outbound" | "secrets"
>;

export const workMigrations: MigrationSet = {
  module: "work",
  directory: join(import.meta.dirname, "migrations"),
};

export function createWork(kernel: WorkKernel, projects: Projects, live: Live): void {
  const { clock, log, db, jobs, http, lifecycle, audit, outbound, secrets } = kernel;
  const signing = createSigningSecrets({ audit, clock, db, projects, secrets });
  jobs.register(createHttpRequestTask({ clock, outbound, secrets, signing }));
  http.mount([
    ...jobRoutes({ db, actions: createJobActions({ jobs, projects }) }),
    ...deadLetterRoutes({ db, actions: createDeadLetterActions({ jobs, projects }) }),
    ...scheduleRoutes({ db, actions: createScheduleActions({ jobs, projects }) }),
    ...taskRoutes(jobs),
    ...workerRoutes({ db, actions: createWorkerActions({ jobs }) }),
    ...signingSecretRoutes(signing),
  ]);
  jobs.hearNews((news) => live.tell(news.projectId, toJobFrame(news)));
  projects.onErase({
    module: "work",
    async erase(tx, projectId, limit) {
      // Schedules first, so that none makes further jobs.
      const schedules = (await eraseSchedules(tx, projectId)) + (await eraseSecrets(tx, projectId));
      return schedules > 0 ? schedules : jobs.erase(tx, projectId, limit);
    },
  });
  lifecycle.add(createScheduler({ db, log, jobs, projects }));
}
