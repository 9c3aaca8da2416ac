import { afterAll, beforeAll, expect, test } from "bun:test";
import { z } from "zod";
import { openTestDatabase, type TestDatabase } from "../../testing/database.ts";
import { newId } from "../ids/index.ts";
import { type Job, jobMigrations, type Task } from "./index.ts";
import { type Engine, startEngine } from "./testing/engine.ts";

const echo: Task<{ n: number }> = {
  name: "test.echo",
  input: z.object({ n: z.number() }),
  run: async ({ n }) => ({ n }),
};
const other: Task<{ n: number }> = { ...echo, name: "test.other" };

let db: TestDatabase;
let engine: Engine;
/** Does not work, so that what waits can be looked at. */
let idle: Engine;
beforeAll(async () => {
  db = await openTestDatabase([jobMigrations]);
  idle = await startEngine(db);
  engine = await startEngine(db, { tasks: [echo], work: {} });
});
afterAll(async () => {
  await engine.stop();
  await idle.stop();
  await db.close();
});

test("[JOB-1] a committed job runs, one that is rolled back leaves nothing", async () => {
  let lost = "";
  const failed = db.transaction(async (tx) => {
    lost = await engine.jobs.enqueue(tx, echo, { n: 1 });
    expect(await engine.jobs.find(tx, lost)).toMatchObject({ status: "queued" });
    throw new Error("rolled back");
  });
  await expect(failed).rejects.toThrow("rolled back");
  const id = await engine.enqueue(echo, { n: 2 });
  expect(await engine.ended(id)).toMatchObject({ status: "succeeded", result: { n: 2 } });
  expect(await engine.jobs.find(db.sql, lost)).toBeUndefined();
});

test("[JOB-1] a job is handed in within a statement of one's own", async () => {
  await db.sql`CREATE TABLE facts (n int)`;
  const job = engine.jobs.prepare(echo, { n: 3 }, { priority: "high", createdBy: newId() });
  const rows = await db.sql<{ id: string }>`
    WITH fact AS (INSERT INTO facts VALUES (1) RETURNING n)
    SELECT jobs_enqueue(${job.id}, ${job.projectId}, ${job.task}, ${job.lane}, ${job.input}::text::jsonb, ${job.uniqueKey},
      ${job.createdBy}, NULL, ${job.timeoutMs}, ${job.maxAttempts}) AS id FROM fact`;
  engine.jobs.wake("high");
  expect(rows[0]?.id).toBe(job.id);
  expect(await engine.ended(job.id)).toMatchObject({
    priority: "high",
    createdBy: job.createdBy,
    result: { n: 3 },
  });
});

test("[JOB-2] a job can be asked for while it waits and after it has ended", async () => {
  const [projectId, createdBy] = [newId(), newId()];
  const given = { projectId, createdBy, priority: "low" } as const;
  const id = await idle.enqueue(other, { n: 1 }, given);
  const waiting = await idle.get(id);
  expect(waiting).toEqual({
    id,
    ...given,
    task: "test.other",
    status: "queued",
    progress: null,
    result: null,
    isForUser: false,
    error: null,
    waitsFor: null,
    errors: [],
    attempt: 0,
    maxAttempts: 4,
    createdAt: waiting.createdAt,
    runAt: waiting.runAt,
    startedAt: null,
    finishedAt: null,
  });
  expect(Math.abs(waiting.createdAt.getTime() - Date.now())).toBeLessThan(60_000);
  const ended = await engine.ended(await engine.enqueue(echo, { n: 2 }, given));
  expect(ended).toMatchObject({ ...given, status: "succeeded", attempt: 1, error: null });
  const [created, started, finished] = [ended.createdAt, ended.startedAt, ended.finishedAt].map((at) =>
    at?.getTime(),
  );
  expect(started).toBeGreaterThanOrEqual(created ?? Number.NaN);
  expect(finished).toBeGreaterThanOrEqual(started ?? Number.NaN);
  expect(await engine.jobs.find(db.sql, newId())).toBeUndefined();
});

test("[JOB-3] input that does not fit is refused when it is handed in", async () => {
  // The compiler would refuse it too.
  const wrong = { n: "one" } as unknown as { n: number };
  await expect(engine.enqueue(echo, wrong)).rejects.toThrow(z.ZodError);
});

test("[JOB-3] a stored input that no longer fits its task makes the job fail, once", async () => {
  const job = engine.jobs.prepare(echo, { n: 1 });
  await db.sql`
    SELECT jobs_enqueue(${job.id}, NULL, ${job.task}, 'urgent', '{"n": "one"}', NULL, NULL, NULL, 1000, 4)`;
  expect(await engine.ended(job.id)).toMatchObject({
    status: "failed",
    attempt: 1,
    error: { code: "JOB_INPUT_INVALID" },
  });
});

test("[JOB-4] a delayed job is scheduled, and runs when it is due", async () => {
  const later = await engine.enqueue(echo, { n: 1 }, { delayMs: 3_600_000, priority: "urgent" });
  const id = await engine.enqueue(echo, { n: 1 }, { delayMs: 700, priority: "urgent" });
  const { createdAt, startedAt } = await engine.ended(id);
  expect((startedAt?.getTime() ?? 0) - createdAt.getTime()).toBeGreaterThanOrEqual(699);
  expect(await engine.get(later)).toMatchObject({ status: "scheduled", attempt: 0 });
});

test("[JOB-5] handing in a waiting key again returns that job", async () => {
  const projectId = newId();
  const key = { projectId, uniqueKey: "k" };
  const first = await idle.enqueue(other, { n: 1 }, { ...key, priority: "low", delayMs: 60_000 });
  expect(await idle.enqueue(other, { n: 2 }, { ...key, priority: "high", delayMs: 90_000 })).toBe(first);
  expect(await idle.get(first)).toMatchObject({ status: "scheduled", priority: "high" });
  expect(await idle.enqueue(other, { n: 3 }, { ...key, priority: "low" })).toBe(first);
  expect(await idle.get(first)).toMatchObject({ status: "queued", priority: "high" });
});

test("[JOB-5] a key is one's own: of the task, and of the project", async () => {
  const uniqueKey = "the same";
  const ids = await Promise.all([
    idle.enqueue(other, { n: 1 }, { uniqueKey }),
    idle.enqueue(other, { n: 1 }, { uniqueKey, projectId: newId() }),
    idle.enqueue(other, { n: 1 }, { uniqueKey, projectId: newId() }),
    idle.enqueue({ ...other, name: "test.third" }, { n: 1 }, { uniqueKey }),
  ]);
  expect(new Set(ids).size).toBe(4);
});

test("[JOB-5] fifty at once hand in one key: one job", async () => {
  const ids = await Promise.all(
    Array.from({ length: 50 }, () => idle.enqueue(other, { n: 1 }, { uniqueKey: "crowd" })),
  );
  expect(new Set(ids).size).toBe(1);
});

test("[JOB-9] a failure can be recorded without a job having run", async () => {
  const projectId = newId();
  const error = { code: "IMPORT_TRUNCATED", message: "The connection was cut after 12 paragraphs." };
  const id = await db.transaction((tx) =>
    engine.jobs.recordFailure(tx, other, { n: 12 }, { ...error, result: { stored: 12 } }, { projectId }),
  );
  expect(await engine.get(id)).toMatchObject({
    projectId,
    status: "failed",
    error,
    result: { stored: 12 },
    task: "test.other",
    attempt: 1,
  });
});

test("[JOB-13] a job of a task that this process does not know is left alone", async () => {
  const id = await engine.enqueue(other, { n: 1 }, { priority: "urgent" });
  await engine.ended(await engine.enqueue(echo, { n: 1 }, { priority: "urgent" }));
  expect(await engine.get(id)).toMatchObject({ status: "queued", attempt: 0 });
});

test("[JOB-31] the jobs of a project are erased bit by bit, waiting and finished ones", async () => {
  const [projectId, neighbour] = [newId(), newId()];
  for (let n = 0; n < 3; n++) {
    await idle.enqueue(other, { n }, { projectId });
    await engine.ended(await engine.enqueue(echo, { n }, { projectId }));
  }
  const stays = await engine.ended(await engine.enqueue(echo, { n: 1 }, { projectId: neighbour }));
  const erase = () => db.transaction((tx) => engine.jobs.erase(tx, projectId, 2));
  expect([await erase(), await erase(), await erase()]).toEqual([4, 2, 0]);
  expect(await engine.get(stays.id)).toEqual(stays);
});

test("[JOB-130] many jobs are handed in as one, and each is run with its own input", async () => {
  const [projectId, createdBy] = [newId(), newId()];
  const inputs = Array.from({ length: 100 }, (_, n) => ({ n }));
  const ids = await db.transaction((tx) =>
    engine.jobs.enqueueMany(tx, echo, inputs, { projectId, createdBy, priority: "low" }),
  );
  expect(new Set(ids).size).toBe(100);
  const jobs: Job[] = [];
  for (const id of ids) jobs.push(await engine.ended(id));
  expect(jobs.map((job) => job.result)).toEqual(inputs);
  expect(jobs[99]).toMatchObject({ status: "succeeded", projectId, createdBy, priority: "low", attempt: 1 });
});

test("[JOB-130] one input that does not fit keeps all out, and so does a transaction that is rolled back", async () => {
  const projectId = newId();
  const wrong = [{ n: 1 }, { n: "two" }] as unknown as { n: number }[];
  const given = db.transaction((tx) => idle.jobs.enqueueMany(tx, echo, wrong, { projectId }));
  await expect(given).rejects.toThrow();
  const failed = db.transaction(async (tx) => {
    await idle.jobs.enqueueMany(tx, echo, [{ n: 1 }, { n: 2 }], { projectId });
    throw new Error("rolled back");
  });
  await expect(failed).rejects.toThrow("rolled back");
  expect(await idle.jobs.list(db.sql, { projectId, limit: 10 })).toEqual([]);
  expect(await db.transaction((tx) => idle.jobs.enqueueMany(tx, echo, []))).toEqual([]);
});

test("[JOB-130] many delayed ones wait together", async () => {
  const projectId = newId();
  const ids = await db.transaction((tx) =>
    engine.jobs.enqueueMany(tx, echo, [{ n: 1 }, { n: 2 }], { projectId, delayMs: 60_000 }),
  );
  for (const id of ids) expect(await engine.get(id)).toMatchObject({ status: "scheduled", attempt: 0 });
});
