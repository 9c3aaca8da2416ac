import { afterAll, beforeAll, expect, test } from "bun:test";
import { z } from "zod";
import { openTestDatabase, type TestDatabase } from "../../testing/database.ts";
import { until } from "../../testing/until.ts";
import { eventMigrations } from "../events/index.ts";
import { newId } from "../ids/index.ts";
import { describeFailure } from "./failure.ts";
import { JobPostponed, jobMigrations, type Task } from "./index.ts";
import { postponeDelayMs } from "./retry.ts";
import { type Engine, startEngine } from "./testing/engine.ts";
import { failJob } from "./worker-store.ts";

const projectId = newId();
const AWAY = { code: "CIRCUIT_OPEN", message: "The service is down; we try again soon." };

const PUT_OFF = describeFailure(new JobPostponed(AWAY.code, AWAY.message, { delayMs: 1000 }));

/** What the dependency is like: how long a job is put off, or undefined when it works. */
let delayMs: number | undefined;
const call: Task<null> = {
  name: "test.call",
  input: z.null(),
  forUsers: { description: "For a test." },
  async run() {
    if (delayMs !== undefined) throw new JobPostponed(AWAY.code, AWAY.message, { delayMs });
    return "called";
  },
};
const limited: Task<null> = {
  ...call,
  name: "test.limited",
  forUsers: { description: "For a test.", maxRunning: 1 },
};

let db: TestDatabase;
let engine: Engine;
beforeAll(async () => {
  db = await openTestDatabase([eventMigrations, jobMigrations]);
  await db.sql`INSERT INTO event_heads (project_id) VALUES (${projectId})`;
  engine = await startEngine(db, { tasks: [call, limited], work: {} });
});
afterAll(async () => {
  await engine.stop();
  await db.close();
});

async function submit(task = call): Promise<string> {
  const given = { projectId, createdBy: newId(), priority: "urgent" } as const;
  return (await db.transaction((tx) => engine.jobs.submit(tx, task, null, given))).id;
}

const postponed = (id: string) =>
  until("the job to be put off", async () => {
    const job = await engine.get(id);
    return job.waitsFor ? job : undefined;
  });

test("[JOB-90] a job that was put off is tried again, uncounted, as often as it takes", async () => {
  delayMs = 0;
  const id = await submit();
  await until("more attempts than it has", async () => {
    const [row] = await db.sql<{ attempt: number }>`SELECT attempt FROM jobs WHERE id = ${id}`;
    return (row?.attempt ?? 0) > 4;
  });
  delayMs = undefined;
  expect(await engine.ended(id)).toMatchObject({
    status: "succeeded",
    result: "called",
    attempt: 1,
    error: null,
    errors: [],
    waitsFor: null,
  });
});

test("[JOB-90] what waits for the same does not come at one moment, nor without a pause", () => {
  expect(postponeDelayMs(0, () => 0)).toBe(250);
  expect(postponeDelayMs(60_000, () => 0)).toBe(60_000);
  expect(postponeDelayMs(60_000, () => 0.999)).toBeLessThan(65_000);
  expect(postponeDelayMs(60_000, () => 0.5)).toBeGreaterThan(62_000);
  const until = new Date(Date.now() + 60_000);
  const said = describeFailure(new JobPostponed(AWAY.code, AWAY.message, { until })).retryAfterMs ?? 0;
  expect(said).toBeWithin(30_000, 60_001);
  for (const [saidMs, ms] of [
    [Number.NaN, 0],
    [-1, 0],
    [1e15, 86_400_000],
  ] as const) {
    const failure = describeFailure(new JobPostponed(AWAY.code, AWAY.message, { delayMs: saidMs }));
    expect(failure).toMatchObject({ ...AWAY, kind: "postponement", retryAfterMs: ms });
  }
});

test("[JOB-91] what was put off says why, makes room under its limit, and can be cancelled", async () => {
  delayMs = 3_600_000;
  const id = await submit(limited);
  const job = await postponed(id);
  expect(job).toMatchObject({ status: "scheduled", attempt: 0, error: null, waitsFor: AWAY });
  expect(job.runAt.getTime() - Date.now()).toBeGreaterThan(3_500_000);
  const [listed] = await engine.jobs.list(db.sql, { projectId, status: "scheduled", limit: 1 });
  expect(listed).toMatchObject({ id, waitsFor: AWAY });
  delayMs = undefined;
  expect(await engine.ended(await submit(limited))).toMatchObject({ status: "succeeded" });
  expect(await db.transaction((tx) => engine.jobs.cancel(tx, id))).toBe("cancelled");
  expect(await engine.get(id)).toMatchObject({ status: "cancelled", waitsFor: null });
});

/** Put off once, on a database where nobody works: what is done by hand there stays. */
async function putOffAlone(): Promise<{ own: TestDatabase; id: string; attempt: number }> {
  const own = await openTestDatabase([eventMigrations, jobMigrations]);
  const id = await own.transaction((tx) => engine.jobs.enqueue(tx, call, null));
  await takeAgain(own, id);
  expect(await failJob(own.sql, { id, attempt: 1 }, PUT_OFF, 3_600_000)).toBe("postponed");
  return { own, id, attempt: await takeAgain(own, id) };
}

async function takeAgain(own: TestDatabase, id: string): Promise<number> {
  const [row] = await own.sql<{ attempt: number }>`
    UPDATE jobs SET state = 'running', attempt = attempt + 1, worker_id = ${newId()}, run_at = now() WHERE id = ${id}
    RETURNING attempt`;
  return row?.attempt ?? 0;
}

test("[JOB-91] why a job waited is past with its next attempt", async () => {
  const { own, id, attempt } = await putOffAlone();
  expect(await engine.jobs.find(own.sql, id)).toMatchObject({ status: "running", waitsFor: null });
  await own.sql`SELECT jobs_hand_back(ARRAY[${id}]::uuid[], ARRAY[${attempt}]::int[])`;
  expect(await engine.jobs.find(own.sql, id)).toMatchObject({ status: "queued", waitsFor: null, attempt: 0 });
  await own.close();
});

test("[JOB-92] after a day in all it fails as usual, with what it waited for", async () => {
  delayMs = 3_600_000;
  const id = await submit();
  await postponed(id);
  delayMs = 0;
  // A day's worth of it is over.
  await db.sql`UPDATE jobs SET postponed_ms = 86399999, run_at = now() WHERE id = ${id}`;
  expect(await engine.ended(id, 20_000)).toMatchObject({
    status: "failed",
    attempt: 4,
    error: AWAY,
    errors: [{ attempt: 1 }, { attempt: 2 }, { attempt: 3 }, { attempt: 4 }],
  });
});

test("[JOB-93] a late worker cannot put off what another has, nor what is to end", async () => {
  const { own, id, attempt } = await putOffAlone();
  expect(await failJob(own.sql, { id, attempt: attempt - 1 }, PUT_OFF, 1000)).toBe("lost");
  expect(await engine.jobs.find(own.sql, id)).toMatchObject({ status: "running" });
  await own.sql`INSERT INTO job_cancellations (job_id) VALUES (${id})`;
  expect(await failJob(own.sql, { id, attempt }, PUT_OFF, 1000)).toBe("cancelled");
  expect(await engine.jobs.find(own.sql, id)).toMatchObject({ status: "cancelled", waitsFor: null });
  await own.close();
});
