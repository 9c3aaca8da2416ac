import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { z } from "zod";
import { createChance } from "../../testing/chance.ts";
import { openTestDatabase, type TestDatabase } from "../../testing/database.ts";
import { until } from "../../testing/until.ts";
import { eventMigrations } from "../events/index.ts";
import { newId } from "../ids/index.ts";
import { jobMigrations, type Task } from "./index.ts";
import { type Engine, startEngine } from "./testing/engine.ts";

setDefaultTimeout(60_000);

let db: TestDatabase;
beforeAll(async () => {
  db = await openTestDatabase([eventMigrations, jobMigrations]);
});
afterAll(() => db.close());

/** A task that knows how many of it run at once, in all engines of the test. */
function counting(name: string, maxRunning: number | undefined, run: () => Promise<unknown>) {
  const running = { now: 0, most: 0 };
  const task: Task<null> = {
    name,
    input: z.null(),
    maxAttempts: 1000,
    forUsers: { description: "For a test.", ...(maxRunning === undefined ? {} : { maxRunning }) },
    async run() {
      running.most = Math.max(running.most, ++running.now);
      try {
        return await run();
      } finally {
        running.now--;
      }
    },
  };
  return { task, running };
}

const submit = (engine: Engine, task: Task<null>, projectId = newId(), options: object = {}) =>
  engine.db.transaction(async (tx) => {
    const given = { projectId, createdBy: projectId, ...options };
    return (await engine.jobs.submit(tx, task, null, given)).id;
  });

test("[JOB-44] with two workers, failures and retries no more of a task run than may, and all end", async () => {
  const chance = createChance("limits");
  const { task, running } = counting("test.limited", 3, async () => {
    await db.sql`SELECT pg_sleep(${chance.next() * 0.01})`;
    if (chance.oneIn(6)) throw new Error("now and then");
  });
  const engines = await Promise.all(
    [1, 2].map(() => startEngine(db, { tasks: [task], work: { concurrency: 8 } })),
  );
  const ids = await Promise.all(Array.from({ length: 60 }, (_, n) => submit(engines[n % 2] as Engine, task)));
  for (const id of ids) await engines[0]?.ended(id, 50_000);
  expect(running.most).toBe(3);
  await Promise.all(engines.map((engine) => engine.stop()));
});

test("[JOB-44] no more of a project's jobs run than may, each that waits has its place, and another project does not wait for them", async () => {
  const gate = Promise.withResolvers<void>();
  const { task, running } = counting("test.project", undefined, () => gate.promise);
  const options = { tasks: [task], work: { concurrency: 4 }, projectConcurrency: 2 };
  const [one, two] = [await startEngine(db, options), await startEngine(db, options)];
  const [busy, other] = [newId(), newId()];
  const waiting = [];
  for (let n = 0; n < 6; n++) waiting.push(await submit(one, task, busy));
  await until("the first two", () => running.now === 2);
  const alone = await submit(two, task, other, { priority: "low" });
  await until("the other project's", async () => (await two.get(alone)).status === "running");
  expect(running.now).toBe(3);
  const left = waiting[5] ?? "";
  const positions = waiting.map(async (id) => (await one.jobs.lookOut(db.sql, await one.get(id))).position);
  expect(await Promise.all(positions)).toEqual([null, null, 1, 2, 3, 4]);
  expect(await one.get(left)).toMatchObject({ status: "queued", attempt: 0 });
  expect(await one.db.transaction((tx) => one.jobs.cancel(tx, left))).toBe("cancelled");
  gate.resolve();
  for (const id of waiting.slice(0, 5)) await one.ended(id);
  await Promise.all([one.stop(), two.stop()]);
});

test("[JOB-44] room that a cancelled or a dead one leaves is used", async () => {
  const { task, running } = counting("test.room", 1, () => new Promise(() => {}));
  const engine = await startEngine(db, { tasks: [task], work: {} });
  const [first, second, third] = [
    await submit(engine, task),
    await submit(engine, task),
    await submit(engine, task),
  ];
  const runs = (id: string) => until("it to run", async () => (await engine.get(id)).status === "running");
  await runs(first);
  await engine.db.transaction((tx) => engine.jobs.cancel(tx, first));
  await runs(second);
  // Ended without its worker, as when that has died.
  await db.sql`SELECT jobs_bury(j, 'failed') FROM jobs j WHERE id = ${second}`;
  await runs(third);
  // Those that are left behind go on for ever: one of each.
  expect(running.now).toBe(3);
  await engine.stop();
  await db.sql`DELETE FROM jobs`;
});

test("[JOB-44] a job under a limit that is to run later is admitted when it is due", async () => {
  const { task } = counting("test.later", 1, async () => "ran");
  const engine = await startEngine(db, { tasks: [task], work: {} });
  const id = await submit(engine, task, newId(), { runAt: new Date(Date.now() + 3_600_000) });
  expect(await engine.get(id)).toMatchObject({ status: "scheduled" });
  await db.sql`UPDATE jobs SET run_at = clock_timestamp() + interval '500 milliseconds' WHERE id = ${id}`;
  const job = await engine.ended(id);
  expect(job.startedAt?.getTime()).toBeGreaterThanOrEqual(job.runAt.getTime());
  await engine.stop();
});

test("[JOB-44] 5,000 jobs that wait for room stand in nobody's way", async () => {
  const { task } = counting("test.parked", 1, async () => "ran");
  const idle = await startEngine(db);
  await db.sql`
    INSERT INTO jobs (id, task, lane, state, input, run_at, timeout_ms, max_attempts, task_max)
    SELECT gen_random_uuid(), 'test.parked', 2, 'parked', 'null', now() - interval '1 day', 1000, 1, 1
    FROM generate_series(1, 5000)`;
  const free: Task<null> = { ...task, name: "test.free" };
  const id = await idle.enqueue(free, null);
  const outlook = await idle.jobs.lookOut(db.sql, await idle.get(id));
  expect(outlook.position).toBe(1);
  await db.sql`DELETE FROM jobs`;
  await idle.stop();
});
