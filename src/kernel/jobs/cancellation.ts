// Cancelling: what waits ends in the caller's transaction; what runs is told over the bus, and ended without its worker when
// that does not answer.
import type { Bus } from "../bus/index.ts";
import type { Sql, Tx } from "../db/index.ts";
import type { Logger } from "../telemetry/index.ts";

/** `cancelling`: it runs, and will have ended within a second. Else what it is now; undefined when there is no such job. */
export type Cancelled = "cancelled" | "cancelling" | "succeeded" | "failed" | undefined;

export interface Cancellation {
  /** @param actorId who wants it; left out, its creator. */
  cancel(tx: Tx, id: string, actorId?: string): Promise<Cancelled>;
  /** Calls back with jobs that somebody wants to end, perhaps none of ours. Returns how to stop. */
  hear(onCancel: (ids: readonly string[]) => void): () => void;
}

const TOPIC = "jobs.cancel";
/** More than a worker that listens takes: by now it is busy, or gone. */
const WISH_MS = 700;

export interface CancellationOptions {
  readonly sql: Sql;
  readonly bus: Bus;
  readonly log: Logger;
}

export function createCancellation({ sql, bus, log }: CancellationOptions): Cancellation {
  async function insist(): Promise<void> {
    try {
      await endWishes(sql);
    } catch (error) {
      // The workers look for such jobs too.
      log.debug({ err: error }, "a job that is to end could not be ended from here");
    }
  }

  return {
    async cancel(tx, id, actorId) {
      const [row] = await tx<{
        outcome: Cancelled | null;
      }>`SELECT jobs_cancel(${id}, ${actorId ?? null}) AS outcome`;
      if (row?.outcome === "cancelling") {
        tx.afterCommit(() => {
          bus.publish(TOPIC, id);
          setTimeout(() => void insist(), WISH_MS + 1).unref();
        });
      }
      return row?.outcome ?? undefined;
    },
    hear: (onCancel) => bus.subscribe(TOPIC, (id) => typeof id === "string" && onCancel([id])),
  };
}

/** Ends what was told to end and has not. */
export async function endWishes(sql: Sql): Promise<number> {
  const [row] = await sql<{ count: number }>`SELECT jobs_end_wishes(${WISH_MS}::float8) AS count`;
  return row?.count ?? 0;
}

/** Of the worker's jobs those that somebody wants to end. OFFSET keeps the planner from going through all that run. */
export async function listWishes(sql: Sql, workerId: string): Promise<string[]> {
  const rows = await sql<{ id: string }>`
    SELECT j.id FROM job_cancellations c
    CROSS JOIN LATERAL (SELECT id, state, worker_id FROM jobs WHERE id = c.job_id OFFSET 0) j
    WHERE j.state = 'running' AND j.worker_id = ${workerId}`;
  return rows.map((row) => row.id);
}
