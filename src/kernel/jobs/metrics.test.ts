import { afterAll, beforeAll, expect, test } from "bun:test";
import { z } from "zod";
import { openTestDatabase, type TestDatabase } from "../../testing/database.ts";
import { eventMigrations } from "../events/index.ts";
import { newId } from "../ids/index.ts";
import { silentLogger } from "../telemetry/index.ts";
import { createHousekeeping } from "./housekeeping.ts";
import { JobPostponed, jobMigrations, type Task } from "./index.ts";
import { startEngine } from "./testing/engine.ts";

let db: TestDatabase;
beforeAll(async () => {
  db = await openTestDatabase([jobMigrations]);
});
afterAll(() => db.close());

const task: Task<{ fails: boolean }> = {
  name: "test.metrics",
  input: z.object({ fails: z.boolean() }),
  maxAttempts: 1,
  async run({ fails }) {
    if (fails) throw new Error("as told");
  },
};

function readValue(text: string, series: string): number {
  const line = text.split("\n").find((each) => each.startsWith(`${series} `));
  return line === undefined ? Number.NaN : Number(line.slice(series.length));
}

test("[JOB-32] depth, age, waits, runs and endings are shown", async () => {
  const idle = await startEngine(db);
  const other = { ...task, name: "test.nobody" };
  await idle.enqueue(other, { fails: false }, { priority: "low" });
  await idle.enqueue(other, { fails: false }, { priority: "low", delayMs: 3_600_000 });
  await db.sql`UPDATE jobs SET run_at = run_at - interval '90 seconds' WHERE run_at < now()`;
  const worker = await startEngine(db, { tasks: [task], work: {} });
  await worker.ended(await worker.enqueue(task, { fails: false }));
  await worker.ended(await worker.enqueue(task, { fails: true }));
  const text = await worker.metrics.render();
  expect(readValue(text, 'stoa_jobs{lane="low",state="queued"}')).toBe(1);
  expect(readValue(text, 'stoa_jobs{lane="low",state="scheduled"}')).toBe(1);
  expect(readValue(text, 'stoa_jobs{lane="urgent",state="running"}')).toBe(0);
  expect(readValue(text, 'stoa_jobs_oldest_seconds{lane="low"}')).toBeGreaterThanOrEqual(90);
  expect(readValue(text, 'stoa_jobs_oldest_seconds{lane="high"}')).toBe(0);
  expect(readValue(text, 'stoa_job_wait_seconds_count{task="test.metrics",lane="normal"}')).toBe(2);
  expect(readValue(text, 'stoa_job_run_seconds_count{task="test.metrics",lane="normal"}')).toBe(2);
  expect(
    readValue(text, 'stoa_job_attempts_total{task="test.metrics",lane="normal",status="succeeded"}'),
  ).toBe(1);
  expect(readValue(text, 'stoa_job_attempts_total{task="test.metrics",lane="normal",status="failed"}')).toBe(
    1,
  );
  await Promise.all([idle.stop(), worker.stop()]);
});

test("[JOB-97] dead letters, living workers and postponements are shown", async () => {
  const own = await openTestDatabase([eventMigrations, jobMigrations]);
  const act: Task<{ isAway: boolean }> = {
    name: "test.act",
    input: z.object({ isAway: z.boolean() }),
    maxAttempts: 1,
    forUsers: { description: "For a test." },
    async run({ isAway }, { attempt }) {
      if (!isAway) throw new Error("as told");
      if (attempt === 1) throw new JobPostponed("AWAY", "It is away.", { delayMs: 0 });
    },
  };
  const worker = await startEngine(own, { tasks: [act], work: { concurrency: 3 } });
  await own.sql`
    INSERT INTO job_workers (id, host, pid, roles, slots, beat_at)
    VALUES (${newId()}, 'gone', 1, '{worker}', 5, clock_timestamp() - interval '9 seconds')`;
  const given = { projectId: newId(), createdBy: newId(), priority: "urgent" } as const;
  for (const isAway of [true, false]) {
    const { id } = await own.transaction((tx) => worker.jobs.submit(tx, act, { isAway }, given));
    await worker.ended(id);
  }
  const text = await worker.metrics.render();
  expect(readValue(text, "stoa_jobs_dead")).toBe(1);
  expect(readValue(text, "stoa_job_workers")).toBe(1);
  expect(readValue(text, "stoa_job_slots")).toBe(3);
  const attempts = 'stoa_job_attempts_total{task="test.act",lane="urgent",status="postponed"}';
  expect(readValue(text, attempts)).toBe(1);
  await worker.stop();
  await own.close();
});

test("[JOB-32] a transaction that is open for too long is shown and warned of", async () => {
  const warnings: string[] = [];
  const log = { ...silentLogger, warn: (_: object, message: string) => void warnings.push(message) };
  const strict = createHousekeeping({ db, log, retentionDays: 30, oldTransactionSeconds: 0 });
  const patient = createHousekeeping({ db, log, retentionDays: 30 });
  await db.transaction(async (tx) => {
    await tx`CREATE TEMPORARY TABLE old ON COMMIT DROP AS SELECT 1`;
    expect(await strict.oldestTransactionSeconds()).toBeGreaterThan(0);
    await patient.look();
    expect(warnings).toEqual([]);
    await strict.look();
    expect(warnings).toEqual([expect.stringContaining("a transaction is open for so long")]);
  });
});
