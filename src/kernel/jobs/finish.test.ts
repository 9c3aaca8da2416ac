import { afterAll, beforeAll, expect, test } from "bun:test";
import { z } from "zod";
import { openTestDatabase, type TestDatabase } from "../../testing/database.ts";
import { until } from "../../testing/until.ts";
import { eventMigrations } from "../events/index.ts";
import { newId } from "../ids/index.ts";
import { type JobContext, jobMigrations, type Task } from "./index.ts";
import { type Engine, startEngine } from "./testing/engine.ts";

type Handler = (context: JobContext) => Promise<unknown>;

const projectId = newId();
let handler: Handler = async () => {};
const act: Task<null> = {
  name: "test.act",
  input: z.null(),
  forUsers: { description: "For a test." },
  run: (_, context) => handler(context),
};

let db: TestDatabase;
let engine: Engine;
beforeAll(async () => {
  db = await openTestDatabase([eventMigrations, jobMigrations]);
  await db.sql`INSERT INTO event_heads (project_id) VALUES (${projectId})`;
  await db.sql`CREATE TABLE effects (job_id uuid, attempt int)`;
  engine = await startEngine(db, { tasks: [act], work: {} });
});
afterAll(async () => {
  await engine.stop();
  await db.close();
});

async function begin(next: Handler): Promise<string> {
  handler = next;
  const given = { projectId, createdBy: newId(), priority: "urgent" } as const;
  return (await db.transaction((tx) => engine.jobs.submit(tx, act, null, given))).id;
}

/** Writes and ends in one transaction; `between` runs before its commit. */
const writeAndFinish = (
  { jobId, attempt, finish }: JobContext,
  result: unknown,
  between: () => unknown = () => {},
): Promise<void> =>
  db.transaction(async (tx) => {
    await tx`INSERT INTO effects VALUES (${jobId}, ${attempt})`;
    await finish(tx, result);
    await between();
  });

const effectsOf = (id: string) =>
  db.sql<{ attempt: number }>`SELECT attempt FROM effects WHERE job_id = ${id}`;

test("[JOB-96] what is written with the job's end is committed with it, and announced once", async () => {
  const id = await begin(async (context) => {
    context.progress(1, 1, "all");
    await writeAndFinish(context, { kept: true });
    return "counts no more";
  });
  expect(await engine.ended(id)).toMatchObject({
    status: "succeeded",
    result: { kept: true },
    progress: { done: 1, total: 1, message: "all" },
  });
  expect(await effectsOf(id)).toHaveLength(1);
  const events = await db.sql`SELECT event FROM events WHERE subject = ${id}`;
  expect(events.map(({ event }) => event)).toEqual(["job.succeeded"]);
  await until("the metric", async () => /status="succeeded"} [1-9]/.test(await engine.metrics.render()));
});

test("[JOB-96] when the transaction fails neither is there, and the job is tried again", async () => {
  const id = await begin((context) =>
    writeAndFinish(context, "at last", () => {
      if (context.attempt < 3) throw new Error("not this time");
    }),
  );
  expect(await engine.ended(id)).toMatchObject({ status: "succeeded", result: "at last", attempt: 3 });
  expect((await effectsOf(id)).map(({ attempt }) => attempt)).toEqual([3]);
});

test("[JOB-96] whatever comes after that commit, the job has succeeded", async () => {
  const id = await begin(async (context) => {
    await writeAndFinish(context, "done");
    await db.transaction((tx) => engine.jobs.cancel(tx, context.jobId));
    throw new Error("too late to fail");
  });
  expect(await engine.ended(id)).toMatchObject({ status: "succeeded", result: "done", errors: [] });
  // Its end is not written again, by nobody.
  const next = await begin((context) => writeAndFinish(context, null));
  await engine.ended(next);
  expect(await engine.get(id)).toMatchObject({ status: "succeeded", result: "done" });
});

test("[JOB-96] one who has lost the job, or gives what cannot be kept, writes nothing", async () => {
  const seen: unknown[] = [];
  const id = await begin(async (context) => {
    if (context.attempt > 1) return writeAndFinish(context, "by the one who has it");
    await db.sql`UPDATE jobs SET attempt = attempt + 1, uncounted = uncounted + 1 WHERE id = ${context.jobId}`;
    await writeAndFinish(context, "late").catch((error: unknown) => seen.push(String(error)));
    await db.sql`UPDATE jobs SET state = 'waiting', worker_id = NULL WHERE id = ${context.jobId}`;
  });
  expect(await engine.ended(id)).toMatchObject({ result: "by the one who has it" });
  expect(seen).toEqual([expect.stringContaining("given to another worker")]);
  expect((await effectsOf(id)).map(({ attempt }) => attempt)).toEqual([3]);
  const wrong = await begin((context) => writeAndFinish(context, { text: "a\0b" }));
  expect(await engine.ended(wrong)).toMatchObject({
    status: "failed",
    error: { code: "JOB_RESULT_INVALID" },
  });
  expect(await effectsOf(wrong)).toHaveLength(0);
});
