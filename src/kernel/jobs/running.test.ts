import { afterAll, beforeAll, expect, test } from "bun:test";
import { z } from "zod";
import { openTestDatabase, type TestDatabase } from "../../testing/database.ts";
import { until } from "../../testing/until.ts";
import { Refusal } from "../errors/index.ts";
import { type JobContext, jobMigrations, PermanentJobError, type Task } from "./index.ts";
import { type Engine, startEngine } from "./testing/engine.ts";

type Handler = (context: JobContext) => unknown;

/** What the next job named so does: handlers cannot be handed in. */
const handlers = new Map<string, Handler>();
const act: Task<{ name: string }> = {
  name: "test.act",
  input: z.object({ name: z.string() }),
  run: async ({ name }, context) => await handlers.get(name)?.(context),
};
const quick: Task<{ name: string }> = { ...act, name: "test.quick", timeoutMs: 200 };

let db: TestDatabase;
let engine: Engine;
beforeAll(async () => {
  db = await openTestDatabase([jobMigrations]);
  engine = await startEngine(db, { tasks: [act, quick], work: {} });
});
afterAll(async () => {
  await engine.stop();
  await db.close();
});

let made = 0;

/** Urgent, so that what it waits for is looked for four times a second. */
async function begin(handler: Handler, task = act): Promise<string> {
  const name = `handler ${++made}`;
  handlers.set(name, handler);
  return engine.enqueue(task, { name }, { priority: "urgent" });
}

async function run(handler: Handler, task = act) {
  return engine.ended(await begin(handler, task), 20_000);
}

async function historyOf(id: string): Promise<Record<string, unknown>[]> {
  const [row] = await db.sql<{ errors: Record<string, unknown>[] }>`
    SELECT errors FROM finished_jobs WHERE id = ${id} UNION ALL SELECT errors FROM jobs WHERE id = ${id}`;
  return row?.errors ?? [];
}

const RESULTS: readonly (readonly [string, unknown, unknown])[] = [
  ["nothing", undefined, null],
  ["a function", () => {}, null],
  ["a text with quotes and backslashes", 'a "b" \\ {c} \\u0000 é 😀', 'a "b" \\ {c} \\u0000 é 😀'],
  ["a deep object", { list: [1, null, { x: "NULL" }] }, { list: [1, null, { x: "NULL" }] }],
  ["a date", new Date(0), "1970-01-01T00:00:00.000Z"],
];
for (const [what, returned, kept] of RESULTS) {
  test(`[JOB-14] ${what} is kept as it is in JSON`, async () => {
    expect(await run(() => returned)).toMatchObject({ status: "succeeded", result: kept });
  });
}

function nested(levels: number): unknown {
  let value: unknown = null;
  for (let level = 0; level < levels; level++) value = [value];
  return value;
}
const circular: Record<string, unknown> = {};
circular.self = circular;
const UNSTORABLE: readonly (readonly [string, unknown, string])[] = [
  ["a circle", circular, "JOB_RESULT_INVALID"],
  ["a bigint", 1n, "JOB_RESULT_INVALID"],
  ["a NUL", { text: "a\0b" }, "JOB_RESULT_INVALID"],
  ["a lone surrogate", ["\ud800"], "JOB_RESULT_INVALID"],
  ["a number that jsonb does not take", { toJSON: () => ({ a: "\\\0" }) }, "JOB_RESULT_INVALID"],
  ["more than 1 MiB", "x".repeat(1_048_575), "JOB_RESULT_TOO_LARGE"],
  ["what is nested too deeply for jsonb", nested(30_000), "JOB_RESULT_INVALID"],
  ["what is nested too deeply for JSON.stringify", nested(400_000), "JOB_RESULT_INVALID"],
];
for (const [what, returned, code] of UNSTORABLE) {
  test(`[JOB-14] ${what} as a result makes the job fail`, async () => {
    expect(await run(() => returned)).toMatchObject({ status: "failed", error: { code }, attempt: 1 });
  });
}

test("[JOB-14] a result of exactly 1 MiB is kept", async () => {
  const result = "x".repeat(1_048_574);
  expect((await run(() => result)).result === result).toBe(true);
});

test("[JOB-15] progress is seen while the job runs, and its last word is kept", async () => {
  const { promise: seen, resolve } = Promise.withResolvers<void>();
  const id = await begin(async (context) => {
    context.progress(1, null);
    context.progress(2, 10, "two \0 \ud800");
    await seen;
    context.progress(10, 10, "all");
  });
  const running = await until("progress", async () => {
    const job = await engine.get(id);
    return job.progress ? job : undefined;
  });
  expect(running).toMatchObject({
    status: "running",
    progress: { done: 2, total: 10, message: "two \ufffd \ufffd" },
  });
  resolve();
  expect((await engine.ended(id)).progress).toEqual({ done: 10, total: 10, message: "all" });
  expect(await db.sql`SELECT 1 FROM job_progress WHERE job_id = ${id}`).toHaveLength(0);
});

test("[JOB-16] a job that fails is retried until its attempts are used up, and its errors are kept", async () => {
  let attempts = 0;
  const id = await begin(() => {
    throw new Error(`attempt ${++attempts}`);
  });
  const job = await engine.ended(id, 20_000);
  expect(job).toMatchObject({ status: "failed", attempt: 4, maxAttempts: 4, error: { code: "JOB_FAILED" } });
  expect(attempts).toBe(4);
  expect((await historyOf(id)).map(({ attempt, detail }) => [attempt, detail])).toEqual([
    [1, "Error: attempt 1"],
    [2, "Error: attempt 2"],
    [3, "Error: attempt 3"],
    [4, "Error: attempt 4"],
  ]);
});

test("[JOB-16] between two attempts a job is retrying, and its success forgets the error", async () => {
  let fails = true;
  const gate = Promise.withResolvers<void>();
  const id = await begin(() => {
    if (!fails) return "in the end";
    gate.resolve();
    throw Object.assign(new Error("not yet"), { retryAfterSeconds: 3_600 });
  });
  await gate.promise;
  const waiting = await until("the failure", async () => {
    const job = await engine.get(id);
    return job.status === "retrying" && job;
  });
  expect(waiting).toMatchObject({ attempt: 1, error: { code: "JOB_FAILED" } });
  fails = false;
  await db.sql`UPDATE jobs SET run_at = now() WHERE id = ${id}`;
  expect(await engine.ended(id)).toMatchObject({
    status: "succeeded",
    result: "in the end",
    error: null,
    attempt: 2,
  });
});

test("[JOB-17] a permanent error ends a job at once", async () => {
  const job = await run(() => {
    throw new PermanentJobError("TEXT_UNREADABLE", "The text cannot be read.", {
      cause: new Error("EACCES /secret"),
    });
  });
  const error = { code: "TEXT_UNREADABLE", message: "The text cannot be read." };
  expect(job).toMatchObject({ status: "failed", attempt: 1, error });
  expect((await historyOf(job.id))[0]?.detail).toContain("EACCES /secret");
});

test("[JOB-17] a dependency that says when to try again is not asked sooner", async () => {
  const beganMs: number[] = [];
  await run(() => {
    beganMs.push(performance.now());
    if (beganMs.length === 1) throw new Refusal("BUSY", 503, "Busy.", { retryAfterSeconds: 0.8 });
  });
  expect((beganMs[1] ?? 0) - (beganMs[0] ?? 0)).toBeGreaterThanOrEqual(800);
});

test("[JOB-18] of an unexpected error the user learns only that it was ours", async () => {
  const id = await begin(() => {
    throw Object.assign(new Error("password=hunter2 at postgres://db"), { retryAfterSeconds: 5 });
  });
  const job = await until("the failure", async () => {
    const seen = await engine.get(id);
    return seen.error ? seen : undefined;
  });
  expect(job.error).toEqual({ code: "JOB_FAILED", message: "The job failed for a reason on our side." });
  expect((await historyOf(id))[0]?.detail).toContain("hunter2");
});

test("[JOB-19] at its time the handler is told, and what it throws then counts as the time", async () => {
  const job = await run(
    async ({ signal }) => {
      await new Promise((_, reject) =>
        signal.addEventListener("abort", () => reject(new Error("interrupted"))),
      );
    },
    { ...quick, maxAttempts: 1 },
  );
  expect(job).toMatchObject({ status: "failed", attempt: 1, error: { code: "JOB_TIMED_OUT" } });
});

test("[JOB-19] handlers that never end are left behind and their slots are free", async () => {
  const never = () => new Promise(() => {});
  const stuck = await Promise.all(
    Array.from({ length: 6 }, () => begin(never, { ...quick, maxAttempts: 1 })),
  );
  expect(await run(() => "runs all the same")).toMatchObject({ status: "succeeded" });
  for (const id of stuck) expect((await engine.ended(id)).error?.code).toBe("JOB_TIMED_OUT");
});

test("[JOB-19] a handler left behind changes nothing when it goes on", async () => {
  const later = Promise.withResolvers<void>();
  const late: unknown[] = [];
  let attempts = 0;
  const id = await begin(async (context) => {
    if (++attempts > 1) return "second";
    await later.promise;
    context.progress(99, 99);
    late.push(await db.transaction((tx) => context.fence(tx)).catch((error: unknown) => String(error)));
    late.push(context.signal.aborted);
    return "first";
  }, quick);
  expect(await engine.ended(id)).toMatchObject({ status: "succeeded", result: "second", attempt: 2 });
  later.resolve();
  await until("the late handler", () => late.length === 2);
  expect(late).toEqual([expect.stringContaining("given to another worker"), true]);
  expect(await engine.get(id)).toMatchObject({ result: "second", progress: null });
});

const THROWN: readonly (readonly [string, unknown])[] = [
  ["a text", "just a text"],
  ["nothing", undefined],
  ["null", null],
  ["a NUL and half a character", "a\0b\ud800"],
  ["what cannot be shown", { toString: null, [Symbol.toPrimitive]: null }],
  ["a million characters", new Error("x".repeat(1_000_000))],
];
for (const [what, thrown] of THROWN) {
  test(`[JOB-20] a handler may throw ${what}`, async () => {
    const job = await run(
      () => {
        throw thrown;
      },
      { ...act, maxAttempts: 1 },
    );
    expect(job).toMatchObject({ status: "failed", error: { code: "JOB_FAILED" } });
  });
}

test("[JOB-20] a handler that rejects after it was left behind harms nobody", async () => {
  const later = Promise.withResolvers<void>();
  const id = await begin(() => later.promise, { ...quick, maxAttempts: 1 });
  await engine.ended(id);
  later.reject(new Error("much too late"));
  expect(await run(() => 1)).toMatchObject({ status: "succeeded" });
});

test("[JOB-25] a fence passes while the job is ours and keeps others from taking it", async () => {
  const job = await run(async (context) => {
    await db.transaction(async (tx) => {
      await context.fence(tx);
      const [row] = await db.sql<{ free: number }>`
        SELECT count(*)::int AS free FROM (
          SELECT 1 FROM jobs WHERE id = ${context.jobId} FOR UPDATE SKIP LOCKED) AS free`;
      expect(row?.free).toBe(0);
    });
  });
  expect(job.status).toBe("succeeded");
});

test("[JOB-25] a transaction that a handler left open holds up only its own job", async () => {
  const release = Promise.withResolvers<void>();
  let open: Promise<unknown> = Promise.resolve();
  const id = await begin((context) => {
    const fenced = Promise.withResolvers<void>();
    open = db.transaction(async (tx) => {
      await context.fence(tx);
      fenced.resolve();
      await release.promise;
    });
    return fenced.promise;
  });
  await until("the handler", async () => (await engine.get(id)).status === "running");
  expect(await run(() => "others end")).toMatchObject({ status: "succeeded" });
  expect(await engine.get(id)).toMatchObject({ status: "running" });
  release.resolve();
  await open;
  expect(await engine.ended(id)).toMatchObject({ status: "succeeded", attempt: 1 });
});
