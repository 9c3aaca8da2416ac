import { afterAll, beforeAll, expect, test } from "bun:test";
import { openTestDatabase, type TestDatabase } from "../../testing/database.ts";
import type { Tx } from "../db/index.ts";
import { newId } from "../ids/index.ts";
import { jobMigrations } from "./index.ts";
import { claimJobs, completeJobs, handBackForgotten } from "./worker-store.ts";

const WAITING = 20_000;
const TASK = "test.many";
const workerId = newId();

let db: TestDatabase;
beforeAll(async () => {
  db = await openTestDatabase([jobMigrations]);
  await db.sql`INSERT INTO job_workers (id, host, pid, roles) VALUES (${workerId}, 'here', 1, '{}')`;
  await fill();
  await db.sql`DELETE FROM jobs`;
  // What autovacuum does when it comes by at a moment when all is done.
  await db.sql`ANALYZE jobs`;
  await fill();
});
afterAll(() => db.close());

async function fill(): Promise<void> {
  await db.sql`
    INSERT INTO jobs (id, task, lane, input, run_at, timeout_ms, max_attempts)
    SELECT gen_random_uuid(), ${TASK}, 2, '{}', now(), 60000, 1 FROM generate_series(1, ${WAITING}::int)`;
}

/** Rows of the queue that were looked at in this transaction so far. */
async function readSoFar(tx: Tx): Promise<number> {
  const [row] = await tx<{ count: number }>`
    SELECT (seq_tup_read + idx_tup_fetch)::float8 AS count FROM pg_stat_xact_user_tables WHERE relname = 'jobs'`;
  return row?.count ?? Number.NaN;
}

test("[JOB-133] planned while the queue stood empty, a claim and its ends read few of the many that wait now", async () => {
  const claim = { workerId, lanes: [2], tasks: [TASK], limit: 10, urgentLimit: 0, quotas: [10] };
  await db.transaction(async (tx) => {
    const { jobs } = await claimJobs(tx, claim, [null]);
    expect(jobs).toHaveLength(10);
    const results = jobs.slice(0, 5).map((job) => ({ ...job, resultJson: "null" }));
    expect([...(await completeJobs(tx, results))].sort()).toEqual(results.map(({ id }) => id).sort());
    expect(await handBackForgotten(tx, workerId, jobs.slice(0, 7))).toBe(3);
    expect(await readSoFar(tx)).toBeLessThan(WAITING / 10);
  });
});
