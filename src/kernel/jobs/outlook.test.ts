import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { z } from "zod";
import { openTestDatabase, type TestDatabase } from "../../testing/database.ts";
import { until } from "../../testing/until.ts";
import { jobMigrations, type Task } from "./index.ts";
import { estimate, type Queue } from "./outlook.ts";
import { type Engine, startEngine } from "./testing/engine.ts";

setDefaultTimeout(60_000);

const NOW = Date.parse("2026-01-01T00:00:00Z");
const QUEUE: Queue = { nowMs: NOW, ahead: 0, slots: 4, share: 0.5, taskMs: 3000, laneMs: 1000 };
const WAITING = { status: "queued", startedAt: null, runAt: new Date(NOW - 5000), progress: null } as const;
const RUNNING = { ...WAITING, status: "running", startedAt: new Date(NOW - 2000) } as const;
const halfDone = { done: 1, total: 4, message: null };

/** Two may run, and do. */
const FULL = { ahead: 0, admitted: 2, max: 2 };

const CASES = [
  ["the next one takes as long as such jobs do", WAITING, QUEUE, 1, 3000],
  ["those ahead share the lane's part of the slots", WAITING, { ...QUEUE, ahead: 10 }, 11, 8000],
  ["the first under a limit needs one to end", WAITING, { ...QUEUE, room: FULL }, 1, 4500],
  ["under a limit those before it go first", WAITING, { ...QUEUE, room: { ...FULL, ahead: 3 } }, 4, 9000],
  ["where there is room it waits for none", WAITING, { ...QUEUE, room: { ...FULL, admitted: 1 } }, 1, 3000],
  ["without workers nothing is promised", WAITING, { ...QUEUE, slots: 0 }, 1, null],
  ["a task that has never run takes as long as its lane", WAITING, { ...QUEUE, taskMs: null }, 1, 1000],
  ["where nothing has run nothing is known", WAITING, { ...QUEUE, taskMs: null, laneMs: null }, 1, null],
  ["a later one begins at its time", { ...WAITING, runAt: new Date(NOW + 60_000) }, QUEUE, null, 63_000],
  ["a running one has begun", RUNNING, QUEUE, null, 1000],
  ["a late one is done any moment", { ...RUNNING, startedAt: new Date(NOW - 9000) }, QUEUE, null, 0],
  ["one that tells its progress is believed", { ...RUNNING, progress: halfDone }, QUEUE, null, 6000],
  ["one without a total is not", { ...RUNNING, progress: { ...halfDone, total: null } }, QUEUE, null, 1000],
] as const;
for (const [what, job, queue, position, afterMs] of CASES) {
  test(`[JOB-42] ${what}`, () => {
    const { estimatedCompletionAt, ...rest } = estimate(job, queue);
    expect(rest).toEqual({ position });
    expect(estimatedCompletionAt?.getTime() ?? null).toBe(afterMs === null ? null : NOW + afterMs);
  });
}

let db: TestDatabase;
let idle: Engine;
beforeAll(async () => {
  db = await openTestDatabase([jobMigrations]);
  idle = await startEngine(db);
});
afterAll(async () => {
  await idle.stop();
  await db.close();
});

const task: Task<null> = { name: "test.outlook", input: z.null(), run: async () => "done" };
const other = { ...task, name: "test.other" };

test("[JOB-42] a place counts what is due before it in its lane, and goes down as they end", async () => {
  const ids = [];
  for (let n = 0; n < 5; n++) ids.push(await idle.enqueue(other, null));
  await idle.enqueue(other, null, { priority: "high" });
  await idle.enqueue(other, null, { delayMs: 3_600_000 });
  const last = await idle.get(ids[4] ?? "");
  expect(await idle.jobs.lookOut(db.sql, last)).toEqual({ position: 5, estimatedCompletionAt: null });
  const worker = await startEngine(db, { tasks: [task], work: {} });
  await worker.ended(await worker.enqueue(task, null, { priority: "urgent" }));
  await worker.ended(await worker.enqueue(task, null));
  const estimated = await until("the pace", async () => {
    const outlook = await idle.jobs.lookOut(db.sql, last);
    return outlook.estimatedCompletionAt ? outlook : undefined;
  });
  expect(estimated.position).toBe(5);
  await db.sql`DELETE FROM jobs WHERE id = ${ids[0] ?? ""}`;
  expect(await idle.jobs.lookOut(db.sql, last)).toMatchObject({ position: 4 });
  await worker.stop();
  await db.sql`DELETE FROM jobs`;
});

test("[JOB-42] with 100,000 queued jobs a place is told from some thousand rows at most", async () => {
  await db.sql`
    INSERT INTO jobs (id, task, lane, input, run_at, timeout_ms, max_attempts)
    SELECT gen_random_uuid(), 'test.other', 2, 'null', now() - interval '1 day' + n * interval '10 milliseconds', 1000, 1
    FROM generate_series(1, 100000) AS n`;
  await db.sql`VACUUM ANALYZE jobs`;
  const last = await idle.get(await idle.enqueue(other, null));
  const { position } = await idle.jobs.lookOut(db.sql, last);
  expect(Math.abs((position ?? 0) - 100_000)).toBeLessThan(10_000);
  const read = async () => {
    await db.sql`SELECT pg_stat_force_next_flush()`;
    await db.sql`SELECT pg_stat_clear_snapshot()`;
    const [row] = await db.sql<{ rows: number }>`
      SELECT sum(idx_tup_read)::float8 AS rows FROM pg_stat_user_indexes WHERE relname = 'jobs'`;
    return row?.rows ?? 0;
  };
  const before = await read();
  await idle.jobs.lookOut(db.sql, last);
  const cost = await until("the statistics", async () => (await read()) - before || undefined);
  expect(cost).toBeLessThan(3000);
});
