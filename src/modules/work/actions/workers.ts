// What of the workers one may see: all of them, and of their jobs and circuits those of one's own projects.
import type { Sql } from "../../../kernel/db/index.ts";
import type { Jobs, JobWorker, RunningJob } from "../../../kernel/jobs/index.ts";
import { listReadableProjects } from "../store.ts";

export interface SeenJob extends RunningJob {
  readonly projectId: string;
}

/** Without what the caller may not know but that it is there. */
export interface SeenWorker extends Omit<JobWorker, "running"> {
  readonly runningCount: number;
  readonly current: readonly SeenJob[];
}

export type WorkerActions = ReturnType<typeof createWorkerActions>;

export function createWorkerActions({ jobs }: { readonly jobs: Pick<Jobs, "listWorkers"> }) {
  return {
    async listWorkers(sql: Sql, userId: string): Promise<SeenWorker[]> {
      const workers = await jobs.listWorkers(sql);
      const things = workers.flatMap(({ running, breakers }) => [...running, ...breakers]);
      const asked = new Set(things.flatMap(({ projectId }) => projectId ?? []));
      const readable = await listReadableProjects(sql, [...asked], userId);
      return workers.map(({ running, breakers, ...worker }) => ({
        ...worker,
        runningCount: running.length,
        current: running.flatMap(({ projectId, ...job }) =>
          projectId !== null && readable.has(projectId) ? [{ ...job, projectId }] : [],
        ),
        breakers: breakers.filter(({ projectId }) => projectId === null || readable.has(projectId)),
      }));
    },
  };
}
