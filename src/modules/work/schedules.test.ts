import { afterAll, beforeAll, expect, test } from "bun:test";
import { randomBytes } from "node:crypto";
import { z } from "zod";
import type { Task } from "../../kernel/jobs/index.ts";
import { createTestClock } from "../../testing/clock.ts";
import { openAgain } from "../../testing/database.ts";
import { ID, TIME } from "../../testing/expectations.ts";
import { createProject, type Person, share, signUp } from "../../testing/requests.ts";
import { openTestServer, type TestServer } from "../../testing/server.ts";
import { until } from "../../testing/until.ts";

const gate = Promise.withResolvers<void>();
const tick: Task<{ isSlow?: boolean | undefined }> = {
  name: "test.tick",
  input: z.strictObject({ isSlow: z.boolean().optional() }),
  forUsers: { description: "For a test." },
  run: async ({ isSlow }) => (isSlow ? gate.promise : "ticked"),
};

/** Two servers on one database, so that both look at what is due. */
let servers: TestServer[];
let server: TestServer;
let ada: Person;
let projectId: string;
beforeAll(async () => {
  const secretKey = randomBytes(32).toString("base64");
  // The hosts' clocks are slow: only the database's counts.
  const clock = createTestClock();
  clock.turn(-150_000);
  server = await openTestServer({ secretKey, clock });
  servers = [server, await openTestServer({ secretKey, clock, db: openAgain(server.db) })];
  for (const { kernel } of servers) kernel.jobs.register(tick);
  ada = await signUp(server);
  projectId = await createProject(ada);
});
afterAll(async () => {
  gate.resolve();
  for (const each of servers.toReversed()) await each.stop();
});

const create = (body: object = {}, who = ada) =>
  who.call("POST", "/job-schedules", {
    project_id: projectId,
    task: "test.tick",
    cron: "0 0 1 1 *",
    ...body,
  });
const created = async (body: object = {}, who = ada) => String((await create(body, who)).body.id);
const list = async () =>
  (await ada.call("GET", `/job-schedules?project_id=${projectId}&limit=100`)).body.items as Record<
    string,
    unknown
  >[];
const find = async (id: string) => (await list()).find((each) => each.id === id);
/** As if so much time had passed since it was due. */
const makeDue = (id: string, agoS = 0) =>
  server.db
    .sql`UPDATE job_schedules SET next_at = now() - ${agoS}::int * interval '1 second' WHERE id = ${id}`;
const moved = (id: string) =>
  until("the schedule to go on", async () => {
    const schedule = await find(id);
    return schedule && (schedule.next_at === null || Date.parse(String(schedule.next_at)) > Date.now())
      ? schedule
      : undefined;
  });
const jobsOf = (id: string) =>
  server.db.sql<{ id: string; status: string }>`
    SELECT id, state AS status FROM jobs WHERE unique_key LIKE ${`%schedule ${id}`}
    UNION ALL SELECT id, status FROM finished_jobs WHERE unique_key LIKE ${`%schedule ${id}`}`;

test("[WRK-22] a schedule is made, listed, changed, paused and deleted", async () => {
  const { status, body } = await create({
    time_zone: "Europe/Berlin",
    priority: "low",
    input: { isSlow: false },
  });
  const id = String(body.id);
  const nextYear = new Date().getUTCFullYear();
  expect({ status, next: body.next_at }).toEqual({ status: 201, next: `${nextYear}-12-31T23:00:00.000Z` });
  expect(await find(id)).toEqual({
    id: ID,
    project_id: projectId,
    created_by: ada.userId,
    task: "test.tick",
    input: { isSlow: false },
    priority: "low",
    cron: "0 0 1 1 *",
    time_zone: "Europe/Berlin",
    missed: "run_once",
    is_active: true,
    next_at: `${nextYear}-12-31T23:00:00.000Z`,
    last_at: null,
    last_job_id: null,
    created_at: TIME,
    updated_at: TIME,
  });
  const change = async (wanted: object) => (await ada.call("PATCH", `/job-schedules/${id}`, wanted)).body;
  expect(await change({ is_active: false })).toMatchObject({ is_active: false, next_at: null });
  const next = `${nextYear + 1}-01-01T00:00:00.000Z`;
  expect(await change({ is_active: true, time_zone: "UTC" })).toMatchObject({
    is_active: true,
    next_at: next,
  });
  expect((await ada.call("DELETE", `/job-schedules/${id}`)).status).toBe(204);
  expect(await find(id)).toBeUndefined();
});

test("[WRK-22] what cannot be a schedule is refused with its field", async () => {
  const cases: readonly (readonly [object, string])[] = [
    [{ cron: "every day" }, "cron"],
    [{ time_zone: "Mars/Olympus" }, "time_zone"],
    [{ task: "texts.analyse" }, "task"],
    [{ input: { isSlow: "very" } }, "input.isSlow"],
    [{ missed: "all" }, "missed"],
  ];
  for (const [wrong, path] of cases) {
    const { status, body } = await create(wrong);
    expect([wrong, status, body.errors]).toEqual([wrong, 422, [{ path, message: expect.any(String) }]]);
  }
  const id = await created();
  expect((await ada.call("PATCH", `/job-schedules/${id}`, { cron: "* *" })).status).toBe(422);
  expect((await ada.call("PATCH", `/job-schedules/${id}`, {})).status).toBe(422);
});

test("[WRK-22] a project has 100 schedules at most", async () => {
  const full = await createProject(ada);
  await server.db.sql`
    INSERT INTO job_schedules (id, project_id, created_by, task, input, cron, time_zone, missed)
    SELECT gen_random_uuid(), ${full}, ${ada.userId}, 'test.tick', '{}', '@yearly', 'UTC', 'skip' FROM generate_series(1, 100)`;
  expect((await create({ project_id: full })).body.code).toBe("TOO_MANY_SCHEDULES");
});

test("[WRK-20] what is due is run once, though two servers look", async () => {
  const ids = await Promise.all(Array.from({ length: 10 }, () => created()));
  for (const id of ids) await makeDue(id);
  for (const id of ids) {
    const { last_job_id: jobId } = await moved(id);
    const jobs = await jobsOf(id);
    expect(jobs.map((job) => job.id)).toEqual([String(jobId)]);
  }
});

test("[WRK-42] pg-boss #592: a schedule that is deleted and made again does not run its time twice", async () => {
  const id = await created({ cron: "* * * * *" });
  await makeDue(id);
  const { next_at: nextAt, last_at: lastAt } = await moved(id);
  await ada.call("DELETE", `/job-schedules/${id}`);
  const again = await find(await created({ cron: "* * * * *" }));
  expect(Date.parse(String(again?.next_at))).toBeGreaterThan(Date.parse(String(lastAt)));
  expect(Date.parse(String(again?.next_at))).toBeGreaterThanOrEqual(Date.parse(String(nextAt)));
  await ada.call("DELETE", `/job-schedules/${again?.id}`);
});

test("[WRK-42] a change of what a schedule does neither loses a time that is due nor gives one back", async () => {
  const id = await created({ cron: "* * * * *" });
  const [row] = await server.db.sql<{ next_at: Date }>`
    UPDATE job_schedules SET next_at = date_trunc('second', now() + interval '1 hour') WHERE id = ${id} RETURNING next_at`;
  const change = async (body: object) => (await ada.call("PATCH", `/job-schedules/${id}`, body)).body.next_at;
  expect(await change({ priority: "high" })).toBe(row?.next_at.toISOString() ?? "");
  const beforeMs = Date.now();
  const next = Date.parse(String(await change({ cron: "*/2 * * * *" })));
  expect(next).toBeGreaterThan(beforeMs - 1000);
  expect(next).toBeLessThan(Date.now() + 121_000);
  await ada.call("DELETE", `/job-schedules/${id}`);
});

test("[WRK-20] while the job of before has not ended there is no other", async () => {
  const id = await created({ input: { isSlow: true } });
  await makeDue(id);
  const { last_job_id: first, last_at: lastAt } = await moved(id);
  await makeDue(id);
  expect(await moved(id)).toMatchObject({ last_job_id: first, last_at: lastAt });
  expect(await jobsOf(id)).toHaveLength(1);
  await ada.call("DELETE", `/job-schedules/${id}`);
  await ada.call("POST", `/jobs/${first}/cancel`);
});

test("[WRK-21] a missed time is made up for once, or skipped", async () => {
  const [once, skip] = [await created({ missed: "run_once" }), await created({ missed: "skip" })];
  for (const id of [once, skip]) await makeDue(id, 3 * 86_400);
  expect(await moved(once)).toMatchObject({ last_job_id: expect.any(String) });
  expect(await moved(skip)).toMatchObject({ last_job_id: null, is_active: true });
  expect([(await jobsOf(once)).length, (await jobsOf(skip)).length]).toEqual([1, 0]);
});

test("[WRK-23] the schedule of somebody who was taken out rests", async () => {
  const grace = await signUp(server);
  await share(ada, projectId, grace, "collaborator");
  const id = await created({}, grace);
  await ada.call("DELETE", `/projects/${projectId}/collaborators/${grace.userId}`);
  await makeDue(id);
  expect(await moved(id)).toMatchObject({ is_active: false, next_at: null, last_job_id: null });
  expect(await jobsOf(id)).toEqual([]);
});

test("[WRK-23] a schedule whose time zone is known no more rests, and is in no other's way", async () => {
  const [lost, other] = [await created(), await created()];
  await server.db.sql`UPDATE job_schedules SET time_zone = 'Atlantis/Poseidonis' WHERE id = ${lost}`;
  await makeDue(lost, 2);
  await makeDue(other, 1);
  expect(await moved(other)).toMatchObject({ is_active: true, last_job_id: ID });
  expect(await find(lost)).toMatchObject({ is_active: false, next_at: null, last_job_id: null });
});
