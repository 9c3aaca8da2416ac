// Background jobs on PostgreSQL: enqueued in the caller's transaction, claimed once, fenced, retried, never lost.

export { jobFailures } from "./failure.ts";
export {
  type EnqueueOptions,
  type Job,
  type JobContext,
  type JobStatus,
  type Jobs,
  PermanentJobError,
  PRIORITIES,
  type PreparedJob,
  type Priority,
  type Task,
} from "./job.ts";
export { createJobs, jobMigrations, type WorkOptions } from "./jobs.ts";
export { releaseAllWorkers, releaseWorker } from "./rescue.ts";
