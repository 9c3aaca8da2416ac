// The jobs of dead workers: found by a beat that has stopped, or handed on at once by whoever saw the worker die.
import { pause } from "../clock/index.ts";
import type { Database, Sql } from "../db/index.ts";
import { MAX_INTERRUPTIONS } from "./failure.ts";

/** A worker whose beat has stood still for this long is dead to the others. */
export const LEASE_MS = 7500;
export const SWEEP_INTERVAL_MS = 1000;
/** Between two rounds: after more than this the others may have been cut off with us. */
const GAP_MS = 5000;
/** Other living workers hold such a job for milliseconds, when they take it over. */
const HOLDER_PAUSE_MS = 500;

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
export function createSweep(
  db: Database,
  nowMs: () => number = () => performance.now(),
): () => Promise<Rescue> {
  const { sql } = db;
  const seen = new Map<string, { readonly beatAt: string; readonly sinceMs: number }>();
  let lastMs = Number.NEGATIVE_INFINITY;
  return async () => {
    const beats = await sql<{
      id: string;
      beat_at: string;
    }>`SELECT id, beat_at::text AS beat_at FROM job_workers`;
    const atMs = nowMs();
    if (atMs - lastMs > GAP_MS) seen.clear();
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
    await endHolders(db);
    return takeFromTheDead(sql);
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
 * PostgreSQL tells who holds a row only to one who waits for it: one of our sessions waits, another ends those it waits for.
 */
async function endHolders(db: Database): Promise<void> {
  const waiting = db.transaction(async (tx) => {
    await tx`SELECT set_config('lock_timeout', ${`${2 * HOLDER_PAUSE_MS}ms`}, true)`;
    const [session] = await tx<{ pid: number }>`SELECT pg_backend_pid() AS pid`;
    const ending = pause(HOLDER_PAUSE_MS).then(
      () =>
        db.sql`SELECT pg_terminate_backend(holder) FROM unnest(pg_blocking_pids(${session?.pid ?? 0})) AS holder`,
    );
    await Promise.all([
      ending,
      tx`
        SELECT 1 FROM jobs j
        WHERE state = 'running' AND NOT EXISTS (SELECT FROM job_workers w WHERE w.id = j.worker_id) FOR UPDATE`,
    ]);
  });
  // In vain when the holder has not ended in time: the next round tries again.
  await waiting.catch(() => {});
}
