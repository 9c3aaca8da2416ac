import { afterAll, beforeAll, expect, test } from "bun:test";
import { z } from "zod";
import { openTestDatabase, type TestDatabase } from "../../testing/database.ts";
import { until } from "../../testing/until.ts";
import { eventMigrations } from "../events/index.ts";
import { newId } from "../ids/index.ts";
import { type JobContext, jobMigrations, PermanentJobError, releaseWorker, type Task } from "./index.ts";
import { type Engine, startEngine } from "./testing/engine.ts";

// What users of other engines have complained of, by engine and number: each has a test, here or beside the rule it is about.

const projectId = newId();
let handler: (context: JobContext) => Promise<unknown> = async () => "done";
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
  engine = await startEngine(db, { tasks: [act], work: {} });
});
afterAll(async () => {
  await engine.stop();
  await db.close();
});

const submit = (uniqueKey?: string) =>
  db.transaction((tx) =>
    engine.jobs.submit(tx, act, null, {
      projectId,
      createdBy: projectId,
      priority: "urgent",
      rule: "reject",
      ...(uniqueKey ? { uniqueKey } : {}),
    }),
  );
const statusOf = async (id: string) => (await engine.get(id)).status;
const runs = (id: string) => until("the job to run", async () => (await statusOf(id)) === "running");
const attemptOf = async (id: string) => {
  const [row] = await db.sql<{ attempt: number }>`SELECT attempt FROM jobs WHERE id = ${id}`;
  return row?.attempt ?? 0;
};

/** As a process that dies in the middle leaves it: claimed, and its worker gone. */
async function claimAndDie(id: string): Promise<void> {
  const dead = newId();
  await db.sql`INSERT INTO job_workers (id, host, pid, roles) VALUES (${dead}, 'gone', 1, '{worker}')`;
  await db.sql`
    UPDATE jobs SET state = 'running', attempt = attempt + 1, worker_id = ${dead}, started_at = clock_timestamp()
    WHERE id = ${id}`;
  await releaseWorker(db, dead);
}

const hang = ({ signal }: Pick<JobContext, "signal">) =>
  new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));

test("[JOB-98] BullMQ #1662 and #4311: a key is free again, however its job has ended", async () => {
  handler = async () => "done";
  const [first, second] = [await submit("k"), await submit("other")];
  await engine.ended(first.id);
  await engine.ended(second.id);
  handler = async () => {
    throw new PermanentJobError("NO_VOICE", "The voice is gone.");
  };
  const failing = await submit("k");
  expect(failing.isNew).toBe(true);
  expect(await engine.ended(failing.id)).toMatchObject({ status: "failed" });
  handler = hang;
  const cancelled = await submit("k");
  expect(cancelled.isNew).toBe(true);
  await runs(cancelled.id);
  expect((await submit("k")).isNew).toBe(false);
  await db.transaction((tx) => engine.jobs.cancel(tx, cancelled.id));
  expect(await engine.ended(cancelled.id)).toMatchObject({ status: "cancelled" });
  handler = async () => "again";
  const last = await submit("k");
  expect(last.isNew).toBe(true);
  expect(await engine.ended(last.id)).toMatchObject({ status: "succeeded", result: "again" });
});

test("[JOB-98] graphile-worker #254: a key is not held by a worker that was lost", async () => {
  const idle = await startEngine(db);
  const named = { ...act, name: "test.named" };
  const first = await idle.enqueue(named, null, { uniqueKey: "k" });
  await claimAndDie(first);
  const second = await idle.enqueue(named, null, { uniqueKey: "k" });
  expect(second).not.toBe(first);
  const ran: string[] = [];
  const working = {
    ...named,
    async run(_: null, { jobId }: JobContext) {
      ran.push(jobId);
    },
  };
  const worker = await startEngine(db, { tasks: [working], work: {} });
  await worker.ended(second);
  expect(ran).toEqual([first, second]);
  await worker.stop();
  await idle.stop();
});

test("[JOB-98] pg-boss #492: one job in the way of another's key does not keep the rest from being rescued", async () => {
  const idle = await startEngine(db);
  const named = { ...act, name: "test.rescued" };
  const begun = await idle.enqueue(named, null, { uniqueKey: "k" });
  const plain = await idle.enqueue(named, null);
  const dead = newId();
  await db.sql`
    UPDATE jobs SET state = 'running', attempt = 1, worker_id = ${dead}, started_at = now()
    WHERE id = ANY (${[begun, plain]}::uuid[])`;
  const waiting = await idle.enqueue(named, null, { uniqueKey: "k" });
  expect(await releaseWorker(db, dead)).toMatchObject({ taken: 2, held: 0 });
  const worker = await startEngine(db, { tasks: [{ ...named, run: async () => "rescued" }], work: {} });
  for (const id of [begun, plain, waiting]) {
    expect(await worker.ended(id)).toMatchObject({ status: "succeeded", result: "rescued" });
  }
  await worker.stop();
  await idle.stop();
});

test("[JOB-98] BullMQ #1094 and #892: deaths neither use up attempts nor give more of them", async () => {
  const beginnings: number[] = [];
  handler = async ({ attempt, signal }) => {
    beginnings.push(attempt);
    if (attempt % 2 === 0) throw new Error("as told");
    // Of every second attempt the worker is lost.
    await hang({ signal });
  };
  const { id } = await submit();
  for (const attempt of [1, 3, 5]) {
    await until(
      `attempt ${attempt}`,
      async () => (await attemptOf(id)) === attempt && beginnings.includes(attempt),
    );
    await db.sql`UPDATE jobs SET worker_id = ${newId()} WHERE id = ${id}`;
  }
  await until("attempt 6", () => beginnings.includes(6));
  handler = async () => {
    throw new Error("as told");
  };
  const job = await engine.ended(id, 20_000);
  expect(job).toMatchObject({ status: "failed", attempt: 4, maxAttempts: 4, error: { code: "JOB_FAILED" } });
  expect(job.errors.map(({ code }) => code).filter((code) => code === "JOB_FAILED")).toHaveLength(4);
});

test("[JOB-98] pg-boss #555: the retry of a job that ran out of time is safe from the attempt that runs on", async () => {
  const late = Promise.withResolvers<void>();
  const seen: string[] = [];
  await db.sql`CREATE TABLE IF NOT EXISTS written (attempt int)`;
  const deaf: Task<null> = {
    ...act,
    name: "test.deaf",
    timeoutMs: 100,
    async run(_, context) {
      if (context.attempt === 1) await late.promise;
      await db
        .transaction(async (tx) => {
          await context.fence(tx);
          await tx`INSERT INTO written VALUES (${context.attempt})`;
        })
        .catch((error: unknown) => void seen.push(String(error)));
      return context.attempt;
    },
  };
  const worker = await startEngine(db, { tasks: [deaf], work: { handlerGraceMs: 50 } });
  const id = await worker.enqueue(deaf, null, { priority: "urgent" });
  expect(await worker.ended(id)).toMatchObject({ status: "succeeded", result: 2, attempt: 2 });
  late.resolve();
  await until("the late one", () => seen.length === 1);
  expect(await db.sql`SELECT attempt FROM written`).toEqual([{ attempt: 2 }] as never);
  expect(await worker.get(id)).toMatchObject({ status: "succeeded", result: 2 });
  await worker.stop();
});
