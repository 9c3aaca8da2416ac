import { afterAll, beforeAll, expect, test } from "bun:test";
import { z } from "zod";
import { openTestDatabase, type TestDatabase } from "../../testing/database.ts";
import { until } from "../../testing/until.ts";
import { eventMigrations } from "../events/index.ts";
import { newId } from "../ids/index.ts";
import { type Job, type JobContext, jobMigrations, PermanentJobError, type Task } from "./index.ts";
import { type Engine, startEngine } from "./testing/engine.ts";

let db: TestDatabase;
let idle: Engine;
beforeAll(async () => {
  db = await openTestDatabase([eventMigrations, jobMigrations]);
  idle = await startEngine(db);
});
afterAll(async () => {
  await idle.stop();
  await db.close();
});

const task = (name: string, run: (context: JobContext) => unknown): Task<null> => ({
  name,
  input: z.null(),
  forUsers: { description: "For a test." },
  run: async (_, context) => run(context),
});

async function createProject(): Promise<string> {
  const id = newId();
  await db.sql`INSERT INTO event_heads (project_id) VALUES (${id})`;
  return id;
}

const submit = (given: Task<null>, projectId: string, options: object = {}) =>
  db.transaction((tx) => idle.jobs.submit(tx, given, null, { projectId, createdBy: projectId, ...options }));

async function listEvents(projectId: string) {
  const rows = await db.sql<{ event: string; subject: string; actor_id: string; data: object }>`
    SELECT event, subject, actor_id, data FROM events WHERE project_id = ${projectId} ORDER BY seq`;
  return rows.map((row) => ({ ...row }));
}

const fails = task("test.fails", () => {
  throw new PermanentJobError("NO_LUCK", "No luck today.");
});
const works = task("test.works", () => "well");

test("[JOB-37] the end of a job that somebody runs enters the log, that of the server's own does not", async () => {
  const projectId = await createProject();
  const worker = await startEngine(db, { tasks: [works, fails], work: {} });
  const good = await submit(works, projectId);
  await worker.ended(good.id);
  const bad = await submit(fails, projectId);
  await worker.ended(bad.id);
  await worker.ended(await worker.enqueue(works, null, { projectId }));
  const by = { actor_id: projectId };
  expect(await listEvents(projectId)).toEqual([
    { ...by, event: "job.succeeded", subject: good.id, data: { task: "test.works" } },
    { ...by, event: "job.failed", subject: bad.id, data: { task: "test.fails", error_code: "NO_LUCK" } },
  ]);
  await worker.stop();
});

test("[JOB-37] a job whose project's log is erased meanwhile ends in silence", async () => {
  const projectId = newId();
  const worker = await startEngine(db, { tasks: [works], work: {} });
  const { id } = await submit(works, projectId);
  expect(await worker.ended(id)).toMatchObject({ status: "succeeded" });
  expect(await listEvents(projectId)).toEqual([]);
  await worker.stop();
});

test("[JOB-37] many ends at once in several projects are each announced once", async () => {
  const projects = await Promise.all([1, 2, 3].map(createProject));
  const ids: string[] = [];
  for (let n = 0; n < 60; n++) ids.push((await submit(works, projects[n % 3] ?? "")).id);
  const workers = await Promise.all(
    [1, 2].map(() => startEngine(db, { tasks: [works], work: { concurrency: 8 } })),
  );
  for (const id of ids) await idle.ended(id);
  const subjects = (await Promise.all(projects.map(listEvents))).flat().map(({ subject }) => subject);
  expect(subjects.sort()).toEqual(ids.sort());
  await Promise.all(workers.map((worker) => worker.stop()));
});

test("[JOB-38] of a key one is found while it waits and while it runs", async () => {
  const projectId = await createProject();
  const gate = Promise.withResolvers<void>();
  const gated = task("test.gated", () => gate.promise);
  const first = await submit(gated, projectId, { uniqueKey: "k" });
  expect(first.isNew).toBe(true);
  expect(await submit(gated, projectId, { uniqueKey: "k" })).toEqual({ id: first.id, isNew: false });
  const worker = await startEngine(db, { tasks: [gated], work: {} });
  await until("the job to run", async () => (await idle.get(first.id)).status === "running");
  for (const rule of ["existing", "reject"]) {
    expect(await submit(gated, projectId, { uniqueKey: "k", rule })).toEqual({ id: first.id, isNew: false });
  }
  gate.resolve();
  await worker.ended(first.id);
  expect((await submit(gated, projectId, { uniqueKey: "k" })).isNew).toBe(true);
  await worker.stop();
});

test("[JOB-38] one that has not begun is replaced, one that has is followed", async () => {
  const projectId = await createProject();
  const gate = Promise.withResolvers<void>();
  const gated = task("test.replaced", () => gate.promise);
  const replace = { uniqueKey: "k", rule: "replace" };
  const first = await submit(gated, projectId, replace);
  const second = await submit(gated, projectId, replace);
  expect(second).toMatchObject({ isNew: true });
  expect(await idle.get(first.id)).toMatchObject({ status: "cancelled" });
  const worker = await startEngine(db, { tasks: [gated], work: {} });
  await until("the second to run", async () => (await idle.get(second.id)).status === "running");
  const third = await submit(gated, projectId, replace);
  expect(await idle.get(second.id)).toMatchObject({ status: "running" });
  gate.resolve();
  const [two, three] = [await worker.ended(second.id), await worker.ended(third.id)];
  expect(three.startedAt?.getTime()).toBeGreaterThanOrEqual(two.finishedAt?.getTime() ?? Number.NaN);
  await worker.stop();
});

test("[JOB-38] fifty people at once hand in one key of theirs: one job", async () => {
  const projectId = await createProject();
  const made = await Promise.all(
    Array.from({ length: 50 }, () => submit(works, projectId, { uniqueKey: "crowd", rule: "existing" })),
  );
  expect(new Set(made.map(({ id }) => id)).size).toBe(1);
  expect(made.filter(({ isNew }) => isNew)).toHaveLength(1);
});

test("[JOB-39] a failed job runs again under its id, with all attempts, and its errors stay", async () => {
  const projectId = await createProject();
  let isFixed = false;
  const later: (() => Promise<unknown>)[] = [];
  const fixed = task("test.fixed", (context) => {
    later.push(() => db.transaction((tx) => context.fence(tx)));
    if (!isFixed) throw new Error("not yet");
    return "fixed";
  });
  const worker = await startEngine(db, { tasks: [fixed], work: {}, maxRetries: 1 });
  const { id } = await db.transaction((tx) =>
    worker.jobs.submit(tx, fixed, null, { projectId, createdBy: projectId }),
  );
  expect(await worker.ended(id)).toMatchObject({ status: "failed", attempt: 2 });
  isFixed = true;
  const revive = () => db.transaction((tx) => worker.jobs.revive(tx, [id]));
  const [once, twice] = await Promise.all([revive(), revive()]);
  expect([...once, ...twice]).toEqual([id]);
  const job = await until("the success", async () => {
    const seen = await worker.get(id);
    return seen.status === "succeeded" ? seen : undefined;
  });
  expect(job).toMatchObject({ attempt: 1, result: "fixed", error: null });
  expect(job.errors.map(({ code }) => code)).toEqual(["JOB_FAILED", "JOB_FAILED"]);
  expect(await revive()).toEqual([]);
  for (const fence of later) await expect(fence()).rejects.toThrow("given to another worker");
  expect((await listEvents(projectId)).map(({ event }) => event)).toEqual(["job.failed", "job.succeeded"]);
  await worker.stop();
});

test("[JOB-39] a handler of before does not pass the fence of a job that runs again", async () => {
  const projectId = await createProject();
  const contexts: JobContext[] = [];
  const gate = Promise.withResolvers<void>();
  const again = task("test.again", async (context) => {
    contexts.push(context);
    if (contexts.length === 1) throw new PermanentJobError("FIRST", "The first fails.");
    await gate.promise;
  });
  const worker = await startEngine(db, { tasks: [again], work: {} });
  const { id } = await submit(again, projectId);
  await worker.ended(id);
  await db.transaction((tx) => worker.jobs.revive(tx, [id]));
  await until("the second run", () => contexts.length === 2);
  const fence = (context: JobContext | undefined) => db.transaction(async (tx) => context?.fence(tx));
  await expect(fence(contexts[0])).rejects.toThrow("given to another worker");
  await fence(contexts[1]);
  gate.resolve();
  await worker.ended(id);
  await worker.stop();
});

test("[JOB-39] a job does not run again while another of its key has begun", async () => {
  const projectId = await createProject();
  const gate = Promise.withResolvers<void>();
  let runs = 0;
  const keyed = task("test.keyed", async () => {
    if (++runs === 1) throw new PermanentJobError("FIRST", "The first fails.");
    await gate.promise;
  });
  const worker = await startEngine(db, { tasks: [keyed], work: {} });
  const first = await submit(keyed, projectId, { uniqueKey: "k" });
  await worker.ended(first.id);
  const second = await submit(keyed, projectId, { uniqueKey: "k" });
  await until("the second to run", async () => (await idle.get(second.id)).status === "running");
  const revive = () => db.transaction((tx) => worker.jobs.revive(tx, [first.id]));
  expect(await revive()).toEqual([]);
  gate.resolve();
  await worker.ended(second.id);
  expect(await revive()).toEqual([first.id]);
  await worker.stop();
});

test("[JOB-39] of two of one key that are run again at the same moment one runs, and the other is left", async () => {
  const projectId = await createProject();
  const worker = await startEngine(db, { tasks: [fails], work: {} });
  const ids: string[] = [];
  for (let n = 0; n < 2; n++) {
    const { id } = await submit(fails, projectId, { uniqueKey: "twins" });
    await worker.ended(id);
    ids.push(id);
  }
  await worker.stop();
  const [first = "", second = ""] = ids;
  const { promise: other, resolve } = Promise.withResolvers<string[]>();
  const revived = await db.transaction(async (tx) => {
    const one = await idle.jobs.revive(tx, [first]);
    resolve(db.transaction((its) => idle.jobs.revive(its, [second])));
    await until("the second to wait", async () => {
      const waiting = await db.sql`SELECT FROM pg_locks WHERE NOT granted`;
      return waiting.length > 0;
    });
    return one;
  });
  expect([revived, await other]).toEqual([[first], []]);
  expect(await idle.get(second)).toMatchObject({ status: "failed" });
});

test("[JOB-40] lists are by project, status and task, newest first, page by page, and miss no job on its way", async () => {
  const projectId = await createProject();
  const other = task("test.listed", () => "listed");
  const ids: string[] = [];
  for (let n = 0; n < 10; n++) ids.unshift((await submit(n % 2 ? works : other, projectId)).id);
  await submit(works, await createProject());
  const listAll = async (filter: object = {}) => {
    const found: Job[] = [];
    for (let beforeId: string | undefined; ; beforeId = found.at(-1)?.id) {
      const page = await idle.jobs.list(db.sql, { projectId, limit: 3, beforeId, ...filter });
      found.push(...page.slice(0, 3));
      if (page.length <= 3) return found.map(({ id }) => id);
    }
  };
  expect(await listAll()).toEqual(ids);
  expect(await listAll({ status: "queued" })).toEqual(ids);
  for (const status of ["running", "retrying", "scheduled"]) expect(await listAll({ status })).toEqual([]);
  const worker = await startEngine(db, { tasks: [works, other], work: {} });
  for (let isMoving = true; isMoving; ) {
    isMoving = (await listAll({ status: "succeeded" })).length < 10;
    expect(await listAll()).toEqual(ids);
  }
  expect(await listAll({ task: "test.listed" })).toEqual(ids.filter((_, place) => place % 2 === 1));
  expect(await listAll({ status: "queued" })).toEqual([]);
  expect(await listAll({ status: "failed" })).toEqual([]);
  await worker.stop();
});

test("[JOB-41] what a handler logs is kept: the last thousand messages, without fields and debugging", async () => {
  const projectId = await createProject();
  const talks = task("test.talks", ({ log }) => {
    for (let n = 1; n <= 1200; n++) log.info({ secret: "hunter2" }, `line ${n}`);
    log.debug({}, "not for you");
    log.child({ deeper: true }).warn({}, "nul \0 and half \ud800");
    log.error({}, "x".repeat(5000));
  });
  const worker = await startEngine(db, { tasks: [talks], work: {} });
  const { id } = await submit(talks, projectId);
  await worker.ended(id);
  const lines = await worker.jobs.listLines(db.sql, id);
  expect(lines).toHaveLength(1000);
  expect(lines[0]).toEqual({ at: expect.any(Date), attempt: 1, level: "info", message: "line 203" });
  expect(lines.at(-2)).toMatchObject({ level: "warn", message: "nul \ufffd and half \ufffd" });
  expect(lines.at(-1)?.message).toHaveLength(500);
  expect(JSON.stringify(lines)).not.toContain("hunter2");
  const own = await worker.enqueue(talks, null, { projectId });
  await worker.ended(own);
  expect(await worker.jobs.listLines(db.sql, own)).toEqual([]);
  await worker.stop();
});

test("[JOB-41] of a job that talks for long no more is kept", async () => {
  const projectId = await createProject();
  const long = task("test.long", async ({ log, jobId }) => {
    for (let round = 0; round < 4; round++) {
      for (let n = 0; n < 800; n++) log.info({}, `round ${round} line ${n}`);
      await until("the lines", async () => {
        const lines = await idle.jobs.listLines(db.sql, jobId);
        return lines.at(-1)?.message === `round ${round} line 799`;
      });
    }
  });
  const worker = await startEngine(db, { tasks: [long], work: {} });
  const { id } = await submit(long, projectId);
  await worker.ended(id);
  const [row] = await db.sql<{ count: number }>`
    SELECT count(*)::int AS count FROM job_log_lines WHERE job_id = ${id}`;
  expect(row?.count).toBeLessThanOrEqual(2000);
  await worker.stop();
});

test("[JOB-43] what has ended at once tells no news, what takes longer or runs again does", async () => {
  const projectId = await createProject();
  const heard: unknown[] = [];
  const deafen = idle.jobs.hearNews(({ id, status }) => heard.push([id, status]));
  const gate = Promise.withResolvers<void>();
  const slow = task("test.slow", () => gate.promise);
  const worker = await startEngine(db, { tasks: [works, slow], work: {} });
  // By another process than the one that runs it.
  const quick = await submit(works, projectId, { priority: "urgent" });
  await worker.ended(quick.id);
  const cancelled = await submit(
    task("test.unknown", () => {}),
    projectId,
  );
  await db.transaction((tx) => idle.jobs.cancel(tx, cancelled.id));
  const long = await submit(slow, projectId, { priority: "urgent" });
  await until("its start", () => heard.length > 0);
  gate.resolve();
  await worker.ended(long.id);
  expect(heard).toEqual([[long.id, "running"]]);
  await worker.stop();
  // Nobody is there to begin it now.
  await db.transaction((tx) => idle.jobs.revive(tx, [cancelled.id]));
  await until("what runs again", () => heard.length > 1);
  expect(heard[1]).toEqual([cancelled.id, "queued"]);
  deafen();
});
