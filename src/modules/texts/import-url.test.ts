import { afterAll, beforeAll, expect, test } from "bun:test";
import { gzipSync } from "node:zlib";
import { OutboundError } from "../../kernel/outbound/index.ts";
import { ID } from "../../testing/expectations.ts";
import { createProject, type Person, signUp } from "../../testing/requests.ts";
import { openTestServer, type TestServer } from "../../testing/server.ts";
import { until } from "../../testing/until.ts";

/** What each path answers; the first of several at the first call. */
const script = new Map<string, (() => Response)[]>();
const calls: string[] = [];
const source = Bun.serve({
  // One that breaks off is what a test wants.
  error: () => new Response("", { status: 500 }),
  hostname: "127.0.0.1",
  port: 0,
  fetch(request): Response {
    const { pathname } = new URL(request.url);
    calls.push(pathname);
    const answers = script.get(pathname) ?? [];
    const answer = answers.length > 1 ? answers.shift() : answers[0];
    return answer?.() ?? new Response("", { status: 404 });
  },
});
const HOST = `127.0.0.1:${source.port}`;
const at = (path: string) => `http://${HOST}${path}`;

let server: TestServer;
let ada: Person;
beforeAll(async () => {
  server = await openTestServer({ environment: { OUTBOUND_ALLOWED_HOSTS: HOST } });
  ada = await signUp(server);
});
afterAll(async () => {
  await server.stop();
  await source.stop(true);
});

const submit = (projectId: string, input: object) =>
  ada.call("POST", "/jobs", { project_id: projectId, task: "text.import", input });
async function run(
  projectId: string,
  input: object,
  isDone = (body: Record<string, unknown>) => body.finished_at !== null,
) {
  const { body: submitted } = await submit(projectId, input);
  return until(`the job ${submitted.id} to get there`, async () => {
    const { body } = await ada.call("GET", `/jobs/${submitted.id}`);
    return isDone(body) ? body : undefined;
  });
}
const isRetrying = ({ status }: Record<string, unknown>) => status === "retrying";
const contentsOf = async (projectId: string) =>
  (
    await server.db.sql<{ content: string }>`
      SELECT content FROM paragraphs WHERE project_id = ${projectId} ORDER BY id`
  ).map(({ content }) => content);
const many = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, index) => `Paragraph number ${from + index}.`);

test("[TXT-87] a file at an address is imported in its format, with its progress", async () => {
  const contents = many(0, 900);
  const ndjson = contents.map((content) => JSON.stringify({ content })).join("\n");
  const csv = `content\n${contents.map((content) => `"${content}"`).join("\n")}\n""`;
  script.set("/a.txt", [() => new Response(contents.join("\n\n"))]);
  script.set("/a.ndjson", [
    () => new Response(ndjson, { headers: { "Content-Type": "application/octet-stream" } }),
  ]);
  script.set("/a.md", [
    () => new Response(gzipSync(contents.join("\n\n")), { headers: { "Content-Encoding": "gzip" } }),
  ]);
  script.set("/a", [() => new Response(csv)]);
  for (const [path, format, rejected] of [
    ["/a.txt", undefined, 0],
    ["/a.ndjson", undefined, 0],
    ["/a.md", undefined, 0],
    ["/a", "csv", 1],
  ] as const) {
    const projectId = await createProject(ada);
    const job = await run(projectId, { url: at(path), ...(format ? { format } : {}) });
    expect(job).toMatchObject({ status: "succeeded", progress: { message: "900 paragraphs" } });
    expect({ ...(job.result as object) }).toMatchObject({
      accepted: 900,
      rejected_count: rejected,
      analysis_job_id: ID,
    });
    expect(await contentsOf(projectId)).toEqual(contents);
  }
});

test("[TXT-87] an import whose source breaks off goes on behind what is stored, and doubles nothing", async () => {
  const projectId = await createProject(ada);
  const text = many(0, 1_000).join("\n\n");
  let isSent = false;
  const broken = () =>
    new Response(
      new ReadableStream({
        async pull(stream) {
          if (!isSent) {
            isSent = true;
            return stream.enqueue(Buffer.from(text.slice(0, -2_000)));
          }
          await until("two batches", async () => (await contentsOf(projectId)).length === 800);
          stream.error(new Error("the source has gone"));
        },
      }),
    );
  script.set("/broken.txt", [broken, () => new Response(text)]);
  const { id, error } = await run(projectId, { url: at("/broken.txt") }, isRetrying);
  expect(error).toEqual({
    code: "SOURCE_UNAVAILABLE",
    message: "The file could not be read: it cannot be reached.",
  });
  await server.db.sql`UPDATE jobs SET run_at = now() WHERE id = ${String(id)}`;
  server.kernel.jobs.wake("normal");
  const done = await until("the second attempt", async () => {
    const { body } = await ada.call("GET", `/jobs/${id}`);
    return body.status === "succeeded" ? body : undefined;
  });
  expect({ ...(done.result as object) }).toMatchObject({ accepted: 1_000 });
  expect(await contentsOf(projectId)).toEqual(many(0, 1_000));
});

test("[TXT-88] addresses that may not be called, and files that are not there, fail for good", async () => {
  const projectId = await createProject(ada);
  for (const url of [
    "http://127.0.0.1/",
    "http://2130706433/",
    "http://[::ffff:10.0.0.1]/",
    "ftp://example.com/",
  ]) {
    const { status, body } = await submit(projectId, { url });
    expect([url, status, body.errors]).toEqual([
      url,
      422,
      [{ path: "input.url", message: expect.any(String) }],
    ]);
  }
  script.set("/hop", [() => new Response("", { status: 302, headers: { Location: "http://localhost/" } })]);
  script.set("/utf16.txt", [() => new Response(Buffer.from("\ufeffone", "utf16le"))]);
  for (const [url, code] of [
    ["http://localhost/", "SOURCE_REFUSED"],
    [at("/hop"), "SOURCE_REFUSED"],
    [at("/missing"), "SOURCE_UNAVAILABLE"],
    [at("/utf16.txt"), "IMPORT_NOT_UTF8"],
  ] as const) {
    expect(await run(projectId, { url })).toMatchObject({ status: "failed", attempt: 1, error: { code } });
  }
  expect(await contentsOf(projectId)).toEqual([]);
});

test("[TXT-88] a source that fails is tried again, one whose circuit is open is waited for", async () => {
  const projectId = await createProject(ada);
  script.set("/busy.txt", [() => new Response("", { status: 503 })]);
  const failed = await run(projectId, { url: at("/busy.txt") }, isRetrying);
  expect(failed.error).toEqual({
    code: "SOURCE_UNAVAILABLE",
    message: "The file could not be read: it answered with status 503.",
  });
  await ada.call("POST", `/jobs/${failed.id}/cancel`);
  const { breakers } = server.kernel.outbound;
  for (let n = 0; n < 5; n++)
    await breakers
      .run(`http://${HOST}`, () => Promise.reject(new OutboundError("down")), projectId)
      .catch(() => {});
  const waiting = await run(projectId, { url: at("/open.txt") }, (body) => body.waits_for !== null);
  expect(waiting).toMatchObject({ attempt: 0, finished_at: null, waits_for: { code: "CIRCUIT_OPEN" } });
  expect(calls).not.toContain("/open.txt");
});
