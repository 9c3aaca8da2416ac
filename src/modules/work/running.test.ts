import { afterAll, beforeAll, expect, test } from "bun:test";
import { z } from "zod";
import { newId } from "../../kernel/ids/index.ts";
import { PermanentJobError, type Task } from "../../kernel/jobs/index.ts";
import { bestOf } from "../../testing/best-of.ts";
import { ID, listEvents, TIME } from "../../testing/expectations.ts";
import { createProject, type Person, share, signUp } from "../../testing/requests.ts";
import { openTestServer, type TestServer } from "../../testing/server.ts";
import { until } from "../../testing/until.ts";

/** Fails while it is told to, and runs until its gate is opened. */
const behaviour = { isBroken: false, gate: Promise.withResolvers<void>() };
const forUsers = { description: "For a test." };
const greet: Task<{ name: string; times?: number | undefined }> = {
  name: "test.greet",
  input: z.strictObject({ name: z.string().min(1).max(20), times: z.int().optional() }),
  forUsers,
  maxAttempts: 1,
  async run({ name }, { log }) {
    log.info({ secret: "hunter2" }, `greeting ${name}`);
    if (behaviour.isBroken) throw new PermanentJobError("NO_VOICE", "The voice is gone.");
    return { said: `Hello ${name}` };
  },
};
const wait: Task<Record<string, never>> = {
  name: "test.wait",
  input: z.strictObject({}),
  forUsers,
  run: () => behaviour.gate.promise,
};
const guarded: Task<Record<string, never>> = {
  name: "test.guarded",
  input: z.strictObject({}),
  forUsers: { ...forUsers, permission: "project.export" },
  run: () => Promise.reject(new PermanentJobError("NO_VOICE", "It never has one.")),
};
const hidden: Task<Record<string, never>> = {
  name: "test.hidden",
  input: z.strictObject({}),
  run: async () => "never by name",
};

let server: TestServer;
let ada: Person;
let projectId: string;
beforeAll(async () => {
  server = await openTestServer();
  server.kernel.jobs.register(greet);
  server.kernel.jobs.register(wait);
  server.kernel.jobs.register(guarded);
  server.kernel.jobs.register(hidden);
  ada = await signUp(server);
  projectId = await createProject(ada);
});
afterAll(async () => {
  behaviour.gate.resolve();
  await server.stop();
});

const submit = (body: object, headers: Record<string, string> = {}) =>
  ada.call("POST", "/jobs", { project_id: projectId, ...body }, headers);
const submitted = async (body: object) => String((await submit(body)).body.id);
const get = async (id: string) => (await ada.call("GET", `/jobs/${id}`)).body;
const reaches = (id: string, status: string) =>
  until(`the job to be ${status}`, async () => {
    const body = await get(id);
    return body.status === status ? body : undefined;
  });
const eventsOf = async (id: string) =>
  (await listEvents(server.db.sql, projectId)).filter(({ subject }) => subject === id);
const IN_AN_HOUR = () => new Date(Date.now() + 3_600_000).toISOString();

test("[WRK-7] tasks that may be run are listed with their input, others cannot be run", async () => {
  const { body } = await ada.call("GET", "/job-tasks");
  const items = body.items as { name: string }[];
  expect(items.map(({ name }) => name)).toEqual([
    "http.request",
    "project.export",
    "test.greet",
    "test.guarded",
    "test.wait",
    "text.import",
    "text.reanalyse",
  ]);
  expect(items.find(({ name }) => name === "test.greet")).toMatchObject({
    description: "For a test.",
    priority: "normal",
    input_schema: { type: "object", required: ["name"], additionalProperties: false },
  });
  for (const task of ["test.hidden", "texts.analyse", "nothing"]) {
    const answer = await submit({ task, input: {} });
    expect([answer.status, answer.body.errors]).toEqual([
      422,
      [{ path: "task", message: expect.stringContaining("GET /job-tasks") }],
    ]);
  }
});

test("[WRK-7] a task runs by its name, and its end is announced", async () => {
  const { status, body } = await submit({ task: "test.greet", input: { name: "Hypatia" } });
  const id = String(body.id);
  expect({ status, body }).toMatchObject({
    status: 202,
    body: { id: ID, project_id: projectId, created_by: ada.userId, task: "test.greet", created_at: TIME },
  });
  expect(await reaches(id, "succeeded")).toMatchObject({ result: { said: "Hello Hypatia" } });
  expect(await eventsOf(id)).toMatchObject([
    { event: "job.succeeded", actor_id: ada.userId, data: { task: "test.greet" } },
  ]);
});

test("[WRK-8] input that does not fit is refused at once", async () => {
  const count = async () => (await ada.call("GET", `/jobs?project_id=${projectId}&limit=100`)).body.items;
  const before = await count();
  const cases: readonly (readonly [unknown, string])[] = [
    [{}, "input.name"],
    [{ name: "" }, "input.name"],
    [{ name: "a", other: 1 }, "input.other"],
    [{ name: "a", times: 1.5 }, "input.times"],
    ["text", "input"],
    [null, "input"],
  ];
  for (const [input, path] of cases) {
    const { status, body } = await submit({ task: "test.greet", input });
    expect([input, status, body.code, body.errors]).toEqual([
      input,
      422,
      "INVALID_INPUT",
      [{ path, message: expect.any(String) }],
    ]);
  }
  for (const wrong of [
    { priority: "soon" },
    { timeout_s: 0 },
    { run_at: "tomorrow" },
    { unique_rule: "maybe" },
  ]) {
    expect((await submit({ task: "test.wait", ...wrong })).status).toBe(422);
  }
  expect(await count()).toEqual(before);
});

test("[WRK-9] priority, time and place are as one asks", async () => {
  const runAt = IN_AN_HOUR();
  const later = await submit({ task: "test.wait", run_at: runAt, priority: "low", timeout_s: 7 });
  expect(later.body).toMatchObject({ status: "scheduled", priority: "low", run_at: runAt, position: null });
  const [row] = await server.db.sql<{ timeout_ms: number }>`
    SELECT timeout_ms FROM jobs WHERE id = ${String(later.body.id)}`;
  expect(row?.timeout_ms).toBe(7000);
  const next = await submit({ task: "test.wait", priority: "high" });
  expect(next.body).toMatchObject({ status: "queued", priority: "high", position: 1 });
  await ada.call("POST", `/jobs/${next.body.id}/cancel`);
  const past = await submit({ task: "test.wait", run_at: "2001-01-01T00:00:00Z" });
  expect(Date.parse(String(past.body.created_at)) - Date.parse(String(past.body.run_at))).toBeLessThan(1000);
  await ada.call("POST", `/jobs/${past.body.id}/cancel`);
  for (const late of ["9999-01-01T00:00:00Z", "9999-12-31T23:59:59-12:00"])
    expect((await submit({ task: "test.wait", run_at: late })).body.code).toBe("INVALID_INPUT");
});

test("[WRK-10] a key finds, refuses or replaces", async () => {
  const body = { task: "test.wait", unique_key: "k", run_at: IN_AN_HOUR() };
  const first = await submitted(body);
  expect(await submitted(body)).toBe(first);
  const refused = await submit({ ...body, unique_rule: "reject" });
  expect([refused.status, refused.body.code, refused.body.job_id]).toEqual([409, "JOB_KEY_TAKEN", first]);
  const second = await submitted({ ...body, unique_rule: "replace" });
  expect(second).not.toBe(first);
  expect(await get(first)).toMatchObject({ status: "cancelled" });
  expect(await eventsOf(first)).toMatchObject([{ event: "job.cancelled" }]);
});

test("[WRK-11] the same submission with an Idempotency-Key is one job", async () => {
  const body = { task: "test.wait", run_at: IN_AN_HOUR() };
  const key = { "Idempotency-Key": "once" };
  const [one, two] = [await submit(body, key), await submit(body, key)];
  expect(two.body).toEqual(one.body);
  expect(two.headers.get("Idempotency-Replayed")).toBe("true");
});

test("[WRK-12] a collaborator runs and cancels, a viewer sees both and may neither", async () => {
  const [collaborator, viewer] = [await signUp(server), await signUp(server)];
  await share(ada, projectId, collaborator, "collaborator");
  await share(ada, projectId, viewer, "viewer");
  const body = { project_id: projectId, task: "test.wait", run_at: IN_AN_HOUR() };
  const made = await collaborator.call("POST", "/jobs", body);
  expect(made.status).toBe(202);
  expect((await viewer.call("GET", `/jobs/${made.body.id}`)).status).toBe(200);
  expect((await viewer.call("POST", "/jobs", body)).body.code).toBe("PROJECT_FORBIDDEN");
  expect((await viewer.call("POST", `/jobs/${made.body.id}/cancel`)).body.code).toBe("PROJECT_FORBIDDEN");
  expect((await collaborator.call("POST", `/jobs/${made.body.id}/cancel`)).status).toBe(202);
});

test("[WRK-13] what waits is cancelled at once, what runs within a second", async () => {
  const waiting = await submitted({ task: "test.wait", run_at: IN_AN_HOUR() });
  const cancel = (id: string) => ada.call("POST", `/jobs/${id}/cancel`);
  expect((await cancel(waiting)).body).toMatchObject({ id: waiting, status: "cancelled" });
  expect((await cancel(waiting)).status).toBe(202);
  const ended = [waiting];
  const tookMs = await bestOf(1000, async () => {
    const running = await submitted({ task: "test.wait" });
    await reaches(running, "running");
    expect((await cancel(running)).status).toBe(202);
    const atMs = Date.now();
    const { finished_at: finishedAt } = await reaches(running, "cancelled");
    ended.push(running);
    return Date.parse(String(finishedAt)) - atMs;
  });
  expect(tookMs).toBeLessThan(1000);
  for (const id of ended) {
    expect(await eventsOf(id)).toMatchObject([{ event: "job.cancelled", actor_id: ada.userId }]);
  }
});

test("[WRK-13] the log names who has cancelled a job, whoever had run it", async () => {
  const owner = await signUp(server);
  const shared = await createProject(owner);
  await share(owner, shared, ada, "collaborator");
  const body = { project_id: shared, task: "test.wait" };
  const waiting = await submitted({ ...body, run_at: IN_AN_HOUR() });
  const running = await submitted(body);
  await reaches(running, "running");
  for (const id of [waiting, running]) {
    expect((await owner.call("POST", `/jobs/${id}/cancel`)).status).toBe(202);
    await reaches(id, "cancelled");
    const events = (await listEvents(server.db.sql, shared)).filter(({ subject }) => subject === id);
    expect(events).toMatchObject([{ event: "job.cancelled", actor_id: owner.userId }]);
  }
});

test("[WRK-13] what has ended, or is the server's own, is not cancelled", async () => {
  const ended = await submitted({ task: "test.greet", input: { name: "Ada" } });
  await reaches(ended, "succeeded");
  expect((await ada.call("POST", `/jobs/${ended}/cancel`)).body.code).toBe("JOB_ENDED");
  const ours = await server.db.transaction((tx) =>
    server.kernel.jobs.enqueue(tx, hidden, {}, { projectId, delayMs: 3_600_000 }),
  );
  expect((await ada.call("POST", `/jobs/${ours}/cancel`)).body.code).toBe("JOB_OF_SERVER");
  expect((await ada.call("POST", `/jobs/${ours}/retry`)).body.code).toBe("JOB_OF_SERVER");
  expect((await ada.call("POST", `/jobs/${newId()}/cancel`)).body.code).toBe("JOB_NOT_FOUND");
});

test("[WRK-14] a failed job runs again, one that has not failed does not", async () => {
  behaviour.isBroken = true;
  const id = await submitted({ task: "test.greet", input: { name: "Ada" } });
  const failed = await reaches(id, "failed");
  expect(failed.error).toEqual({ code: "NO_VOICE", message: "The voice is gone." });
  behaviour.isBroken = false;
  expect((await ada.call("POST", `/jobs/${id}/retry`)).status).toBe(202);
  expect(await reaches(id, "succeeded")).toMatchObject({
    error: null,
    errors: [{ at: TIME, attempt: 1, code: "NO_VOICE", message: "The voice is gone." }],
  });
  expect((await ada.call("POST", `/jobs/${id}/retry`)).body.code).toBe("JOB_NOT_RETRIABLE");
  expect((await eventsOf(id)).map(({ event }) => event)).toEqual(["job.failed", "job.succeeded"]);
});

test("[WRK-15] lists are by status and task, page by page", async () => {
  const own = await createProject(ada);
  const list = async (query: string) =>
    (await ada.call("GET", `/jobs?project_id=${own}&${query}`)).body as {
      items: { id: string }[];
      next_cursor: string | null;
    };
  const ids: string[] = [];
  for (let n = 0; n < 5; n++) {
    ids.unshift(await submitted({ project_id: own, task: "test.wait", run_at: IN_AN_HOUR() }));
  }
  await ada.call("POST", `/jobs/${ids[0]}/cancel`);
  const first = await list("limit=3");
  const second = await list(`limit=3&cursor=${first.next_cursor}`);
  expect([...first.items, ...second.items].map(({ id }) => id)).toEqual(ids);
  expect(second.next_cursor).toBeNull();
  expect((await list("status=cancelled")).items.map(({ id }) => id)).toEqual(ids.slice(0, 1));
  expect((await list("status=scheduled&task=test.wait")).items).toHaveLength(4);
  expect((await list("task=test.greet")).items).toEqual([]);
});

test("[WRK-16] dead letters are tried and run again: one, some by their error, all", async () => {
  const own = await createProject(ada);
  behaviour.isBroken = true;
  const ids: string[] = [];
  for (const name of ["a", "b", "c", "d"]) {
    ids.push(await submitted({ project_id: own, task: "test.greet", input: { name } }));
  }
  for (const id of ids) await reaches(id, "failed");
  const dead = async () =>
    ((await ada.call("GET", `/jobs/dead?project_id=${own}`)).body.items as { id: string }[]).map(
      ({ id }) => id,
    );
  expect(await dead()).toEqual([...ids].reverse());
  const redrive = async (body: object) =>
    (await ada.call("POST", "/jobs/dead/redrive", { project_id: own, ...body })).body;
  const counts = (matched: number, redriven: number, dryRun = false) => ({
    matched,
    redriven,
    has_more: false,
    dry_run: dryRun,
  });
  expect(await redrive({ all: true, dry_run: true })).toEqual(counts(4, 0, true));
  expect(await redrive({ error_code: "OTHER" })).toEqual(counts(0, 0));
  expect(await redrive({})).toMatchObject({ code: "INVALID_INPUT" });
  behaviour.isBroken = false;
  expect(await redrive({ ids: ids.slice(0, 1) })).toEqual(counts(1, 1));
  await reaches(ids[0] ?? "", "succeeded");
  expect(await dead()).toEqual(ids.slice(1).reverse());
  expect(await redrive({ error_code: "NO_VOICE", task: "test.greet" })).toEqual(counts(3, 3));
  for (const id of ids) await reaches(id, "succeeded");
  expect(await dead()).toEqual([]);
});

test("[WRK-16] what one may not run is not run again with the rest", async () => {
  const own = await createProject(ada);
  const ben = await signUp(server);
  await share(ada, own, ben, "collaborator");
  const id = await submitted({ project_id: own, task: "test.guarded" });
  await reaches(id, "failed");
  const redrive = (person: Person) =>
    person.call("POST", "/jobs/dead/redrive", { project_id: own, all: true, dry_run: true });
  expect((await redrive(ben)).body).toMatchObject({ matched: 0 });
  expect((await redrive(ada)).body).toMatchObject({ matched: 1 });
});

test("[WRK-17] a job's lines are read by its id, without what is no message", async () => {
  const id = await submitted({ task: "test.greet", input: { name: "Ada" } });
  await reaches(id, "succeeded");
  const { body } = await ada.call("GET", `/jobs/${id}/logs`);
  expect(body).toEqual({ items: [{ at: TIME, attempt: 1, level: "info", message: "greeting Ada" }] });
});

test("[TXT-37] all words of a project are counted anew when somebody wants it", async () => {
  await ada.call("POST", "/paragraphs", { project_id: projectId, paragraphs: ["one two", "two three"] });
  const total = async () =>
    (await ada.call("GET", `/paragraphs/top?word=two&project_id=${projectId}`)).body.total_count;
  await until("the first count", async () => (await total()) === 2);
  const id = await submitted({ task: "text.reanalyse" });
  const { result } = await reaches(id, "succeeded");
  const { analysis_job_id: analysis } = result as { analysis_job_id: string };
  await reaches(analysis, "succeeded");
  expect(await total()).toBe(2);
});
