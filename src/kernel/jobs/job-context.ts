// What a handler is given: its fence, its logger, how it tells its progress; and what others hear of it.
import type { Logger } from "../telemetry/index.ts";
import type { JobContext } from "./job.ts";
import type { LogLines } from "./log-lines.ts";
import type { JobNews, News } from "./news.ts";
import type { ProgressNotes } from "./progress-notes.ts";
import { type ClaimedJob, holdJob } from "./worker-store.ts";

export interface ContextDeps {
  readonly log: Logger;
  readonly progress: ProgressNotes;
  readonly lines: LogLines;
  readonly news: News;
}

export interface Contexts {
  /** Before the handler begins, which may tell of its progress at once. */
  open(job: ClaimedJob): Omit<JobContext, "signal">;
  tell(job: ClaimedJob, status: JobNews["status"], progress?: JobNews["progress"]): void;
}

export function createContexts({ log, progress, lines, news }: ContextDeps): Contexts {
  function tell(job: ClaimedJob, status: JobNews["status"], told: JobNews["progress"] = null): void {
    const { id, projectId, task } = job;
    if (job.isForUser && projectId) news.tell({ id, projectId, task, status, progress: told });
  }

  return {
    tell,
    open(job) {
      const { id: jobId, attempt, projectId } = job;
      tell(job, "running");
      return {
        jobId,
        attempt,
        projectId,
        log: lines.loggerOf(job, log.child({ job_id: jobId, task: job.task, attempt })),
        async fence(tx) {
          if (!(await holdJob(tx, job))) throw new Error("the job was given to another worker");
        },
        progress(done, total, message) {
          const noted = progress.note({ id: jobId, attempt, done, total, message: message ?? null });
          tell(job, "running", { done, total, message: noted.message });
        },
      };
    },
  };
}
