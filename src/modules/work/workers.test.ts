import { afterAll, beforeAll, expect, test } from "bun:test";
import { hostname } from "node:os";
import { z } from "zod";
import { newId } from "../../kernel/ids/index.ts";
import type { Task } from "../../kernel/jobs/index.ts";
import { ID, TIME } from "../../testing/expectations.ts";
import { createProject, type Person, share, signUp } from "../../testing/requests.ts";
import { openTestServer, type TestServer } from "../../testing/server.ts";
import { until } from "../../testing/until.ts";

const gate = Promise.withResolvers<void>();
const wait: Task<object> = {
  name: "test.wait",
  input: z.strictObject({}),
  forUsers: { description: "For a test." },
  run: () => gate.promise,
};

let server: TestServer;
let ada: Person;
let grace: Person;
beforeAll(async () => {
  server = await openTestServer();
  server.kernel.jobs.register(wait);
  [ada, grace] = [await signUp(server), await signUp(server)];
});
afterAll(async () => {
  gate.resolve();
  await server.stop();
});

interface WorkerBody extends Record<string, unknown> {
  readonly current_jobs: readonly { readonly id: string; readonly [field: string]: unknown }[];
  readonly other_jobs: number;
  readonly breakers: readonly { readonly name: string }[];
}

async function list(who: Person): Promise<readonly WorkerBody[]> {
  const { status, body } = await who.call("GET", "/job-workers");
  expect(status).toBe(200);
  // As the schema of the answer says.
  return body.items as WorkerBody[];
}

test("[WRK-40] workers are listed with their load and what they do", async () => {
  const { body } = await ada.call("POST", "/jobs", { task: "test.wait" });
  const [worker] = await until("the job to run", async () => {
    const workers = await list(ada);
    return workers[0]?.current_jobs.length === 1 && workers;
  });
  expect(worker).toEqual({
    id: ID,
    host: hostname(),
    role: "worker",
    lanes: ["urgent", "high", "normal", "low"],
    concurrency: expect.any(Number),
    load: expect.any(Number),
    current_jobs: [{ id: String(body.id), project_id: ada.projectId, task: "test.wait", started_at: TIME }],
    other_jobs: 0,
    breakers: [],
    started_at: TIME,
    last_beat_at: TIME,
  });
  expect(worker?.load).toBeCloseTo(1 / Number(worker?.concurrency), 2);
});

test("[WRK-41] of others' jobs only the number is told, and a member sees them", async () => {
  const projectId = await createProject(grace);
  const { body } = await grace.call("POST", "/jobs", { task: "test.wait", project_id: projectId });
  await server.db.transaction((tx) => server.kernel.jobs.enqueue(tx, wait, {}, {}));
  const idsOf = async (who: Person) =>
    (await list(who)).flatMap((worker) => worker.current_jobs).map(({ id }) => id);
  const othersOf = async (who: Person) => (await list(who))[0]?.other_jobs;
  await until("both to run", async () => (await othersOf(ada)) === 2);
  expect(await idsOf(ada)).not.toContain(String(body.id));
  expect(await idsOf(grace)).toEqual([String(body.id)]);
  // Ada's of the test before, and the server's own, which is nobody's.
  expect(await othersOf(grace)).toBe(2);
  expect(JSON.stringify(await list(ada))).not.toContain(projectId);
  await share(grace, projectId, ada, "viewer");
  expect(await idsOf(ada)).toContain(String(body.id));
  expect(await othersOf(ada)).toBe(1);
});

test("[WRK-41] circuits to addresses of users are shown in their projects, the server's own to all", async () => {
  const own = { failures: 5, state: "open", retryAt: "2030-01-01T00:00:00.000Z" };
  const breakers = [
    { ...own, name: "dictionary", projectId: null },
    { ...own, name: "https://ada.example", projectId: ada.projectId },
    { ...own, name: "https://grace.example", projectId: grace.projectId },
  ];
  await server.db.sql`
    INSERT INTO job_workers (id, host, pid, roles, slots, breakers)
    VALUES (${newId()}, 'elsewhere', 1, '{worker}', 2, ${JSON.stringify(breakers)}::text::jsonb)`;
  const shownTo = async (who: Person) => (await list(who)).flatMap((worker) => worker.breakers);
  const shown = { failures: 5, state: "open", retry_at: "2030-01-01T00:00:00.000Z" };
  expect(await shownTo(ada)).toEqual([
    { name: "dictionary", ...shown },
    { name: "https://ada.example", ...shown },
  ]);
  expect((await shownTo(grace)).map(({ name }) => name)).toEqual(["dictionary", "https://grace.example"]);
});
