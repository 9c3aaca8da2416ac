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

let db: TestDatabase;
let engine: Engine;
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
