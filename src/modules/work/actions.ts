// What can be done with jobs: look at one.
import type { Sql } from "../../kernel/db/index.ts";
import type { Job, Jobs } from "../../kernel/jobs/index.ts";
import { allow, type Projects, personOf, type Who } from "../projects/index.ts";
import { workErrors } from "./errors.ts";

export interface WorkActionDeps {
  readonly jobs: Pick<Jobs, "find">;
  readonly projects: Pick<Projects, "access">;
}

export type WorkActions = ReturnType<typeof createWorkActions>;

export function createWorkActions({ jobs, projects }: WorkActionDeps) {
  return {
    async getJob(sql: Sql, id: string, who: Who): Promise<Job> {
      const job = await jobs.find(sql, id);
      if (!job) throw workErrors.JOB_NOT_FOUND();
      if (job.projectId !== null) {
        const access = await projects.access(sql, job.projectId, who);
        allow(access, "jobs.read", workErrors.JOB_NOT_FOUND);
      } else if (job.createdBy === null || job.createdBy !== userOf(who)) throw workErrors.JOB_NOT_FOUND();
      return job;
    },
  };
}

/** Undefined for an API key: what belongs to no project is not its project's. */
function userOf(who: Who): string | undefined {
  return typeof who !== "string" && who.kind === "api_key" ? undefined : personOf(who);
}
