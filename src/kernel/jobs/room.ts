// Of a job that waits for room under a limit: how many go before it, and how many may run at once.
import type { Sql } from "../db/index.ts";

export interface Room {
  /** Those that are let in before it; counted up to 10,000. */
  readonly ahead: number;
  /** Of those under its limit that were let in and have not ended. */
  readonly admitted: number;
  readonly max: number;
}

/** So that an answer costs the same however many wait. */
const MAX_COUNTED = 10_000;

/** The narrower one when it stands under two; undefined when it waits for none. */
export async function findRoom(sql: Sql, id: string): Promise<Room | undefined> {
  const ahead = sql`
    (p.lane, p.run_at, p.id) < (j.lane, j.run_at, j.id) AND p.run_at <= clock_timestamp() LIMIT ${MAX_COUNTED}::int`;
  const [row] = await sql<Room>`
    SELECT room.ahead, room.admitted, room.max FROM jobs j CROSS JOIN LATERAL (
      SELECT j.task_max AS max,
        (SELECT count(*)::int FROM (
          SELECT FROM jobs p WHERE p.state = 'parked' AND p.task = j.task AND ${ahead}) AS before) AS ahead,
        (SELECT count(*)::int FROM jobs a
         WHERE a.task = j.task AND a.task_max IS NOT NULL AND a.state <> 'parked') AS admitted
      WHERE j.task_max IS NOT NULL
      UNION ALL
      SELECT j.project_max,
        (SELECT count(*)::int FROM (
          SELECT FROM jobs p WHERE p.state = 'parked' AND p.project_id = j.project_id AND ${ahead}) AS before),
        (SELECT count(*)::int FROM jobs a
         WHERE a.project_id = j.project_id AND a.project_max IS NOT NULL AND a.state <> 'parked')
      WHERE j.project_max IS NOT NULL) AS room
    WHERE j.id = ${id} AND j.state = 'parked'
    ORDER BY (room.ahead + room.admitted)::float8 / room.max DESC LIMIT 1`;
  return row && { ahead: row.ahead, admitted: row.admitted, max: row.max };
}
