import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { z } from "zod";
import { openTestDatabase, type TestDatabase } from "../../testing/database.ts";
import { until } from "../../testing/until.ts";
import { newId } from "../ids/index.ts";
import { type JobContext, jobMigrations, type Task } from "./index.ts";
import { startEngine } from "./testing/engine.ts";

setDefaultTimeout(60_000);

let db: TestDatabase;
beforeAll(async () => {
  db = await openTestDatabase([jobMigrations]);
});
afterAll(() => db.close());

const task = (name: string, run: (context: JobContext) => Promise<unknown>): Task<null> => ({
  name,
  input: z.null(),
  run: (_, context) => run(context),
});

test("[JOB-27] what does not end within the grace time is told so and handed back, uncounted", async () => {
  const told = Promise.withResolvers<unknown>();
  const never = task("test.never", ({ signal }) => {
    signal.addEventListener("abort", () => told.resolve(signal.reason));
    return new Promise(() => {});
  });
  const worker = await startEngine(db, { tasks: [never], work: { graceMs: 100 } });
  const id = await worker.enqueue(never, null, { priority: "urgent" });
  await until("the job to run", async () => (await worker.get(id)).status === "running");
  const stopping = worker.stop();
  expect(String(await told.promise)).toContain("stopping");
  await stopping;

  const quick = task("test.never", async ({ attempt }) => attempt);
  const next = await startEngine(db, { tasks: [quick], work: {} });
  expect(await next.ended(id)).toMatchObject({ status: "succeeded", attempt: 1, error: null, result: 2 });
  await next.stop();
});

test("[JOB-27] a handler that gives up when told to stop has not failed", async () => {
  const fair = task("test.fair", async ({ signal }) => {
    await new Promise((_, reject) =>
      signal.addEventListener("abort", () => reject(new Error("told to stop"))),
    );
  });
  const worker = await startEngine(db, { tasks: [fair], work: { graceMs: 50 } });
  const id = await worker.enqueue(fair, null);
  await until("the job to run", async () => (await worker.get(id)).status === "running");
  await worker.stop();
  const idle = await startEngine(db);
  expect(await idle.get(id)).toMatchObject({ status: "queued", attempt: 0, error: null });
  await idle.stop();
});

test("[JOB-27] stopping twice, or without having started, is safe", async () => {
  const worker = await startEngine(db, { work: {} });
  await Promise.all([worker.jobs.stop(), worker.jobs.stop()]);
  await worker.stop();
  expect(await db.sql`SELECT 1 FROM job_workers`).toHaveLength(0);
});

test.concurrent("[JOB-29] a job whose claim was answered to nobody is handed on", async () => {
  const answered = task("test.answer", async () => "ran");
  const worker = await startEngine(db, { tasks: [answered], work: {} });
  const job = worker.jobs.prepare(answered, null);
  // Handed in and taken in one statement each, before the worker looks, and its answer goes astray.
  await db.transaction(async (tx) => {
    await tx`
      SELECT jobs_enqueue(${job.id}, NULL, ${job.task}, ${job.lane}, ${job.input}::text::jsonb, NULL, NULL, now(), 60000, 1)`;
    expect(
      await tx`SELECT id FROM jobs_claim(${worker.workerId}, '{2}', ARRAY[${job.task}], 1, 1)`,
    ).toHaveLength(1);
  });
  expect(await worker.get(job.id)).toMatchObject({ status: "running" });
  expect(await worker.ended(job.id, 15_000)).toMatchObject({
    status: "succeeded",
    result: "ran",
    attempt: 1,
  });
  await worker.stop();
});

test.concurrent("[JOB-22] a worker that others took for dead lets go and works on", async () => {
  const signals: AbortSignal[] = [];
  const gate = Promise.withResolvers<string>();
  const held = task("test.held", ({ signal }) => {
    signals.push(signal);
    return signals.length === 1 ? gate.promise : Promise.resolve("again");
  });
  const worker = await startEngine(db, { tasks: [held], work: {} });
  const id = await worker.enqueue(held, null);
  await until("the job to run", () => signals.length === 1);
  await db.sql`DELETE FROM job_workers WHERE id = ${worker.workerId}`;
  expect(await worker.ended(id, 15_000)).toMatchObject({ status: "succeeded", result: "again" });
  expect(signals[0]?.aborted).toBe(true);
  gate.resolve("much too late");
  const next = await worker.enqueue(held, null);
  expect(await worker.ended(next)).toMatchObject({ status: "succeeded" });
  expect(await worker.get(id)).toMatchObject({ result: "again" });
  await worker.stop();
});

test("[JOB-30] finished jobs lie in the partition of their day, and old days are dropped", async () => {
  const done = task("test.done", async () => "kept");
  const worker = await startEngine(db, { tasks: [done], work: {} });
  const [old, young] = [await worker.enqueue(done, null), await worker.enqueue(done, null)];
  await worker.ended(old);
  await worker.ended(young);
  const [row] = await db.sql<{ name: string }>`
    SELECT tableoid::regclass::text AS name FROM finished_jobs WHERE id = ${young}`;
  const today = new Date().toISOString().slice(0, 10).replaceAll("-", "");
  expect(row?.name).toBe(`finished_jobs_${today}`);
  await db.sql`UPDATE finished_jobs SET finished_at = finished_at - interval '20 days' WHERE id = ${old}`;
  expect(await worker.get(old)).toMatchObject({ status: "succeeded", result: "kept" });
  await db.sql`UPDATE finished_jobs SET finished_at = finished_at - interval '12 days' WHERE id = ${old}`;
  await worker.stop();
  const next = await startEngine(db);
  expect(await next.jobs.find(db.sql, old)).toBeUndefined();
  expect(await next.get(young)).toMatchObject({ status: "succeeded", result: "kept" });
  await next.stop();
});

test("[JOB-2] a job on its way from one table to the other is always found", async () => {
  const passing = task("test.passing", async () => null);
  const worker = await startEngine(db, { tasks: [passing], work: {} });
  for (let round = 0; round < 20; round++) {
    const id = await worker.enqueue(passing, null, { createdBy: newId() });
    await until(
      "its end",
      async () => {
        const job = await worker.jobs.find(db.sql, id);
        if (!job) throw new Error(`job ${id} was not found in round ${round}`);
        return job.finishedAt !== null;
      },
      { everyMs: 0 },
    );
  }
  await worker.stop();
});
