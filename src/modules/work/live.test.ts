import { afterAll, beforeAll, expect, test } from "bun:test";
import { z } from "zod";
import type { Task } from "../../kernel/jobs/index.ts";
import { createProject, type Person, send, signUp } from "../../testing/requests.ts";
import { openTestServer, type TestServer } from "../../testing/server.ts";
import { until } from "../../testing/until.ts";

const gates = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
const stepping: Task<Record<string, never>> = {
  name: "test.step",
  input: z.strictObject({}),
  forUsers: { description: "For a test." },
  async run(_, { attempt, progress }) {
    if (attempt === 1) {
      await gates[0]?.promise;
      throw Object.assign(new Error("once"), { retryAfterSeconds: 0.5 });
    }
    progress(1, 2, "half");
    await gates[1]?.promise;
  },
};

let server: TestServer;
let ada: Person;
beforeAll(async () => {
  server = await openTestServer();
  server.kernel.jobs.register(stepping);
  ada = await signUp(server);
});
afterAll(() => server.stop());

/** The frames of a project's stream as they come. */
async function follow(projectId: string) {
  const frames: Record<string, unknown>[] = [];
  const headers = { Authorization: `Bearer ${ada.token}` };
  const stopped = new AbortController();
  const url = `http://stoa.test/api/v1/projects/${projectId}/live`;
  const response = await server.fetch(new Request(url, { headers, signal: stopped.signal }));
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
  const read = async () => {
    let text = "";
    for (;;) {
      const chunk = await reader?.read();
      if (!chunk || chunk.done) return;
      const lines = (text + chunk.value).split("\n");
      text = lines.pop() ?? "";
      for (const line of lines) {
        if (line.startsWith("data: ")) frames.push(JSON.parse(line.slice(6)));
      }
    }
  };
  const reading = read().catch(() => {});
  await until("the subscription", () => frames.some(({ type }) => type === "subscribed"));
  return {
    frames,
    async close() {
      stopped.abort();
      await reader?.cancel();
      await reading;
    },
  };
}

test("[WRK-18] who follows the project sees its jobs queued, started, told of, tried again, and ended", async () => {
  const projectId = await createProject(ada);
  const elsewhere = await createProject(ada);
  const [here, there] = [await follow(projectId), await follow(elsewhere)];
  const later = new Date(Date.now() + 3_600_000).toISOString();
  const body = { task: "test.step", project_id: projectId };
  const scheduled = await send(server, "POST", "/jobs", {
    token: ada.token,
    body: { ...body, run_at: later },
  });
  const { body: job } = await ada.call("POST", "/jobs", body);
  const id = String(job.id);
  const seen = (status: string, jobId = id) =>
    until(`the frame ${status}`, () =>
      here.frames.find((frame) => frame.type === "job" && frame.id === jobId && frame.status === status),
    );
  const frame = (status: string, progress: object | null = null) => ({
    type: "job",
    project_id: projectId,
    id,
    task: "test.step",
    status,
    progress,
  });
  await seen("scheduled", String(scheduled.body.id));
  expect(await seen("running")).toEqual(frame("running"));
  gates[0]?.resolve();
  expect(await seen("retrying")).toEqual(frame("retrying"));
  const told = await until("the progress", () => here.frames.find(({ progress }) => progress));
  expect(told).toEqual(frame("running", { done: 1, total: 2, message: "half" }));
  gates[1]?.resolve();
  await until("the end", () => here.frames.find(({ event }) => event === "job.succeeded"));
  expect(there.frames.filter(({ type }) => type === "job")).toEqual([]);
  await Promise.all([here.close(), there.close()]);
});
