// Background jobs on PostgreSQL: enqueued in the caller's transaction, claimed once, fenced, retried, never lost.

export { jobFailures } from "./failure.ts";
export {
  type DeadFilter,
  type EnqueueOptions,
  type Job,
  type JobContext,
  type JobFilter,
  JobPostponed,
  type JobStatus,
  type Jobs,
  PermanentJobError,
  PRIORITIES,
  type PreparedJob,
  type Priority,
  type Task,
  UNIQUE_RULES,
  type UniqueRule,
} from "./job.ts";
export { createJobs, jobMigrations, type WorkOptions } from "./jobs.ts";
export type { LogLine } from "./log-lines.ts";
export type { JobNews } from "./news.ts";
export type { Outlook } from "./outlook.ts";
export { releaseAllWorkers, releaseWorker } from "./rescue.ts";
