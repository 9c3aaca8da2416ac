import { afterAll, beforeAll, beforeEach, expect, test } from "bun:test";
import { openTestDatabase, type TestDatabase } from "../../testing/database.ts";
import { newId } from "../ids/index.ts";
import { jobMigrations } from "./index.ts";
import { createSweep } from "./rescue.ts";

let db: TestDatabase;
let nowMs = 0;
let sweep: ReturnType<typeof createSweep>;
beforeAll(async () => {
  db = await openTestDatabase([jobMigrations]);
});
beforeEach(async () => {
  await db.sql`DELETE FROM job_workers`;
  nowMs = 0;
  sweep = createSweep(db, () => nowMs);
});
afterAll(() => db.close());

async function addWorker(clock: string): Promise<string> {
  const id = newId();
  await db.sql`
    INSERT INTO job_workers (id, host, pid, roles, beat_at)
    VALUES (${id}, 'elsewhere', 1, '{}', clock_timestamp() + ${clock}::interval)`;
  return id;
}

const beat = (id: string) =>
  db.sql`UPDATE job_workers SET beat_at = beat_at + interval '1 millisecond' WHERE id = ${id}`;

async function listWorkers(): Promise<string[]> {
  const rows = await db.sql<{ id: string }>`SELECT id FROM job_workers`;
  return rows.map((row) => row.id).sort();
}

/** One round two seconds after the last. */
async function round(): Promise<void> {
  nowMs += 2000;
  await sweep();
}

test("[JOB-28] who beats lives, however wrong the clock is that his beat was written by", async () => {
  const ids = [await addWorker("-1 year"), await addWorker("1 year"), await addWorker("0")].sort();
  for (let rounds = 0; rounds < 12; rounds++) {
    await round();
    for (const id of ids) await beat(id);
  }
  expect(await listWorkers()).toEqual(ids);
});

test("[JOB-28] whose beat stands still for a lease of our own time is dead, and only he", async () => {
  const [living, still] = [await addWorker("0"), await addWorker("1 hour")];
  for (let rounds = 0; rounds < 4; rounds++) {
    await round();
    await beat(living);
  }
  expect(await listWorkers()).toEqual([living, still].sort());
  await round();
  expect(await listWorkers()).toEqual([living]);
});

test("[JOB-28] after a gap of its own a worker judges nobody by what it saw before", async () => {
  const ids = [await addWorker("0"), await addWorker("0")].sort();
  await round();
  // The database was away, or we were stopped: the others could not beat either.
  nowMs += 60_000;
  await sweep();
  await round();
  expect(await listWorkers()).toEqual(ids);
});

test("[JOB-28] a beat between the look and the judgement saves", async () => {
  const id = await addWorker("0");
  for (let rounds = 0; rounds < 4; rounds++) await round();
  const sql = Object.assign((text: TemplateStringsArray, ...values: unknown[]) => {
    const query = db.sql(text, ...values);
    return text[0]?.includes("DELETE") ? beat(id).then(() => query) : query;
  }, db.sql) as TestDatabase["sql"];
  const racing = createSweep({ ...db, sql }, () => nowMs);
  for (let rounds = 0; rounds < 6; rounds++) {
    nowMs += 2000;
    await racing();
  }
  expect(await listWorkers()).toEqual([id]);
});
