// Jobs that people run, from the outside: handed in, cancelled, run again; and who is told of it after the commit.
import type { Admission } from "./admission.ts";
import type { Cancellation } from "./cancellation.ts";
import { type EnqueueOptions, type Jobs, PRIORITIES, type PreparedJob, type Task } from "./job.ts";
import type { News } from "./news.ts";
import { reviveJobs } from "./queue-store.ts";
import { findJob, submitJob } from "./store.ts";
import type { WakeUps } from "./wake-ups.ts";

export interface SubmissionDeps {
  readonly tasks: ReadonlyMap<string, Task<unknown>>;
  readonly prepare: <Input>(task: Task<Input>, input: Input, given?: EnqueueOptions) => PreparedJob;
  readonly wakeUps: WakeUps;
  readonly cancellation: Cancellation;
  readonly admission: Admission;
  readonly news: News;
  readonly announced: (projectId: string) => void;
  readonly projectMax: number | null;
}

export type Submissions = Pick<Jobs, "userTasks" | "submit" | "cancel" | "revive">;

export function createSubmissions(deps: SubmissionDeps): Submissions {
  const { tasks, prepare, wakeUps, cancellation, admission, news, announced, projectMax } = deps;

  return {
    userTasks: () =>
      [...tasks.values()].filter((task) => task.forUsers).sort((a, b) => (a.name < b.name ? -1 : 1)),
    async submit(tx, task, input, { runAt, rule = "existing", timeoutMs, ...given }) {
      const prepared = prepare(task, input, given);
      const job = { ...prepared, timeoutMs: timeoutMs ?? prepared.timeoutMs };
      const limits = { taskMax: task.forUsers?.maxRunning ?? null, projectMax };
      const submitted = await submitJob(tx, job, { runAt, rule, limits });
      tx.afterCommit(() => {
        if (limits.taskMax === null && projectMax === null) wakeUps.send(job.lane);
        else admission.admit(task.name, given.projectId);
        const status = runAt && runAt.getTime() > Date.now() ? "scheduled" : "queued";
        const { projectId } = given;
        if (submitted.isNew) news.tell({ id: job.id, projectId, task: task.name, status, progress: null });
        // The one that was replaced may have ended.
        if (rule === "replace") announced(given.projectId);
      });
      return submitted;
    },
    async cancel(tx, id, actorId) {
      const cancelled = await cancellation.cancel(tx, id, actorId);
      if (cancelled === "cancelled") {
        const job = await findJob(tx, id, Date.now());
        tx.afterCommit(() => job?.projectId && announced(job.projectId));
        // It may have been admitted, and not begun.
        if (job) tx.afterCommit(() => admission.admit(job.task, job.projectId));
      }
      return cancelled;
    },
    async revive(tx, ids) {
      const taskMaxes: Record<string, number> = {};
      for (const { name, forUsers } of tasks.values()) {
        if (forUsers?.maxRunning !== undefined) taskMaxes[name] = forUsers.maxRunning;
      }
      const revived = await reviveJobs(tx, ids, { taskMaxes, projectMax });
      const lanes = new Set(revived.map(({ lane }) => PRIORITIES[lane] ?? "normal"));
      tx.afterCommit(() => {
        for (const lane of lanes) wakeUps.send(lane);
        for (const { id, task, project_id: projectId, status } of revived) {
          news.tell({ id, projectId, task, status, progress: null });
          if (projectMax !== null || taskMaxes[task] !== undefined) admission.admit(task, projectId);
        }
      });
      return revived.map(({ id }) => id);
    },
  };
}
