import { afterAll, beforeAll, expect, test } from "bun:test";
import { z } from "zod";
import { openTestDatabase, type TestDatabase } from "../../testing/database.ts";
import { newId } from "../ids/index.ts";
import { createFloors } from "./floors.ts";
import { jobMigrations, type Task } from "./index.ts";
import { type Engine, startEngine } from "./testing/engine.ts";
import { claimJobs, upsertWorker } from "./worker-store.ts";

const NORMAL = 2;
const LOW = 3;

let db: TestDatabase;
let idle: Engine;
beforeAll(async () => {
  db = await openTestDatabase([jobMigrations]);
  idle = await startEngine(db);
});
afterAll(async () => {
  await idle.stop();
  await db.close();
});

/** Looks whose answers and times the test chooses; returns the floors that each was told. */
function createLooks() {
  const clock = { ms: 0 };
  const floors = createFloors(() => clock.ms);
  const look = async (tookMs: number, found: { lane: number; waitedMs: number }[] = []) => {
    let told: readonly (number | null)[] = [];
    await floors.look([NORMAL, LOW], async (floorsMs) => {
      told = floorsMs;
      clock.ms += tookMs;
      return { jobs: found, tookMs: null };
    });
    return told;
  };
  return { clock, look };
}

test("[JOB-131] while looks at the front are quick, every look is one", async () => {
  const { look } = createLooks();
  for (let n = 0; n < 5; n++) expect(await look(3, [{ lane: NORMAL, waitedMs: 50 }])).toEqual([null, null]);
});

test("[JOB-131] one slow look makes no difference, nor does one that has taken many", async () => {
  const { look } = createLooks();
  for (let n = 0; n < 4; n++) {
    expect(await look(40, [{ lane: NORMAL, waitedMs: 100 }])).toEqual([null, null]);
    expect(await look(40, [{ lane: NORMAL, waitedMs: 100 }])).toEqual([null, null]);
    const many = Array.from({ length: 500 }, () => ({ lane: NORMAL, waitedMs: 1 }));
    expect(await look(40, many)).toEqual([null, null]);
  }
});

test("[JOB-131] when they are slow, looks begin behind what was found last, and at the front now and then", async () => {
  const { clock, look } = createLooks();
  for (let n = 0; n < 3; n++) expect(await look(40, [{ lane: NORMAL, waitedMs: 100 }])).toEqual([null, null]);
  // It was due 100 ms before the look, which began 40 ms ago; a second is left to those that commit late.
  expect(await look(1)).toEqual([1140, null]);
  expect(await look(1, [{ lane: NORMAL, waitedMs: 0 }])).toEqual([1141, null]);
  expect(await look(1)).toEqual([1001, null]);
  // 40 ms are to be a twentieth of the time at most.
  clock.ms = 120 + 799;
  expect((await look(0))[0]).not.toBeNull();
  clock.ms = 120 + 800;
  expect(await look(2)).toEqual([null, null]);
  // That one was quick.
  expect(await look(2)).toEqual([null, null]);
});

test("[JOB-131] a claim with a floor leaves what is due for longer to one without", async () => {
  const task: Task<object> = { name: "test.floor", input: z.object({}), run: async () => null };
  const [old, young] = [await idle.enqueue(task, {}), await idle.enqueue(task, {})];
  await db.sql`UPDATE jobs SET run_at = run_at - interval '1 minute' WHERE id = ${old}`;
  const workerId = newId();
  await upsertWorker(db.sql, { id: workerId, host: "here", pid: 1, roles: [], slots: 1, lanes: [NORMAL] });
  const claim = {
    workerId,
    lanes: [NORMAL, LOW],
    tasks: [task.name],
    limit: 9,
    urgentLimit: 0,
    quotas: [9, 9],
  };
  const first = await claimJobs(db.sql, claim, [30_000, null]);
  expect(first.jobs.map(({ id }) => id)).toEqual([young]);
  expect(first.tookMs).toBeGreaterThan(0);
  const second = await claimJobs(db.sql, claim, [null, null]);
  expect(second.jobs.map(({ id }) => id)).toEqual([old]);
  expect(await claimJobs(db.sql, claim, [null, null])).toEqual({ jobs: [], tookMs: null });
});
