// The jobs of dead workers: found by a beat that has stopped, or handed on at once by whoever saw the worker die.
import type { Database, Sql } from "../db/index.ts";
import { MAX_INTERRUPTIONS } from "./failure.ts";

/** A worker whose beat has stood still for this long is dead to the others. */
const LEASE_MS = 8000;
export const SWEEP_INTERVAL_MS = 2000;

export interface Rescue {
  readonly taken: number;
  /** Still locked by a transaction of the dead worker. */
  readonly held: number;
}

/** Call it when the worker's process has ended: its jobs run again now, not only when its beat is missed. */
export async function releaseWorker(db: Database, id: string): Promise<Rescue> {
  await db.sql`DELETE FROM job_workers WHERE id = ${id}`;
  return takeFromTheDead(db.sql);
}

/** Call it when no worker can be alive: at the start of a database that only we can reach. */
export async function releaseAllWorkers(db: Database): Promise<Rescue> {
  await db.sql`DELETE FROM job_workers`;
  return takeFromTheDead(db.sql);
}

/**
 * Returns one round of a living worker. It compares no clocks: dead is whose beat we have seen stand still for a lease of our
 * own time, round by round. After a gap of our own (the database was away, we were stopped) watching begins anew, since the
 * others may have had the same.
 */
export function createSweep(sql: Sql, nowMs: () => number = () => performance.now()): () => Promise<Rescue> {
  const seen = new Map<string, { readonly beatAt: string; readonly sinceMs: number }>();
  let lastMs = Number.NEGATIVE_INFINITY;
  return async () => {
    const beats = await sql<{
      id: string;
      beat_at: string;
    }>`SELECT id, beat_at::text AS beat_at FROM job_workers`;
    const atMs = nowMs();
    if (atMs - lastMs > 3 * SWEEP_INTERVAL_MS) seen.clear();
    lastMs = atMs;
    const gone = new Set(seen.keys());
    for (const { id, beat_at: beatAt } of beats) {
      gone.delete(id);
      if (seen.get(id)?.beatAt !== beatAt) seen.set(id, { beatAt, sinceMs: atMs });
    }
    for (const id of gone) seen.delete(id);
    const dead = [...seen].filter(([, { sinceMs }]) => atMs - sinceMs >= LEASE_MS);
    if (dead.length > 0) await deleteWorkers(sql, dead);
    const rescue = await takeFromTheDead(sql);
    if (rescue.held === 0) return rescue;
    await endForgottenSessions(sql);
    return rescue;
  };
}

/** Only if the beat still stands where it stood. */
async function deleteWorkers(
  sql: Sql,
  dead: readonly (readonly [id: string, seen: { readonly beatAt: string }])[],
): Promise<void> {
  await sql`
    DELETE FROM job_workers w
    USING unnest(${dead.map(([id]) => id)}::uuid[], ${dead.map(([, { beatAt }]) => beatAt)}::text[]) AS d (id, beat_at)
    WHERE w.id = d.id AND w.beat_at = d.beat_at::timestamptz`;
}

async function takeFromTheDead(sql: Sql): Promise<Rescue> {
  const [rescue] = await sql<Rescue>`SELECT taken, held FROM jobs_take_from_the_dead(${MAX_INTERRUPTIONS})`;
  return rescue ?? { taken: 0, held: 0 };
}

/**
 * A process that is stopped, or cut off from the network, leaves its sessions behind, and with them the locks on its jobs.
 * Ended are only those that hold such a lock and have said nothing within a transaction for longer than a lease.
 */
async function endForgottenSessions(sql: Sql): Promise<void> {
  await sql`
    SELECT pg_terminate_backend(a.pid) FROM pg_stat_activity a
    WHERE a.datname = current_database() AND a.usename = current_user AND a.state LIKE 'idle in transaction%'
      AND a.state_change < clock_timestamp() - ${LEASE_MS}::float8 * interval '1 millisecond'
      AND EXISTS (SELECT FROM pg_locks l WHERE l.pid = a.pid AND l.relation = 'jobs'::regclass)`;
}
