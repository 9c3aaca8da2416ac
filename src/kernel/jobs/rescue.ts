// The jobs of dead workers: found by their missing beat, or handed on at once by whoever saw the worker die.
import type { Database, Sql } from "../db/index.ts";
import { LEASE_MS } from "./beats.ts";

/** Crashes a job may meet; with the next one it is dead, since it may well be their cause. */
const MAX_INTERRUPTIONS = 3;

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

/** One round of a living worker: who has missed his beats for a lease is dead. */
export async function sweep(sql: Sql): Promise<Rescue> {
  await sql`DELETE FROM job_workers WHERE beat_at < clock_timestamp() - ${LEASE_MS}::float8 * interval '1 millisecond'`;
  const rescue = await takeFromTheDead(sql);
  if (rescue.held === 0) return rescue;
  await endForgottenSessions(sql);
  return rescue;
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
