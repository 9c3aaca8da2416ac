// What can be done with dead letters: look at them, and run many again at once.
import type { Sql, Tx } from "../../../kernel/db/index.ts";
import type { DeadFilter, Job, Jobs } from "../../../kernel/jobs/index.ts";
import { allow, isAllowed, type Projects } from "../../projects/index.ts";
import { permissionOf } from "../tasks.ts";

export interface DeadLetterDeps {
  readonly jobs: Pick<Jobs, "listDead" | "listDeadIds" | "revive" | "userTasks">;
  readonly projects: Pick<Projects, "access" | "writeAccess">;
}

export interface Redriven {
  readonly matched: number;
  readonly redriven: number;
  /** More match than one call takes. */
  readonly hasMore: boolean;
}

/** One transaction's worth. */
export const REDRIVEN_AT_MOST = 1_000;

export type DeadLetterActions = ReturnType<typeof createDeadLetterActions>;

export function createDeadLetterActions({ jobs, projects }: DeadLetterDeps) {
  return {
    async listDead(sql: Sql, userId: string, filter: DeadFilter): Promise<Job[]> {
      allow(await projects.access(sql, filter.projectId, userId), "jobs.read");
      return jobs.listDead(sql, filter);
    },

    /** A dry run only counts. Those whose key is in use, or whose task the caller may not run, are left where they are. */
    async redrive(
      tx: Tx,
      userId: string,
      filter: Omit<DeadFilter, "limit" | "exceptTasks">,
      isDryRun: boolean,
    ): Promise<Redriven> {
      const access = allow(await projects.writeAccess(tx, filter.projectId, userId), "jobs.run");
      const names = jobs.userTasks().map(({ name }) => name);
      const exceptTasks = names.filter((name) => !isAllowed(access, permissionOf(jobs, name)));
      const found = await jobs.listDeadIds(tx, { ...filter, exceptTasks, limit: REDRIVEN_AT_MOST });
      const ids = found.slice(0, REDRIVEN_AT_MOST);
      const revived = isDryRun || ids.length === 0 ? [] : await jobs.revive(tx, ids);
      return { matched: ids.length, redriven: revived.length, hasMore: found.length > ids.length };
    },
  };
}
