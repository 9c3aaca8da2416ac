import { beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { bestOf, msOf } from "../../testing/best-of.ts";
import { openTestDatabase, type TestDatabase } from "../../testing/database.ts";
import { until } from "../../testing/until.ts";
import { jobMigrations, releaseAllWorkers, releaseWorker } from "./index.ts";
import { type Engine, startEngine } from "./testing/engine.ts";
import { type SpawnOptions, spawnWorker, type WorkerProcess } from "./testing/spawn-worker.ts";
import { createTestTasks, RUNS } from "./testing/tasks.ts";

setDefaultTimeout(120_000);

interface TaskInput {
  readonly ms: number;
  readonly firstMs?: number;
  readonly exits?: number;
  readonly isBusy?: boolean;
}

interface Scene extends AsyncDisposable {
  readonly db: TestDatabase;
  readonly engine: Engine;
  spawn(options?: SpawnOptions): Promise<WorkerProcess>;
  enqueue(task: "record" | "block" | "hold", input: TaskInput): Promise<string>;
  began(id: string, attempt?: number): Promise<{ pid: number; at: Date }>;
  countDone(id: string): Promise<number>;
}

/** A database of its own for each test, since they run side by side: most of their time they wait for a lease to end. */
async function openScene(): Promise<Scene> {
  const db = await openTestDatabase([jobMigrations]);
  await db.sql.unsafe(RUNS);
  const engine = await startEngine(db);
  const workers: WorkerProcess[] = [];
  const [record, block, hold] = createTestTasks(db);
  return {
    db,
    engine,
    async spawn(options) {
      const worker = await spawnWorker(db, options);
      workers.push(worker);
      return worker;
    },
    enqueue(task, input) {
      return engine.enqueue({ record, block, hold }[task], input, { priority: "urgent" });
    },
    began: (id, attempt = 1) =>
      until(
        `attempt ${attempt} of ${id}`,
        async () => {
          const [row] = await db.sql<{ pid: number; at: Date }>`
            SELECT pid, at FROM runs WHERE job_id = ${id} AND attempt = ${attempt} AND what = 'began'`;
          return row;
        },
        { withinMs: 40_000 },
      ),
    async countDone(id) {
      const [row] = await db.sql<{ count: number }>`
        SELECT count(*)::int AS count FROM runs WHERE job_id = ${id} AND what = 'done'`;
      return row?.count ?? 0;
    },
    async [Symbol.asyncDispose]() {
      for (const worker of workers) {
        worker.signal("SIGKILL");
        await worker.exited;
      }
      await engine.stop();
      await db.close();
    },
  };
}

beforeAll(async () => {
  // PostgreSQL starts before the tests do, which would all wait for it at once.
  const db = await openTestDatabase();
  await db.close();
});
test.concurrent("[JOB-21] of two workers one is killed in the middle: its jobs run again within 15 s", async () => {
  await using scene = await openScene();
  let one = await scene.spawn();
  const tookMs = await bestOf(15_000, async () => {
    const ids = await Promise.all([1, 2, 3].map(() => scene.enqueue("record", { ms: 10, firstMs: 60_000 })));
    for (const id of ids) await scene.began(id);
    const two = await scene.spawn();
    one.signal("SIGKILL");
    const killedAtMs = Date.now();
    let lastMs = 0;
    expect(await one.exited).toBe("SIGKILL");
    for (const id of ids) {
      const again = await scene.began(id, 2);
      expect(again.pid).toBe(two.pid);
      lastMs = Math.max(lastMs, again.at.getTime() - killedAtMs);
      expect(await scene.engine.ended(id)).toMatchObject({
        status: "succeeded",
        attempt: 1,
        result: { pid: two.pid },
      });
      expect(await scene.countDone(id)).toBe(1);
    }
    expect(await scene.db.sql`SELECT 1 FROM job_workers`).toHaveLength(1);
    one = two;
    return lastMs;
  });
  expect(tookMs).toBeLessThan(15_000);
});

test.concurrent("[JOB-22] a worker that was stopped beyond its lease changes nothing of what others have now", async () => {
  await using scene = await openScene();
  const one = await scene.spawn();
  const id = await scene.enqueue("record", { ms: 10, firstMs: 8_000 });
  await scene.began(id);
  const two = await scene.spawn();
  one.signal("SIGSTOP");
  expect(await scene.engine.ended(id, 40_000)).toMatchObject({
    status: "succeeded",
    result: { pid: two.pid },
  });
  const finished = await scene.engine.get(id);
  one.signal("SIGCONT");
  // It comes back, and works: with the other one stopped there is nobody else.
  await until("the worker's return", async () => {
    const rows = await scene.db.sql`SELECT 1 FROM job_workers WHERE id = ${one.workerId}`;
    return rows.length === 1;
  });
  two.signal("SIGTERM");
  await two.exited;
  const next = await scene.enqueue("record", { ms: 10 });
  expect(await scene.engine.ended(next)).toMatchObject({ status: "succeeded", result: { pid: one.pid } });
  expect(await scene.countDone(id)).toBe(1);
  expect(await scene.engine.get(id)).toEqual(finished);
});

for (const [what, isBusy] of [
  ["an open transaction", false],
  ["a statement under way", true],
] as const) {
  test.concurrent(`[JOB-22] a stopped worker does not keep its job from others by ${what}`, async () => {
    await using scene = await openScene();
    let one = await scene.spawn();
    const tookMs = await bestOf(15_000, async () => {
      const id = await scene.enqueue("hold", { ms: 60_000, isBusy });
      await scene.began(id);
      const two = await scene.spawn();
      one.signal("SIGSTOP");
      const stoppedAtMs = Date.now();
      const again = await scene.began(id, 2);
      expect(again.pid).toBe(two.pid);
      expect(await scene.engine.ended(id)).toMatchObject({ status: "succeeded", result: { pid: two.pid } });
      one = two;
      return again.at.getTime() - stoppedAtMs;
    });
    expect(tookMs).toBeLessThan(15_000);
  });
}

test.concurrent("[JOB-24] a handler that blocks its process for longer than a lease does not look dead", async () => {
  await using scene = await openScene();
  const one = await scene.spawn();
  // In the time of its task it may do what it likes.
  const [, block] = createTestTasks(scene.db);
  const id = await scene.engine.enqueue({ ...block, timeoutMs: 60_000 }, { ms: 11_000 });
  await scene.began(id);
  await scene.spawn();
  expect(await scene.engine.ended(id, 40_000)).toMatchObject({
    status: "succeeded",
    result: { pid: one.pid },
  });
  expect(await scene.db.sql`SELECT 1 FROM runs WHERE job_id = ${id}`).toHaveLength(1);
});

test.concurrent("[JOB-24] a process that is blocked beyond the time of its job is ended", async () => {
  await using scene = await openScene();
  const worker = await scene.spawn();
  const id = await scene.enqueue("block", { ms: 60_000 });
  const { at } = await scene.began(id);
  expect(await worker.exited).toBe("SIGKILL");
  // Left alone it would block for a minute.
  expect(Date.now() - at.getTime()).toBeLessThan(30_000);
  expect(await releaseWorker(scene.db, worker.workerId)).toMatchObject({ taken: 1 });
});

test("[JOB-21] whoever sees a worker die hands its jobs on at once", async () => {
  await using scene = await openScene();
  const [one, two] = [await scene.spawn(), await scene.spawn()];
  const id = await scene.enqueue("record", { ms: 10, firstMs: 60_000 });
  const first = await scene.began(id);
  const dead = first.pid === one.pid ? one : two;
  dead.signal("SIGKILL");
  await dead.exited;
  expect(await releaseWorker(scene.db, dead.workerId)).toMatchObject({ taken: 1, held: 0 });
  // Who waits for the missed beat waits for eight seconds and more.
  expect(await msOf(() => scene.began(id, 2))).toBeLessThan(6_000);
  expect(await scene.engine.ended(id)).toMatchObject({ status: "succeeded" });
});

test("[JOB-21] at the start of a database of our own all workers of before are dead", async () => {
  await using scene = await openScene();
  const worker = await scene.spawn();
  const id = await scene.enqueue("record", { ms: 10, firstMs: 60_000 });
  await scene.began(id);
  worker.signal("SIGKILL");
  await worker.exited;
  expect(await releaseAllWorkers(scene.db)).toMatchObject({ taken: 1 });
  await scene.spawn();
  expect(await scene.engine.ended(id)).toMatchObject({ status: "succeeded" });
});

test("[JOB-23] a job whose process dies each time is given up after the fourth", async () => {
  await using scene = await openScene();
  const id = await scene.enqueue("record", { ms: 10, exits: 100 });
  for (let crash = 1; crash <= 4; crash++) {
    const worker = await scene.spawn();
    expect(await worker.exited).toBe(7);
    expect(await releaseWorker(scene.db, worker.workerId)).toMatchObject({ taken: 1 });
    if (crash < 4) expect(await scene.engine.get(id)).toMatchObject({ status: "retrying", attempt: 0 });
  }
  const error = { code: "JOB_INTERRUPTED" };
  expect(await scene.engine.ended(id)).toMatchObject({ status: "failed", error });
  const other = await scene.enqueue("record", { ms: 10, exits: 3 });
  for (let crash = 1; crash <= 3; crash++) {
    const worker = await scene.spawn();
    await worker.exited;
    await releaseWorker(scene.db, worker.workerId);
  }
  await scene.spawn();
  expect(await scene.engine.ended(other)).toMatchObject({ status: "succeeded", attempt: 1 });
});

test("[JOB-27] SIGTERM: what runs may end, and the worker signs off", async () => {
  await using scene = await openScene();
  const worker = await scene.spawn({ concurrency: 1 });
  const running = await scene.enqueue("record", { ms: 700 });
  await scene.began(running);
  const waiting = await scene.engine.enqueue(createTestTasks(scene.db)[0], { ms: 10 });
  worker.signal("SIGTERM");
  expect(await worker.exited).toBe(0);
  expect(await scene.engine.get(running)).toMatchObject({ status: "succeeded" });
  expect(await scene.engine.get(waiting)).toMatchObject({ status: "queued", attempt: 0 });
  expect(await scene.db.sql`SELECT 1 FROM job_workers`).toHaveLength(0);
});
