// What can be done with dead letters: look at them, and run many again at once.
import type { Sql, Tx } from "../../../kernel/db/index.ts";
import type { DeadFilter, Job, Jobs } from "../../../kernel/jobs/index.ts";
import { allow, type Projects } from "../../projects/index.ts";

export interface DeadLetterDeps {
  readonly jobs: Pick<Jobs, "listDead" | "listDeadIds" | "revive">;
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

    /** A dry run only counts. Those whose key is in use are left where they are. */
    async redrive(
      tx: Tx,
      userId: string,
      filter: Omit<DeadFilter, "limit">,
      isDryRun: boolean,
    ): Promise<Redriven> {
      allow(await projects.writeAccess(tx, filter.projectId, userId), "jobs.run");
      const found = await jobs.listDeadIds(tx, { ...filter, limit: REDRIVEN_AT_MOST });
      const ids = found.slice(0, REDRIVEN_AT_MOST);
      const revived = isDryRun || ids.length === 0 ? [] : await jobs.revive(tx, ids);
      return { matched: ids.length, redriven: revived.length, hasMore: found.length > ids.length };
    },
  };
}
