// What can be done with jobs: look at one.
import type { Sql } from "../../kernel/db/index.ts";
import type { Job, Jobs } from "../../kernel/jobs/index.ts";
import { allow, type Projects } from "../projects/index.ts";
import { workErrors } from "./errors.ts";

export interface WorkActionDeps {
  readonly jobs: Pick<Jobs, "find">;
  readonly projects: Pick<Projects, "access">;
}

export type WorkActions = ReturnType<typeof createWorkActions>;

export function createWorkActions({ jobs, projects }: WorkActionDeps) {
  return {
    async getJob(sql: Sql, id: string, userId: string): Promise<Job> {
      const job = await jobs.find(sql, id);
      if (!job) throw workErrors.JOB_NOT_FOUND();
      if (job.projectId !== null) {
        const access = await projects.access(sql, job.projectId, userId);
        allow(access, "jobs.read", workErrors.JOB_NOT_FOUND);
      } else if (job.createdBy !== userId) throw workErrors.JOB_NOT_FOUND();
      return job;
    },
  };
}
