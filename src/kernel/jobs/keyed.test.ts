import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { z } from "zod";
import { type Chance, createChance } from "../../testing/chance.ts";
import { openAgain, openTestDatabase, type TestDatabase } from "../../testing/database.ts";
import { until } from "../../testing/until.ts";
import type { Tx } from "../db/index.ts";
import { type JobContext, jobMigrations, type Task } from "./index.ts";
import { type Engine, startEngine } from "./testing/engine.ts";

setDefaultTimeout(60_000);

let db: TestDatabase;
beforeAll(async () => {
  db = await openTestDatabase([jobMigrations]);
  await db.sql`CREATE TABLE pending (key text NOT NULL, n bigint GENERATED ALWAYS AS IDENTITY)`;
  await db.sql`CREATE TABLE active (key text PRIMARY KEY)`;
  await db.sql`CREATE TABLE drained (n bigint, at timestamptz NOT NULL)`;
});
afterAll(() => db.close());

const input = z.object({ key: z.string() });

/** Drains what is pending of its key, as an analysis does. */
function draining(name: string, before: (context: JobContext) => Promise<void>): Task<{ key: string }> {
  return {
    name,
    input,
    async run({ key }, context) {
      const rows = await db.sql<{ n: string }>`SELECT n::text AS n FROM pending WHERE key = ${key}`;
      await before(context);
      await db.sql`DELETE FROM pending WHERE key = ${key} AND n = ANY (${rows.map((row) => row.n)}::bigint[])`;
      return rows.length;
    },
  };
}

test("[JOB-7] a job that a worker would take waits for the transaction that has joined it", async () => {
  const task = draining("test.join", async () => {});
  const idle = await startEngine(db);
  const first = await idle.enqueue(task, { key: "join" }, { uniqueKey: "join" });
  let worker: Engine | undefined;
  await db.transaction(async (tx) => {
    await tx`INSERT INTO pending (key) VALUES ('join')`;
    expect(await idle.jobs.enqueue(tx, task, { key: "join" }, { uniqueKey: "join" })).toBe(first);
    worker = await startEngine(db, { tasks: [task], work: {} });
    // The worker is awake, and has looked: this one behind the joined job is done.
    await worker.ended(await worker.enqueue(task, { key: "nothing" }));
    expect(await idle.get(first)).toMatchObject({ status: "queued" });
  });
  expect(await worker?.ended(first)).toMatchObject({ status: "succeeded", result: 1 });
  await worker?.stop();
  await idle.stop();
});

test("[JOB-6] a further job of a key waits until the one that runs has ended", async () => {
  const gate = Promise.withResolvers<void>();
  const task = draining("test.further", () => gate.promise);
  const aside = draining("test.aside", async () => {});
  const engine = await startEngine(db, { tasks: [task, aside], work: {} });
  const add = () => engine.enqueue(task, { key: "further" }, { uniqueKey: "further", priority: "urgent" });
  const first = await add();
  await until("the first to run", async () => (await engine.get(first)).status === "running");
  const second = await add();
  expect(second).not.toBe(first);
  expect(await add()).toBe(second);
  // The worker has looked past it.
  await engine.ended(await engine.enqueue(aside, { key: "aside" }, { priority: "urgent" }));
  expect(await engine.get(second)).toMatchObject({ status: "queued", attempt: 0 });
  gate.resolve();
  const [one, two] = [await engine.ended(first), await engine.ended(second)];
  expect(two.startedAt?.getTime()).toBeGreaterThanOrEqual(one.finishedAt?.getTime() ?? Number.NaN);
  await engine.stop();
});

test("[JOB-6] a retry goes before the newer job of its key, and neither is lost", async () => {
  const gate = Promise.withResolvers<void>();
  const ran: string[] = [];
  const task: Task<{ key: string }> = {
    name: "test.retry",
    input,
    async run(_, context) {
      ran.push(context.jobId);
      if (ran.length > 1) return;
      await gate.promise;
      throw Object.assign(new Error("once"), { retryAfterSeconds: 0.5 });
    },
  };
  const engine = await startEngine(db, { tasks: [task], work: {} });
  const add = () => engine.enqueue(task, { key: "retry" }, { uniqueKey: "retry", priority: "urgent" });
  const first = await add();
  await until("the first to run", () => ran.length === 1);
  const second = await add();
  gate.resolve();
  expect(await engine.ended(second)).toMatchObject({ status: "succeeded", attempt: 1 });
  expect(await engine.get(first)).toMatchObject({ status: "succeeded", attempt: 2 });
  expect(ran).toEqual([first, first, second]);
  await engine.stop();
});

test("[JOB-8] a worker stands in line with those who hand a key in, and is not passed over for ever", async () => {
  const task: Task<{ key: string }> = { name: "test.line", input, run: async () => "ran" };
  const idle = await startEngine(db);
  const other = openAgain(db);
  const handIn = (tx: Tx) => idle.jobs.enqueue(tx, task, { key: "line" }, { uniqueKey: "line" });
  const isWaiting = async (query: string) => {
    const rows = await db.sql`
      SELECT 1 FROM pg_stat_activity
      WHERE datname = current_database() AND wait_event_type = 'Lock' AND query LIKE ${`%${query}%`}`;
    return rows.length > 0;
  };
  const first = await idle.db.transaction(handIn);
  let worker: Engine | undefined;
  let second: Promise<string> | undefined;
  // Whoever joins it holds it: the worker comes next, and who joins later comes after the worker.
  await idle.db.transaction(async (tx) => {
    expect(await handIn(tx)).toBe(first);
    worker = await startEngine(db, { tasks: [task], work: {} });
    await until("the worker in line", () => isWaiting("jobs_claim_patiently"));
    second = other.transaction(handIn);
    await until("another one behind it", () => isWaiting("jobs_enqueue"));
  });
  expect(await idle.ended(first)).toMatchObject({ status: "succeeded" });
  expect(await second).not.toBe(first);
  await Promise.all([worker?.stop(), idle.stop(), other.close()]);
});

/** Writers that hand in and roll back, workers that fail now and then, and what must hold all the same. */
async function fuzz(chance: Chance) {
  const keys = ["k1", "k2", "k3"];
  const overlaps: string[] = [];
  const task: Task<{ key: string }> = {
    name: "test.fuzz",
    input,
    maxAttempts: 1000,
    async run({ key }, context) {
      await db.sql`INSERT INTO active VALUES (${key})`.catch(() => overlaps.push(context.jobId));
      try {
        const rows = await db.sql<{ n: string }>`SELECT n::text AS n FROM pending WHERE key = ${key}`;
        await db.sql`SELECT pg_sleep(${chance.next() * 0.003})`;
        if (chance.oneIn(5)) throw new Error("now and then");
        await db.sql`
          WITH gone AS (
            DELETE FROM pending WHERE key = ${key} AND n = ANY (${rows.map((row) => row.n)}::bigint[]) RETURNING n)
          INSERT INTO drained SELECT n, clock_timestamp() FROM gone`;
      } finally {
        await db.sql`DELETE FROM active WHERE key = ${key}`;
      }
    },
  };
  const engines = await Promise.all(
    [1, 2, 3].map(() => startEngine(db, { tasks: [task], work: { concurrency: 3 }, random: () => 0 })),
  );
  const promised: { id: string; n: string }[] = [];
  const write = async (own: TestDatabase) => {
    for (let left = 60; left > 0; left--) {
      const key = keys[chance.below(keys.length)] ?? "";
      await own
        .transaction(async (tx) => {
          const [row] = await tx<{
            n: string;
          }>`INSERT INTO pending (key) VALUES (${key}) RETURNING n::text AS n`;
          if (chance.oneIn(2)) await tx`SELECT pg_sleep(${chance.next() * 0.003})`;
          const id = await (engines[0] as Engine).jobs.enqueue(
            tx,
            task,
            { key },
            { uniqueKey: key, priority: "urgent" },
          );
          if (chance.oneIn(2)) await tx`SELECT pg_sleep(${chance.next() * 0.01})`;
          if (chance.oneIn(6)) throw new Error("rolled back");
          promised.push({ id, n: row?.n ?? "" });
        })
        .catch(() => {});
    }
  };
  const own = [openAgain(db), openAgain(db)];
  await Promise.all([...own, ...own, ...own].map(write));
  // Each job that was returned must have seen the row that came with it: drained when it ended, by itself or one before it.
  for (const { id } of promised) await engines[0]?.ended(id, 30_000);
  const unseen = await db.sql<{ n: string }>`
    SELECT p.n FROM unnest(${promised.map(({ id }) => id)}::uuid[], ${promised.map(({ n }) => n)}::bigint[]) AS p (id, n)
    JOIN finished_jobs f ON f.id = p.id LEFT JOIN drained d ON d.n = p.n
    WHERE d.n IS NULL OR d.at > f.finished_at`;
  await Promise.all([...engines.map((engine) => engine.stop()), ...own.map((each) => each.close())]);
  return { overlaps, promised, unseen: unseen.map((row) => row.n) };
}

let outcome: ReturnType<typeof fuzz> | undefined;
const fuzzed = () => {
  outcome ??= fuzz(createChance("keyed jobs"));
  return outcome;
};

test("[JOB-6] with writers, failures and three workers at random no two of a key ran at once", async () => {
  const { overlaps, promised } = await fuzzed();
  expect(promised.length).toBeGreaterThan(200);
  expect(overlaps).toEqual([]);
});

test("[JOB-7] with writers, failures and three workers at random no wake-up was lost", async () => {
  expect((await fuzzed()).unseen).toEqual([]);
  const rows = await db.sql`SELECT 1 FROM jobs WHERE task = 'test.fuzz'`;
  expect(rows).toHaveLength(0);
});
