import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { z } from "zod";
import { openTestDatabase, type TestDatabase } from "../../testing/database.ts";
import { startTestPostgres, type TestPostgres } from "../../testing/postgres.ts";
import { until } from "../../testing/until.ts";
import { jobMigrations, type Task } from "./index.ts";
import { type Engine, startEngine } from "./testing/engine.ts";

setDefaultTimeout(120_000);

const JOBS = 300;

let server: TestPostgres;
let db: TestDatabase;
let engines: Engine[];

const write: Task<{ n: number }> = {
  name: "test.write",
  input: z.object({ n: z.number() }),
  async run({ n }, context) {
    await new Promise((resolve) => setTimeout(resolve, 20));
    await db.transaction(async (tx) => {
      await context.fence(tx);
      // When the answer to a COMMIT is lost nobody knows whether it was done: a handler must bear being run again.
      await tx`INSERT INTO written VALUES (${n}) ON CONFLICT DO NOTHING`;
    });
  },
};

beforeAll(async () => {
  server = await startTestPostgres();
  db = await openTestDatabase([jobMigrations], server);
  await db.sql`CREATE TABLE written (n int PRIMARY KEY)`;
  engines = await Promise.all([1, 2].map(() => startEngine(db, { tasks: [write], work: {} })));
});
afterAll(async () => {
  await Promise.all(engines.map((engine) => engine.stop()));
  await db.close();
  await server.stop();
});

async function handIn(first: number): Promise<void> {
  await db.sql`
    SELECT count(jobs_enqueue(gen_random_uuid(), NULL, 'test.write', 'normal', jsonb_build_object('n', n), NULL, NULL, NULL,
      60000, 4)) FROM generate_series(${first}::int, ${first + JOBS - 1}::int) AS n`;
}

async function countWritten(first: number): Promise<number> {
  const [row] = await db.sql<{ count: number }>`
    SELECT count(*)::int AS count FROM written WHERE n BETWEEN ${first}::int AND ${first + JOBS - 1}::int`;
  return row?.count ?? 0;
}

/** Waits until some are written, so that the blow falls into the middle. */
async function underWay(first: number, count: number): Promise<void> {
  await until("some jobs", async () => (await countWritten(first).catch(() => 0)) >= count);
}

async function expectAllDone(first: number): Promise<void> {
  await until(
    "all jobs to end",
    async () => {
      const rows = await db.sql`SELECT 1 FROM jobs LIMIT 1`.catch(() => [1]);
      return rows.length === 0;
    },
    { withinMs: 60_000 },
  );
  const [row] = await db.sql<{ succeeded: number; written: number }>`
    SELECT (SELECT count(*)::int FROM finished_jobs WHERE status = 'succeeded'
        AND (input ->> 'n')::int BETWEEN ${first}::int AND ${first + JOBS - 1}::int) AS succeeded,
      count(*)::int AS written
    FROM written WHERE n BETWEEN ${first}::int AND ${first + JOBS - 1}::int`;
  expect(row?.succeeded).toBe(JOBS);
  expect(row?.written).toBe(JOBS);
}

test("[JOB-26] every connection is cut, three times: all jobs are done", async () => {
  await handIn(1);
  for (const count of [30, 100, 180]) {
    await underWay(1, count);
    await db.sql`
      SELECT pg_terminate_backend(pid) FROM pg_stat_activity
      WHERE datname = current_database() AND pid <> pg_backend_pid()`.catch(() => {});
  }
  await expectAllDone(1);
});

test("[JOB-26] PostgreSQL is killed and comes back: all jobs are done, and workers hear hints again", async () => {
  await handIn(1001);
  await underWay(1001, 40);
  process.kill(server.pid() ?? 0, "SIGKILL");
  await underWay(1001, 120);
  process.kill(server.pid() ?? 0, "SIGINT");
  await expectAllDone(1001);
  const [engine] = engines;
  await until("a hint that is heard", async () => {
    const atMs = performance.now();
    await engine?.ended(
      await engine.enqueue(write, { n: Math.floor(atMs) + 1_000_000 }, { priority: "urgent" }),
    );
    // A poll may be as fast by chance, not ten of them.
    return performance.now() - atMs < 60;
  });
});
