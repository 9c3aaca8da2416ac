import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { z } from "zod";
import { bestOf, msOf } from "../../testing/best-of.ts";
import { openTestDatabase, type TestDatabase } from "../../testing/database.ts";
import { until } from "../../testing/until.ts";
import { newId } from "../ids/index.ts";
import { jobMigrations, type Priority, type Task } from "./index.ts";
import { type Engine, startEngine } from "./testing/engine.ts";

setDefaultTimeout(60_000);

let db: TestDatabase;
beforeAll(async () => {
  db = await openTestDatabase([jobMigrations]);
});
afterAll(() => db.close());

const input = z.object({ n: z.number() });
type Note = Task<{ n: number }>;

/** A task that writes down which jobs it ran. */
function noting(name: string, ran: number[]): Note {
  return { name, input, run: async ({ n }) => void ran.push(n) };
}

/** Jobs of a task, n from 1, handed in by one statement. */
async function flood(task: string, count: number, lane: Priority): Promise<void> {
  await db.sql`
    SELECT count(jobs_enqueue(gen_random_uuid(), NULL, ${task}, ${lane}, jsonb_build_object('n', n), NULL, NULL, NULL,
      60000, 1)) FROM generate_series(1, ${count}::int) AS n`;
}

/** Fills all slots until the release. */
async function fillSlots(engine: Engine, task: Task<{ n: number }>, count: number): Promise<void> {
  for (let n = 0; n < count; n++) await engine.enqueue(task, { n }, { priority: "low" });
  await until("full slots", async () => {
    const [row] = await db.sql<{ count: number }>`
      SELECT count(*)::int AS count FROM jobs WHERE task = ${task.name} AND state = 'running'`;
    return row?.count === count;
  });
}

test("[JOB-10] two workers that race for 10,000 jobs run each exactly once", async () => {
  const [one, two]: [number[], number[]] = [[], []];
  const task = "test.race";
  await flood(task, 10_000, "normal");
  const workers = await Promise.all([
    startEngine(db, { tasks: [noting(task, one)], work: { concurrency: 8 } }),
    startEngine(db, { tasks: [noting(task, two)], work: { concurrency: 8 } }),
  ]);
  await until("all jobs", () => one.length + two.length >= 10_000, { withinMs: 50_000 });
  await Promise.all(workers.map((worker) => worker.stop()));
  expect(new Set([...one, ...two]).size).toBe(10_000);
  expect(one.length + two.length).toBe(10_000);
  // One that takes nothing is what must not be; how fast each is depends on the machine.
  expect(Math.min(one.length, two.length)).toBeGreaterThan(100);
  const rows = await db.sql<{ status: string; attempt: number; count: number }>`
    SELECT status, attempt, count(*)::int AS count FROM finished_jobs WHERE task = ${task} GROUP BY 1, 2`;
  expect(rows.map((row) => ({ ...row }))).toEqual([{ status: "succeeded", attempt: 1, count: 10_000 }]);
});

test("[JOB-11] urgent goes before all, and in a lane what is due for longest", async () => {
  const ran: number[] = [];
  const task = noting("test.order", ran);
  const engine = await startEngine(db);
  const add = (n: number, priority: Priority, delayMs = 0) =>
    engine.enqueue(task, { n }, { priority, delayMs });
  await add(3, "low");
  await add(4, "low");
  await add(5, "low");
  await add(1, "urgent");
  await add(2, "urgent");
  const late = await add(0, "high", 3_600_000);
  const worker = await startEngine(db, { tasks: [task], work: { concurrency: 1 } });
  await until("all of them", () => ran.length === 5);
  expect(ran).toEqual([1, 2, 3, 4, 5]);
  expect(await engine.get(late)).toMatchObject({ status: "scheduled" });
  await Promise.all([worker.stop(), engine.stop()]);
});

test("[JOB-33] full lanes share the slots six to three to one, and low never starves", async () => {
  const ran: number[] = [];
  const [task, lanes] = [noting("test.share", ran), ["high", "normal", "low"] as const];
  for (const [place, lane] of lanes.entries()) {
    await db.sql`
      SELECT count(jobs_enqueue(gen_random_uuid(), NULL, ${task.name}, ${lane}, jsonb_build_object('n', ${place}::int), NULL,
        NULL, NULL, 60000, 1)) FROM generate_series(1, 200)`;
  }
  for (const concurrency of [1, 3]) {
    ran.length = 0;
    const worker = await startEngine(db, { tasks: [task], work: { concurrency } });
    await until("a hundred of them", () => ran.length >= 100);
    await worker.stop();
    const counts = lanes.map((_, place) => ran.slice(0, 100).filter((n) => n === place).length);
    expect([concurrency, ...counts.map((count) => Math.round(count / 10))]).toEqual([concurrency, 6, 3, 1]);
  }
  await db.sql`DELETE FROM jobs WHERE task = ${task.name}`;
});

test("[JOB-33] what a lane leaves of its share the others use", async () => {
  const ran: number[] = [];
  const task = noting("test.leftover", ran);
  await flood(task.name, 40, "low");
  const worker = await startEngine(db, { tasks: [task], work: { concurrency: 2 } });
  await until("all of them", () => ran.length === 40);
  await worker.stop();
});

test("[JOB-11] one that is due for longer goes first though it was handed in later", async () => {
  const ran: number[] = [];
  const task = noting("test.due", ran);
  for (const [n, agoS] of [
    [3, 1],
    [1, 30],
    [2, 20],
  ]) {
    await db.sql`
      SELECT jobs_enqueue(${newId()}, NULL, ${task.name}, 'normal', ${{ n }}, NULL, NULL,
        now() - ${agoS ?? 0}::int * interval '1 second', 60000, 1)`;
  }
  const worker = await startEngine(db, { tasks: [task], work: { concurrency: 1 } });
  await until("all of them", () => ran.length === 3);
  expect(ran).toEqual([1, 2, 3]);
  await worker.stop();
});

test("[JOB-12] an urgent job runs at once though all slots are taken and 20,000 wait", async () => {
  const release = Promise.withResolvers<void>();
  const ran: number[] = [];
  const urgent = noting("test.code", ran);
  const slow: Note = { name: "test.newsletter", input, run: () => release.promise };
  const engine = await startEngine(db, { tasks: [urgent, slow], work: { concurrency: 4 } });
  await fillSlots(engine, slow, 4);
  await flood(slow.name, 20_000, "high");
  const medianMs = await bestOf(60, async () => {
    const waitsMs: number[] = [];
    ran.length = 0;
    for (let n = 1; n <= 20; n++) {
      const run = async () => {
        await engine.enqueue(urgent, { n }, { priority: "urgent" });
        await until("the urgent job", () => ran.length === n, { everyMs: 1 });
      };
      waitsMs.push(await msOf(run));
    }
    return waitsMs.sort((a, b) => a - b)[10] ?? Number.NaN;
  });
  // Not a benchmark: without the hint each would have waited for a poll, 125 ms on average.
  expect(medianMs).toBeLessThan(60);
  await db.sql`DELETE FROM jobs WHERE state = 'waiting'`;
  release.resolve();
  await engine.stop();
});

test("[JOB-12] without a hint urgent is still looked for four times a second", async () => {
  const ran: number[] = [];
  const engine = await startEngine(db, { tasks: [noting("test.poll", ran)], work: {} });
  const tookMs = await bestOf(1000, async (round) => {
    await flood("test.poll", 1, "urgent");
    return msOf(() => until("the urgent job", () => ran.length === round + 1));
  });
  expect(tookMs).toBeLessThan(1000);
  await engine.stop();
});

test("[JOB-12] a worker of the urgent lane alone takes nothing else", async () => {
  const ran: number[] = [];
  const task = noting("test.lanes", ran);
  const engine = await startEngine(db, { tasks: [task], work: { lanes: ["urgent"], concurrency: 1 } });
  const normal = await engine.enqueue(task, { n: 1 });
  await engine.ended(await engine.enqueue(task, { n: 2 }, { priority: "urgent" }));
  await until("a look at all", () =>
    engine.enqueue(task, { n: 3 }, { priority: "urgent" }).then(engine.ended),
  );
  expect(ran).toEqual([2, 3]);
  expect(await engine.get(normal)).toMatchObject({ status: "queued" });
  await engine.stop();
});
