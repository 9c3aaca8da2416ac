import { afterAll, beforeAll, expect, test } from "bun:test";
import { hostname } from "node:os";
import { z } from "zod";
import { openTestDatabase, type TestDatabase } from "../../testing/database.ts";
import { until } from "../../testing/until.ts";
import { newId } from "../ids/index.ts";
import { jobMigrations, type Task, type WorkerBreaker } from "./index.ts";
import { startEngine } from "./testing/engine.ts";
import { toBeatJson } from "./workers.ts";

const gate = Promise.withResolvers<void>();
const wait: Task<null> = { name: "test.wait", input: z.null(), run: () => gate.promise };
const OPEN: WorkerBreaker = {
  name: "https://example.org",
  projectId: newId(),
  state: "open",
  failures: 5,
  retryAt: new Date("2030-01-01T00:00:00Z"),
};
const CLOSED: WorkerBreaker = {
  name: "dictionary",
  projectId: null,
  state: "closed",
  failures: 0,
  retryAt: null,
};

let db: TestDatabase;
beforeAll(async () => {
  db = await openTestDatabase([jobMigrations]);
});
afterAll(() => db.close());

test("[JOB-94] a worker is listed with what it has in hand, and gone when it has stopped", async () => {
  const worker = await startEngine(db, { tasks: [wait], work: { concurrency: 3, lanes: ["urgent", "low"] } });
  const projectId = newId();
  const id = await worker.enqueue(wait, null, { projectId, priority: "urgent" });
  const [listed] = await until("the job to run", async () => {
    const workers = await worker.jobs.listWorkers(db.sql);
    return workers[0]?.running.length === 1 && workers;
  });
  const { startedAt } = await worker.get(id);
  expect(listed).toMatchObject({
    id: worker.workerId,
    host: hostname(),
    roles: ["worker"],
    lanes: ["urgent", "low"],
    slots: 3,
    running: [{ id, projectId, task: "test.wait" }],
    breakers: [],
  });
  expect(Math.abs((listed?.running[0]?.startedAt.getTime() ?? 0) - (startedAt?.getTime() ?? 0))).toBeLessThan(
    2,
  );
  gate.resolve();
  await worker.ended(id);
  expect((await worker.jobs.listWorkers(db.sql))[0]?.running).toEqual([]);
  await worker.stop();
  expect(await worker.jobs.listWorkers(db.sql)).toEqual([]);
});

test("[JOB-94] one whose beat is missed is not listed, though nobody is left to see it", async () => {
  const idle = await startEngine(db);
  for (const seconds of [1, 9]) {
    await db.sql`
      INSERT INTO job_workers (id, host, pid, roles, beat_at)
      VALUES (${newId()}, ${`silent for ${seconds} s`}, 1, '{worker}', clock_timestamp() - ${seconds}::int * interval '1 s')`;
  }
  expect((await idle.jobs.listWorkers(db.sql)).map(({ host }) => host)).toEqual(["silent for 1 s"]);
  await db.sql`DELETE FROM job_workers`;
  await idle.stop();
});

test("[JOB-95] the beat carries the circuits, also when others took the worker for dead", async () => {
  let breakers = [OPEN, CLOSED];
  const worker = await startEngine(db, { tasks: [], work: { breakers: () => breakers } });
  const shows = (expected: readonly WorkerBreaker[]) =>
    until(`${expected.length} circuits`, async () => {
      const [listed] = await worker.jobs.listWorkers(db.sql);
      return Bun.deepEquals(listed?.breakers, [...expected]);
    });
  await shows([OPEN, CLOSED]);
  breakers = [CLOSED];
  await db.sql`DELETE FROM job_workers`;
  await shows([CLOSED]);
  await worker.stop();
});

test("[JOB-95] the disturbed come first, those of users only then, a hundred in all", () => {
  const named = (name: string, other: Partial<WorkerBreaker>) => ({ ...CLOSED, name, ...other });
  const names = (breakers: WorkerBreaker[]) =>
    (JSON.parse(toBeatJson(breakers)) as WorkerBreaker[]).map(({ name }) => name);
  const all = [
    named("ours", {}),
    named("a user's", { projectId: newId() }),
    named("a user's that failed", { projectId: newId(), failures: 1 }),
    named("half open", { state: "half_open" }),
    named("open", { state: "open" }),
  ];
  expect(names(all)).toEqual(["half open", "open", "ours", "a user's that failed"]);
  const many = Array.from({ length: 150 }, (_, n) => named(`${n}`, {}));
  expect(names([...many, named("open", { state: "open" })])).toEqual([
    "open",
    ...many.slice(0, 99).map(({ name }) => name),
  ]);
});
