import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { createChance } from "../../testing/chance.ts";
import { openTestDatabase, type TestDatabase } from "../../testing/database.ts";
import { until } from "../../testing/until.ts";
import { eventMigrations } from "../events/index.ts";
import { newId } from "../ids/index.ts";
import { jobMigrations } from "./index.ts";
import { type Engine, startEngine } from "./testing/engine.ts";
import { spawnWorker, type WorkerProcess } from "./testing/spawn-worker.ts";
import { createTestTasks, RUNS } from "./testing/tasks.ts";

setDefaultTimeout(120_000);

/** The checker stands outside of the processes that are killed and stopped. */
let db: TestDatabase;
let engine: Engine;
const workers: WorkerProcess[] = [];
const projectId = newId();
beforeAll(async () => {
  db = await openTestDatabase([eventMigrations, jobMigrations]);
  await db.sql.unsafe(RUNS);
  await db.sql`INSERT INTO event_heads (project_id) VALUES (${projectId})`;
  engine = await startEngine(db);
});
afterAll(async () => {
  for (const worker of workers) {
    worker.signal("SIGKILL");
    await worker.exited;
  }
  await engine.stop();
  await db.close();
});

test("[JOB-45] with workers killed and stopped and jobs cancelled at random, each ends once and is announced once", async () => {
  const chance = createChance("accounting");
  const [record] = createTestTasks(db);
  workers.push(await spawnWorker(db), await spawnWorker(db), await spawnWorker(db));
  const ids: string[] = [];
  const wanted = new Set<string>();
  for (let n = 0; n < 120; n++) {
    const given = { projectId, createdBy: projectId };
    const input = { ms: chance.below(300) };
    const { id } = await db.transaction((tx) => engine.jobs.submit(tx, record, input, given));
    ids.push(id);
    if (chance.oneIn(4)) {
      const victim = ids[chance.below(ids.length)] ?? id;
      const cancelled = await db.transaction((tx) => engine.jobs.cancel(tx, victim));
      if (cancelled === "cancelled") wanted.add(victim);
    }
    if (n === 40) workers[0]?.signal("SIGKILL");
    if (n === 60) workers[1]?.signal("SIGSTOP");
  }
  await until("all jobs to end", async () => (await db.sql`SELECT 1 FROM jobs LIMIT 1`).length === 0, {
    withinMs: 60_000,
  });
  workers[1]?.signal("SIGCONT");
  await until("the stopped one's return", async () => {
    const rows = await db.sql`SELECT 1 FROM job_workers WHERE id = ${workers[1]?.workerId ?? ""}`;
    return rows.length === 1;
  });
  const ends = await db.sql<{ id: string; status: string; events: string[] | null; done: number }>`
    SELECT f.id, f.status,
      (SELECT array_agg(e.event) FROM events e WHERE e.subject = f.id::text) AS events,
      (SELECT count(*)::int FROM runs r WHERE r.job_id = f.id AND r.what = 'done') AS done
    FROM finished_jobs f`;
  expect(ends.map(({ id }) => id).sort()).toEqual([...ids].sort());
  for (const { id, status, events, done } of ends) {
    expect([id, events]).toEqual([id, [`job.${status}`]]);
    if (status === "succeeded") expect([id, done]).toEqual([id, 1]);
    else expect([id, status, done <= 1]).toEqual([id, "cancelled", true]);
    if (wanted.has(id)) expect([id, status]).toEqual([id, "cancelled"]);
  }
  expect(wanted.size).toBeGreaterThan(3);
});
