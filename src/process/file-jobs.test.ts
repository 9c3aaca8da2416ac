import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { type RunningServer, removeServer, removeTemplate, startServer } from "../testing/process.ts";
import { until } from "../testing/until.ts";

setDefaultTimeout(60_000);

type Json = Record<string, unknown>;

let server: RunningServer;
let token: string;
beforeAll(async () => {
  server = await startServer();
  const account = { email: "ada@example.org", password: "seven green umbrellas" };
  await call("POST", "/auth/signup", account);
  token = String((await call("POST", "/auth/login", account)).access_token);
});
afterAll(async () => {
  await removeServer(server);
  await removeTemplate();
});

async function call(method: string, path: string, body?: unknown): Promise<Json> {
  const isText = typeof body === "string";
  const response = await fetch(`${server.address}/api/v1${path}`, {
    method,
    headers: {
      "Content-Type": isText ? "text/plain" : "application/json",
      ...(token ? { Authorization: `Bearer ${token}` } : {}),
    },
    ...(body === undefined ? {} : { body: isText ? body : JSON.stringify(body) }),
  });
  // Every body of these calls is a JSON object.
  return (await response.json()) as Json;
}

/** Kills the worker with -9 when the job has told of its progress; then the job as it ended. */
async function runAndKill(task: string, input: object): Promise<Json> {
  const { id } = await call("POST", "/jobs", { task, input });
  const begun = await until("progress", async () => {
    const job = await call("GET", `/jobs/${id}`);
    return (job.progress !== null || job.finished_at !== null) && job;
  });
  // Else nothing was killed in its midst.
  expect(begun.status).toBe("running");
  const [worker = 0] = server.children("worker");
  process.kill(worker, "SIGKILL");
  const ended = async () => {
    const job = await call("GET", `/jobs/${id}`);
    return job.finished_at !== null && job;
  };
  const job = await until("the end", ended, { withinMs: 40_000, everyMs: 50 });
  expect(job.errors).toMatchObject([{ code: "JOB_INTERRUPTED" }]);
  return job;
}

const COUNT = 60_000;
const contents = Array.from({ length: COUNT }, (_, index) => `Number ${index}.`);

async function exported(job: Json): Promise<Json[]> {
  const { file_id: id } = job.result as Json;
  const response = await fetch(`${server.address}/api/v1/files/${id}/content`, {
    headers: { Authorization: `Bearer ${token}` },
  });
  const lines = (await response.text()).split("\n").slice(0, -1);
  return lines.map((line) => JSON.parse(line) as Json);
}

test("[TXT-101] an import whose worker is killed with -9 stores each paragraph once", async () => {
  const file = await call("POST", "/files?name=a.txt", contents.join("\n\n"));
  const job = await runAndKill("text.import", { file_id: file.id });
  expect([job.error, job.result]).toMatchObject([null, { accepted: COUNT, rejected_count: 0 }]);
  const { items } = await call("GET", "/paragraphs?limit=1");
  expect(items).toMatchObject([{ content: contents.at(-1) }]);
});

test("[PRJ-73] an export whose worker is killed with -9 is whole, and there once", async () => {
  const job = await runAndKill("project.export", { format: "ndjson" });
  const lines = await exported(job);
  const paragraphs = lines.filter(({ type }) => type === "paragraph");
  // Of the test before.
  expect(paragraphs.map(({ content }) => content)).toEqual(contents);
  expect(lines.at(-1)).toMatchObject({ type: "end", counts: { paragraph: COUNT } });
  const { items } = await call("GET", "/files");
  expect((items as Json[])[0]?.id).toBe((job.result as Json).file_id);
  expect(items).toHaveLength(2);
  // What the killed one had written is swept when it is an hour old.
  expect(readdirSync(join(server.dataDir, "files", "unfinished")).length).toBeLessThanOrEqual(1);
});
