import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { z } from "zod";
import { bestOf } from "../../testing/best-of.ts";
import { openTestDatabase, type TestDatabase } from "../../testing/database.ts";
import { until } from "../../testing/until.ts";
import { eventMigrations } from "../events/index.ts";
import { newId } from "../ids/index.ts";
import { type JobContext, jobMigrations, type Task } from "./index.ts";
import { type Engine, startEngine } from "./testing/engine.ts";
import { spawnWorker } from "./testing/spawn-worker.ts";
import { createTestTasks, RUNS } from "./testing/tasks.ts";

setDefaultTimeout(60_000);

let db: TestDatabase;
/** Hands in and cancels, and runs nothing. */
let idle: Engine;
const projectId = newId();
beforeAll(async () => {
  db = await openTestDatabase([eventMigrations, jobMigrations]);
  await db.sql.unsafe(RUNS);
  await db.sql`INSERT INTO event_heads (project_id) VALUES (${projectId})`;
  idle = await startEngine(db);
});
afterAll(async () => {
  await idle.stop();
  await db.close();
});

const by = { projectId, createdBy: newId() };
const task = (name: string, run: (context: JobContext) => unknown): Task<null> => ({
  name,
  input: z.null(),
  run: async (_, context) => run(context),
});
const submit = <T>(given: Task<T>, input: T, options: object = {}) =>
  db.transaction((tx) => idle.jobs.submit(tx, given, input, { ...by, ...options }));
const cancel = (id: string) => db.transaction((tx) => idle.jobs.cancel(tx, id));
const running = (id: string) =>
  until("the job to run", async () => (await idle.get(id)).status === "running");

async function announced(id: string): Promise<string[]> {
  const rows = await db.sql<{ event: string }>`SELECT event FROM events WHERE subject = ${id} ORDER BY seq`;
  return rows.map(({ event }) => event);
}

/** Milliseconds from the wish to the end, both by the database's clock. */
async function cancelRunning(id: string): Promise<number> {
  expect(await cancel(id)).toBe("cancelling");
  const [{ asked } = { asked: 0 }] = await db.sql<{ asked: number }>`
    SELECT (extract(epoch FROM clock_timestamp()) * 1000)::float8 AS asked`;
  const ended = await idle.ended(id);
  expect(ended).toMatchObject({ status: "cancelled", result: null });
  return (ended.finishedAt?.getTime() ?? Number.NaN) - asked;
}

test("[JOB-34] a job that waits is cancelled with the commit, and never runs", async () => {
  const waiting = task("test.waits", () => "ran");
  const { id } = await submit(waiting, null);
  await expect(
    db.transaction(async (tx) => {
      expect(await idle.jobs.cancel(tx, id)).toBe("cancelled");
      throw new Error("rolled back");
    }),
  ).rejects.toThrow("rolled back");
  expect(await idle.get(id)).toMatchObject({ status: "queued" });
  expect(await cancel(id)).toBe("cancelled");
  expect(await idle.get(id)).toMatchObject({ status: "cancelled", attempt: 0, error: null });
  const worker = await startEngine(db, { tasks: [waiting], work: {} });
  await worker.ended(await worker.enqueue(waiting, null));
  expect(await cancel(id)).toBe("cancelled");
  expect(await idle.get(id)).toMatchObject({ status: "cancelled", startedAt: null });
  expect(await announced(id)).toEqual(["job.cancelled"]);
  await worker.stop();
});

test("[JOB-34] what has ended is cancelled no more, and what is not there neither", async () => {
  const ends = task("test.ends", () => "done");
  const worker = await startEngine(db, { tasks: [ends], work: {} });
  const { id } = await submit(ends, null);
  await worker.ended(id);
  expect(await cancel(id)).toBe("succeeded");
  expect(await idle.get(id)).toMatchObject({ status: "succeeded" });
  expect(await cancel(newId())).toBeUndefined();
  expect(await announced(id)).toEqual(["job.succeeded"]);
  await worker.stop();
});

test("[JOB-35] a handler in another process is told by its signal, and has ended within a second", async () => {
  const reasons: string[] = [];
  const listening = task("test.listens", async ({ signal }) => {
    await new Promise((resolve) => signal.addEventListener("abort", resolve));
    reasons.push(String(signal.reason));
    return "ended by itself";
  });
  const worker = await startEngine(db, { tasks: [listening], work: {} });
  const tookMs = await bestOf(1000, async () => {
    reasons.length = 0;
    const { id } = await submit(listening, null);
    await running(id);
    const ms = await cancelRunning(id);
    expect(reasons).toEqual([expect.stringContaining("cancelled")]);
    expect(await announced(id)).toEqual(["job.cancelled"]);
    return ms;
  });
  expect(tookMs).toBeLessThan(1000);
  await worker.stop();
});

test("[JOB-35] without the bus a running job is cancelled all the same", async () => {
  const deaf = task(
    "test.deaf",
    ({ signal }) =>
      new Promise((_, reject) => {
        signal.addEventListener("abort", () => reject(signal.reason));
      }),
  );
  const worker = await startEngine(db, { tasks: [deaf], work: {} });
  const { id } = await submit(deaf, null);
  await running(id);
  await db.sql`INSERT INTO job_cancellations (job_id) VALUES (${id})`;
  expect(await worker.ended(id)).toMatchObject({ status: "cancelled" });
  await worker.stop();
});

test("[JOB-35] a handler that ignores its signal is left behind, changes nothing, and its slot is free", async () => {
  let gate = Promise.withResolvers<void>();
  const late: unknown[] = [];
  const stubborn = task("test.stubborn", async (context) => {
    await gate.promise;
    late.push(await db.transaction((tx) => context.fence(tx)).catch((error: unknown) => String(error)));
    return "much too late";
  });
  const next = task("test.next", () => "ran");
  const worker = await startEngine(db, { tasks: [stubborn, next], work: { concurrency: 1 } });
  const tookMs = await bestOf(1000, async () => {
    gate = Promise.withResolvers();
    late.length = 0;
    const { id } = await submit(stubborn, null);
    await running(id);
    const ms = await cancelRunning(id);
    expect(await worker.ended(await worker.enqueue(next, null))).toMatchObject({ status: "succeeded" });
    const cancelled = await idle.get(id);
    gate.resolve();
    await until("the late handler", () => late.length === 1);
    expect(late).toEqual([expect.stringContaining("given to another worker")]);
    expect(await idle.get(id)).toEqual(cancelled);
    return ms;
  });
  expect(tookMs).toBeLessThan(1000);
  await worker.stop();
});

test("[JOB-35] a worker that is stopped, or busy beyond hearing, keeps no job from being cancelled", async () => {
  const worker = await spawnWorker(db);
  const [record, block] = createTestTasks(db);
  const jobs = [
    await submit(record, { ms: 60_000 }),
    await submit(record, { ms: 60_000 }),
    await submit({ ...block, timeoutMs: 60_000 }, { ms: 4_000 }),
  ];
  for (const { id } of jobs) await running(id);
  worker.signal("SIGSTOP");
  const tookMs: number[] = [];
  for (const { id } of jobs) tookMs.push(await cancelRunning(id));
  // Of three, since a machine that stalls is no worker that does.
  expect(Math.min(...tookMs)).toBeLessThan(1000);
  worker.signal("SIGCONT");
  worker.signal("SIGTERM");
  expect(await worker.exited).toBe(0);
  for (const { id } of jobs) {
    expect(await idle.get(id)).toMatchObject({ status: "cancelled" });
    expect(await announced(id)).toEqual(["job.cancelled"]);
  }
});

test("[JOB-36] a job that is to end is not tried again, however its attempt ends", async () => {
  const failing = task("test.failing", () => {
    throw new Error("never");
  });
  const { id } = await submit(failing, null);
  // Its worker dies with the wish unheard.
  const worker = await spawnWorker(db);
  const [record] = createTestTasks(db);
  const orphan = await submit(record, { ms: 60_000 });
  await running(orphan.id);
  await db.sql`INSERT INTO job_cancellations (job_id) VALUES (${orphan.id}), (${id})`;
  worker.signal("SIGKILL");
  await worker.exited;
  const other = await startEngine(db, { tasks: [failing, record], work: {}, random: () => 0.9 });
  expect(await other.ended(orphan.id, 15_000)).toMatchObject({ status: "cancelled" });
  expect(await other.ended(id)).toMatchObject({ status: "cancelled" });
  expect(await db.sql`SELECT 1 FROM job_cancellations`).toHaveLength(0);
  await other.stop();
});
