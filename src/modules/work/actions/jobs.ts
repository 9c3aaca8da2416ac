// What can be done with jobs: run a task, look, cancel, run again.
import type { Sql, Tx } from "../../../kernel/db/index.ts";
import type {
  Job,
  JobFilter,
  Jobs,
  LogLine,
  Outlook,
  Priority,
  UniqueRule,
} from "../../../kernel/jobs/index.ts";
import { allow, type Permission, type Projects, personOf, type Who } from "../../projects/index.ts";
import { workErrors } from "../errors.ts";
import { checkInput, permissionOf } from "../tasks.ts";

export interface JobActionDeps {
  readonly jobs: Pick<
    Jobs,
    "find" | "list" | "lookOut" | "listLines" | "userTasks" | "submit" | "cancel" | "revive"
  >;
  readonly projects: Pick<Projects, "access" | "writeAccess">;
}

export interface NewJob {
  readonly projectId: string;
  readonly task: string;
  readonly input: unknown;
  readonly priority?: Priority | undefined;
  readonly timeoutMs?: number | undefined;
  readonly runAt?: Date | undefined;
  readonly uniqueKey?: string | undefined;
  readonly rule: UniqueRule;
}

export interface JobWithOutlook {
  readonly job: Job;
  readonly outlook: Outlook;
}

export type JobActions = ReturnType<typeof createJobActions>;

export function createJobActions({ jobs, projects }: JobActionDeps) {
  async function getJob(sql: Sql, id: string, who: Who, permission: Permission): Promise<Job> {
    const job = await jobs.find(sql, id);
    if (!job) throw workErrors.JOB_NOT_FOUND();
    if (job.projectId !== null) {
      const access = await projects.access(sql, job.projectId, who);
      allow(access, permission, workErrors.JOB_NOT_FOUND);
    } else if (job.createdBy === null || job.createdBy !== userOf(who)) throw workErrors.JOB_NOT_FOUND();
    return job;
  }

  /** For a change of it: as writeAccess, what the caller may stays so until the commit. */
  async function getJobToChange(tx: Tx, id: string, userId: string, permission: Permission): Promise<Job> {
    const job = await getJob(tx, id, userId, permission);
    if (job.projectId !== null) allow(await projects.writeAccess(tx, job.projectId, userId), permission);
    return job;
  }

  async function show(sql: Sql, id: string): Promise<JobWithOutlook> {
    const job = await jobs.find(sql, id);
    if (!job) throw workErrors.JOB_NOT_FOUND();
    return { job, outlook: await jobs.lookOut(sql, job) };
  }

  return {
    async submitJob(tx: Tx, userId: string, given: NewJob): Promise<JobWithOutlook> {
      allow(await projects.writeAccess(tx, given.projectId, userId), permissionOf(jobs, given.task));
      const task = checkInput(jobs, given.task, given.input);
      const { projectId, runAt, timeoutMs, rule, priority, uniqueKey } = given;
      const { id, isNew } = await jobs.submit(tx, task, given.input, {
        projectId,
        createdBy: userId,
        runAt,
        timeoutMs,
        rule,
        ...(priority ? { priority } : {}),
        ...(uniqueKey ? { uniqueKey } : {}),
      });
      if (!isNew && rule === "reject") throw workErrors.JOB_KEY_TAKEN({ members: { job_id: id } });
      return show(tx, id);
    },

    async getJob(sql: Sql, id: string, who: Who): Promise<JobWithOutlook> {
      const job = await getJob(sql, id, who, "jobs.read");
      return { job, outlook: await jobs.lookOut(sql, job) };
    },

    async listJobs(sql: Sql, userId: string, filter: JobFilter): Promise<Job[]> {
      allow(await projects.access(sql, filter.projectId, userId), "jobs.read");
      return jobs.list(sql, filter);
    },

    async listLines(sql: Sql, id: string, userId: string): Promise<LogLine[]> {
      await getJob(sql, id, userId, "jobs.read");
      return jobs.listLines(sql, id);
    },

    /** Cancelling what is cancelled already is no mistake. */
    async cancelJob(tx: Tx, id: string, userId: string): Promise<JobWithOutlook> {
      const job = await getJobToChange(tx, id, userId, "jobs.cancel");
      if (!job.isForUser) throw workErrors.JOB_OF_SERVER();
      const cancelled = await jobs.cancel(tx, id, userId);
      if (cancelled === "succeeded" || cancelled === "failed") throw workErrors.JOB_ENDED();
      return show(tx, id);
    },

    async retryJob(tx: Tx, id: string, userId: string): Promise<JobWithOutlook> {
      const job = await getJob(tx, id, userId, "jobs.read");
      if (job.projectId !== null)
        allow(await projects.writeAccess(tx, job.projectId, userId), permissionOf(jobs, job.task));
      if (!job.isForUser) throw workErrors.JOB_OF_SERVER();
      if (job.status !== "failed" && job.status !== "cancelled") throw workErrors.JOB_NOT_RETRIABLE();
      const [revived] = await jobs.revive(tx, [id]);
      if (revived === undefined) throw workErrors.JOB_KEY_TAKEN({ detail: KEY_IN_THE_WAY });
      return show(tx, id);
    },
  };
}

/** Undefined for an API key: what belongs to no project is not its project's. */
function userOf(who: Who): string | undefined {
  return typeof who !== "string" && who.kind === "api_key" ? undefined : personOf(who);
}

const KEY_IN_THE_WAY =
  "Another job with its unique_key has begun and not ended, or somebody has just run this one again. Try again later.";
