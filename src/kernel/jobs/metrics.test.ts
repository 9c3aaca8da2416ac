import { afterAll, beforeAll, expect, test } from "bun:test";
import { z } from "zod";
import { openTestDatabase, type TestDatabase } from "../../testing/database.ts";
import { silentLogger } from "../telemetry/index.ts";
import { createHousekeeping } from "./housekeeping.ts";
import { jobMigrations, type Task } from "./index.ts";
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
