// What a handler is given: its fence, its logger, how it tells its progress; and what others hear of it.
import type { Tx } from "../db/index.ts";
import type { Logger } from "../telemetry/index.ts";
import { type JobContext, PermanentJobError } from "./job.ts";
import type { LogLines } from "./log-lines.ts";
import type { JobNews, News } from "./news.ts";
import type { ProgressNotes } from "./progress-notes.ts";
import { toStorableResult } from "./result.ts";
import { type ClaimedJob, finishJob, holdJob } from "./worker-store.ts";

export interface ContextDeps {
  readonly log: Logger;
  readonly progress: ProgressNotes;
  readonly lines: LogLines;
  readonly news: News;
}

/** What the attempt makes a JobContext of. */
export interface OpenContext extends Omit<JobContext, "signal" | "finish"> {
  /** Returns what is stored as the result when the transaction commits. */
  finish(tx: Tx, result: unknown): Promise<string>;
}

export interface Contexts {
  /** Before the handler begins, which may tell of its progress at once. */
  open(job: ClaimedJob): OpenContext;
  tell(job: ClaimedJob, status: JobNews["status"], progress?: JobNews["progress"]): void;
}

const NOT_OURS = "the job was given to another worker";

export function createContexts({ log, progress, lines, news }: ContextDeps): Contexts {
  function tell(job: ClaimedJob, status: JobNews["status"], told: JobNews["progress"] = null): void {
    const { id, projectId, task } = job;
    if (job.isForUser && projectId) news.tell({ id, projectId, task, status, progress: told });
  }

  return {
    tell,
    open(job) {
      const { id: jobId, attempt, projectId, createdBy } = job;
      tell(job, "running");
      return {
        jobId,
        attempt,
        projectId,
        createdBy,
        log: lines.loggerOf(job, log.child({ job_id: jobId, task: job.task, attempt })),
        async fence(tx) {
          if (!(await holdJob(tx, job))) throw new Error(NOT_OURS);
        },
        async finish(tx, result) {
          const storable = toStorableResult(result);
          if ("failure" in storable) {
            throw new PermanentJobError(storable.failure.code, storable.failure.message);
          }
          if (progress.has(jobId)) await progress.flush();
          if (lines.has(jobId)) await lines.flush();
          if (!(await finishJob(tx, job, storable.json))) throw new Error(NOT_OURS);
          return storable.json;
        },
        progress(done, total, message) {
          const noted = progress.note({ id: jobId, attempt, done, total, message: message ?? null });
          tell(job, "running", { done, total, message: noted.message });
        },
      };
    },
  };
}
