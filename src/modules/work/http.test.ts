import { afterAll, beforeAll, expect, test } from "bun:test";
import { z } from "zod";
import { newId } from "../../kernel/ids/index.ts";
import type { Task } from "../../kernel/jobs/index.ts";
import { ID, TIME } from "../../testing/expectations.ts";
import { createProject, type Person, share, signUp } from "../../testing/requests.ts";
import { openTestServer, type TestServer } from "../../testing/server.ts";
import { until } from "../../testing/until.ts";

const counting: Task<{ to: number }> = {
  name: "test.count",
  input: z.strictObject({ to: z.int() }),
  async run({ to }, context) {
    context.progress(to, to, "counted");
    return { counted: to };
  },
};
const failing: Task<Record<string, never>> = {
  name: "test.fail",
  input: z.strictObject({}),
  maxAttempts: 1,
  run: () => Promise.reject(new Error("a secret of ours")),
};

let server: TestServer;
let ada: Person;
let grace: Person;
beforeAll(async () => {
  server = await openTestServer();
  server.kernel.jobs.register(counting);
  server.kernel.jobs.register(failing);
  [ada, grace] = await Promise.all([signUp(server), signUp(server)]);
});
afterAll(() => server.stop());

const enqueue = <T>(task: Task<T>, input: T, options: { projectId?: string; createdBy?: string }) =>
  server.db.transaction((tx) => server.kernel.jobs.enqueue(tx, task, input, options));

const ended = (who: Person, id: string) =>
  until("the job's end", async () => {
    const { body } = await who.call("GET", `/jobs/${id}`);
    return body.finished_at === null ? undefined : body;
  });

test("[WRK-1] a job that has ended tells its result and its progress", async () => {
  const id = await enqueue(counting, { to: 3 }, { projectId: ada.projectId });
  expect(await ended(ada, id)).toEqual({
    id: ID,
    project_id: ada.projectId,
    created_by: null,
    task: "test.count",
    status: "succeeded",
    priority: "normal",
    progress: { done: 3, total: 3, message: "counted" },
    result: { counted: 3 },
    error: null,
    waits_for: null,
    errors: [],
    attempt: 1,
    max_attempts: 4,
    position: null,
    estimated_completion_at: null,
    created_at: TIME,
    run_at: TIME,
    started_at: TIME,
    finished_at: TIME,
  });
});

test("[WRK-1] a job that waits tells that it does", async () => {
  const id = await server.db.transaction((tx) =>
    server.kernel.jobs.enqueue(tx, counting, { to: 1 }, { projectId: ada.projectId, delayMs: 3_600_000 }),
  );
  const { status, body } = await ada.call("GET", `/jobs/${id}`);
  expect({ status, body }).toMatchObject({
    status: 200,
    body: { id, status: "scheduled", attempt: 0, result: null, started_at: null, finished_at: null },
  });
});

test("[WRK-1] a failed job tells that it failed and keeps our own words to itself", async () => {
  const id = await enqueue(failing, {}, { projectId: ada.projectId });
  const body = await ended(ada, id);
  expect(body).toMatchObject({ status: "failed", result: null, error: { code: expect.any(String) } });
  expect(JSON.stringify(body)).not.toContain("secret");
});

test("[WRK-2] a viewer of the project sees its job, a stranger does not", async () => {
  const projectId = await createProject(ada);
  const id = await enqueue(counting, { to: 1 }, { projectId });
  expect((await grace.call("GET", `/jobs/${id}`)).body.code).toBe("JOB_NOT_FOUND");
  await share(ada, projectId, grace, "viewer");
  expect((await grace.call("GET", `/jobs/${id}`)).status).toBe(200);
});

test("[WRK-3] a job of no project is its maker's, and the server's own is nobody's", async () => {
  const hers = await enqueue(counting, { to: 1 }, { createdBy: ada.userId });
  const ours = await enqueue(counting, { to: 1 }, {});
  const statusOf = async (who: Person, id: string) => (await who.call("GET", `/jobs/${id}`)).status;
  expect(await statusOf(ada, hers)).toBe(200);
  expect(await statusOf(grace, hers)).toBe(404);
  expect(await statusOf(ada, ours)).toBe(404);
});

test("[WRK-4] what is no id is refused as what is no job's", async () => {
  for (const id of [newId(), "1", "not-an-id", "%00"]) {
    const { status, body } = await ada.call("GET", `/jobs/${id}`);
    expect({ id, status, code: body.code }).toEqual({ id, status: 404, code: "JOB_NOT_FOUND" });
  }
});

test("[WRK-6] an erased project's jobs are erased with it", async () => {
  const projectId = await createProject(ada);
  const id = await enqueue(counting, { to: 1 }, { projectId });
  await ended(ada, id);
  await ada.call("DELETE", `/projects/${projectId}`);
  await server.db.sql`
    UPDATE jobs SET run_at = now() WHERE task = 'projects.erase' AND input->>'project_id' = ${projectId}`;
  server.kernel.jobs.wake("low");
  await until("the erasing", async () => (await server.kernel.jobs.find(server.db.sql, id)) === undefined);
});
