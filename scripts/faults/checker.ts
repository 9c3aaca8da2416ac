// The accountant of the fault suite, outside of all that is killed: every acknowledged job ends once, with its effects.
import type { Sql } from "../../src/kernel/db/index.ts";

export type End = "succeeded" | "failed" | "cancelled";

export interface Expected {
  readonly ends: readonly End[];
  /** Of the last error, when it has failed. */
  readonly errorCodes?: readonly string[];
  /** Times that its effect was written: at least and at most. */
  readonly effects: readonly [number, number];
}

interface Ended {
  readonly id: string;
  readonly status: End;
  readonly error_code: string | null;
  readonly events: readonly string[];
  readonly effects: number;
  readonly attempt: number;
  readonly max_attempts: number;
}

/** In words what is wrong; of jobs that were not acknowledged nothing is asked. */
export async function checkEnds(sql: Sql, acknowledged: ReadonlyMap<string, Expected>): Promise<string[]> {
  const rows = await sql<Ended>`
    SELECT f.id, f.status, f.errors -> -1 ->> 'code' AS error_code, coalesce(e.events, '{}') AS events,
      coalesce(r.effects, 0) AS effects, f.attempt, f.max_attempts
    FROM finished_jobs f
    LEFT JOIN (SELECT subject, array_agg(event) AS events FROM events GROUP BY subject) e ON e.subject = f.id::text
    LEFT JOIN (SELECT job_id, count(*)::int AS effects FROM runs WHERE what = 'done' GROUP BY job_id) r ON r.job_id = f.id`;
  const problems = await listDeadlocks(sql);
  const ended = new Map<string, Ended>();
  for (const row of rows) {
    if (ended.has(row.id)) problems.push(`${row.id} has ended twice`);
    ended.set(row.id, row);
  }
  for (const [id, expected] of acknowledged) {
    const row = ended.get(id);
    if (row) problems.push(...misfits(row, expected));
    else problems.push(`${id} was acknowledged and is lost`);
  }
  return problems;
}

/** pg-boss #282: whatever happens at the same time, nothing waits in a ring. */
async function listDeadlocks(sql: Sql): Promise<string[]> {
  const [row] = await sql<{ deadlocks: number }>`
    SELECT deadlocks::int FROM pg_stat_database WHERE datname = current_database()`;
  return row?.deadlocks ? [`PostgreSQL has found ${row.deadlocks} deadlocks`] : [];
}

function misfits(row: Ended, expected: Expected): string[] {
  const { id, status, error_code: errorCode, events, effects, attempt, max_attempts: maxAttempts } = row;
  const problems: string[] = [];
  if (attempt > maxAttempts)
    problems.push(`${id} was tried ${attempt} times, and not ${maxAttempts} at most`);
  const [least, most] = status === "succeeded" ? expected.effects : [0, expected.effects[1]];
  if (!expected.ends.includes(status)) {
    problems.push(`${id} has ${status} (${errorCode}), and not ${expected.ends.join(" or ")}`);
  }
  const { errorCodes } = expected;
  if (status === "failed" && errorCodes && !errorCodes.includes(errorCode ?? "")) {
    problems.push(`${id} has failed with ${errorCode}, and not with ${errorCodes.join(" or ")}`);
  }
  if (events.length !== 1 || events[0] !== `job.${status}`) {
    problems.push(`${id} has ${status}, and was announced as ${events.join(", ") || "nothing"}`);
  }
  if (effects < least || effects > most) {
    problems.push(
      `${id} has ${status}, and its effect was written ${effects} times, not ${least} to ${most}`,
    );
  }
  return problems;
}
