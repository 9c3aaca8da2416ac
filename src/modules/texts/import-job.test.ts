import { afterAll, beforeAll, expect, test } from "bun:test";
import { newId } from "../../kernel/ids/index.ts";
import type { JobContext } from "../../kernel/jobs/index.ts";
import { silentLogger } from "../../kernel/telemetry/index.ts";
import { createChance } from "../../testing/chance.ts";
import { ID, listEvents } from "../../testing/expectations.ts";
import { createProject, type Person, share, signUp } from "../../testing/requests.ts";
import { openTestServer, type TestServer } from "../../testing/server.ts";
import { until } from "../../testing/until.ts";
import { createParagraphActions } from "./actions/paragraphs.ts";
import { createImportStream } from "./import-job.ts";
import { createAnalyseTask } from "./jobs.ts";
import { createTokenizer } from "./tokenizer/tokenizer.ts";
import { createWordIndex } from "./word-index/index.ts";

let server: TestServer;
let ada: Person;
beforeAll(async () => {
  server = await openTestServer();
  ada = await signUp(server);
});
afterAll(() => server.stop());

const paragraphs = (count: number) =>
  Array.from({ length: count }, (_, index) => `Paragraph number ${index}.`);

const contentsOf = async (projectId: string) =>
  (
    await server.db.sql<{ content: string }>`
      SELECT content FROM paragraphs WHERE project_id = ${projectId} ORDER BY id`
  ).map(({ content }) => content);

async function upload(projectId: string, text: string, query = "", type = "text/plain"): Promise<string> {
  const path = `/files?project_id=${projectId}${query}`;
  return String((await ada.call("POST", path, text, { "Content-Type": type })).body.id);
}

async function submit(projectId: string, input: object, who = ada): Promise<string> {
  const { status, body } = await who.call("POST", "/jobs", {
    task: "text.import",
    input,
    project_id: projectId,
  });
  expect(status).toBe(202);
  return String(body.id);
}

function ended(id: string): Promise<Record<string, unknown>> {
  return until("the end of the import", async () => {
    const { body } = await ada.call("GET", `/jobs/${id}`);
    return body.finished_at !== null && body;
  });
}

const runImport = async (projectId: string, input: object) => ended(await submit(projectId, input));

test("[TXT-100] a stored file becomes paragraphs in its order, those of whoever runs it", async () => {
  const projectId = await createProject(ada);
  const ben = await signUp(server);
  await share(ada, projectId, ben, "collaborator");
  const contents = paragraphs(1_000);
  const text = ["content", ...contents.slice(0, 500), '""', ...contents.slice(500)].join("\n");
  const file = await upload(projectId, text, "&name=a.csv", "text/csv");
  const job = await ended(await submit(projectId, { file_id: file }, ben));
  const rejected = [{ line: 502, code: "EMPTY_PARAGRAPH" }];
  expect(job.result).toEqual({ accepted: 1_000, rejected_count: 1, rejected, analysis_job_id: ID });
  expect(await contentsOf(projectId)).toEqual(contents);
  const authors = await server.db.sql<{ author_id: string }>`
    SELECT DISTINCT author_id FROM paragraphs WHERE project_id = ${projectId}`;
  expect(authors.map(({ author_id }) => author_id)).toEqual([ben.userId]);
  const events = await listEvents(server.db.sql, projectId);
  const created = events.filter(({ event }) => event === "paragraphs.created");
  expect(created.map(({ data, actor_id }) => [(data.ids as string[]).length, actor_id])).toEqual([
    [400, ben.userId],
    [400, ben.userId],
    [200, ben.userId],
  ]);
});

/** A run as a worker makes it, without the engine. */
function prepareRun() {
  const tokenizer = createTokenizer();
  const index = createWordIndex(tokenizer);
  const { db, kernel } = server;
  const analyseTask = createAnalyseTask({ db, events: kernel.events, index });
  const pace = { delayMs: () => 3_600_000, wake() {} };
  // The server's own, of which it needs one question.
  const projects = { access: async () => ({ role: "owner", isArchived: false }) as const };
  const actions = createParagraphActions({
    ...kernel,
    pace,
    projects,
    tokenizer,
    index,
    analyseTask,
    onCounted() {},
  });
  return createImportStream({ db, paragraphs: actions });
}

function contextOf(
  projectId: string,
  jobId: string,
  fence: JobContext["fence"] = async () => {},
): JobContext {
  return {
    jobId,
    attempt: 1,
    projectId,
    createdBy: ada.userId,
    signal: new AbortController().signal,
    log: silentLogger,
    fence,
    finish: async () => {},
    progress() {},
  };
}

/** In pieces of chance, cut off after `end` bytes as by a crash of the reader. */
async function* cutAt(bytes: Uint8Array, end: number, below: (limit: number) => number) {
  for (let from = 0; from < end; ) {
    const to = Math.min(end, from + 1 + below(20_000));
    yield bytes.slice(from, to);
    from = to;
  }
  if (end < bytes.length) throw new Error("killed");
}

test.each(["text/plain", "text/markdown", "text/csv", "application/x-ndjson"] as const)(
  "[TXT-101] an import of %s that is killed again and again stores each paragraph once",
  async (type) => {
    const chance = createChance(`kills of ${type}`);
    const projectId = await createProject(ada);
    const jobId = newId();
    const contents = paragraphs(3_000);
    const isLine = type === "application/x-ndjson";
    const lines = contents.map((content) => (isLine ? JSON.stringify({ content }) : content));
    // Something to reject now and then, so that pieces are more than paragraphs.
    for (let at = 0; at < lines.length; at += 300)
      lines[at] += isLine ? "\nnonsense" : `\n\n${"x".repeat(100_001)}\n`;
    const text = `${type === "text/csv" ? "content\n" : ""}${lines.join(isLine || type === "text/csv" ? "\n" : "\n\n")}`;
    const bytes = new TextEncoder().encode(text);
    const importStream = prepareRun();
    let kills = 0;
    for (let run = 0; run < 12; run++) {
      let left = chance.below(5);
      // Killed by the loss of the job within a transaction, or while it reads.
      const fence = async () => {
        if (--left < 0) throw new Error("killed");
      };
      const end = chance.below(bytes.length);
      const stream = { bytes: cutAt(bytes, end, chance.below), type, totalBytes: bytes.length };
      await importStream(stream, contextOf(projectId, jobId, fence)).catch((error) => {
        if (error.message !== "killed") throw error;
        kills++;
      });
    }
    expect(kills).toBe(12);
    const whole = { bytes: cutAt(bytes, bytes.length, chance.below), type, totalBytes: null };
    const result = await importStream(whole, contextOf(projectId, jobId));
    expect([result.accepted, result.rejected_count]).toEqual([3_000, 10]);
    expect(await contentsOf(projectId)).toEqual(contents);
    // A worker that died before it could tell that it was done.
    const again = { bytes: cutAt(bytes, bytes.length, chance.below), type, totalBytes: null };
    expect(await importStream(again, contextOf(projectId, jobId))).toEqual(result);
    expect(await contentsOf(projectId)).toHaveLength(3_000);
  },
  20_000,
);

test("[TXT-102] a file that has changed since the first run is not gone on with", async () => {
  const importStream = prepareRun();
  const jobId = newId();
  const projectId = await createProject(ada);
  const whole = paragraphs(1_000).join("\n\n");
  const run = (text: string, end: number) => {
    const bytes = new TextEncoder().encode(text);
    const stream = {
      bytes: cutAt(bytes, end || bytes.length, () => 5_000),
      type: "text/plain",
      totalBytes: null,
    } as const;
    return importStream(stream, contextOf(projectId, jobId)).catch((error) => error.code ?? error.message);
  };
  expect(await run(whole, whole.length - 10)).toBe("killed");
  expect(await contentsOf(projectId)).toHaveLength(800);
  expect(await run(whole.replace("number 7.", "number seven."), 0)).toBe("IMPORT_SOURCE_CHANGED");
  expect(await run(paragraphs(100).join("\n\n"), 0)).toBe("IMPORT_SOURCE_CHANGED");
  expect(await contentsOf(projectId)).toHaveLength(800);
  // What came after is another matter: nobody has read it yet.
  expect(await run(`${whole}\n\nMore.`, 0)).toMatchObject({ accepted: 1_001 });
});

test("[TXT-103] progress is told in bytes, and a cancelled import ends with what is stored", async () => {
  const projectId = await createProject(ada);
  const text = paragraphs(60_000).join("\n\n");
  const id = await submit(projectId, { file_id: await upload(projectId, text) });
  const seen = await until("the first progress", async () => {
    const { body } = await ada.call("GET", `/jobs/${id}`);
    return (body.progress ?? undefined) as { done: number; total: number; message: string } | undefined;
  });
  expect(seen.total).toBe(text.length);
  expect(seen.done > 0 && seen.done <= text.length).toBe(true);
  expect(seen.message).toMatch(/^\d+00 paragraphs$/);
  await ada.call("POST", `/jobs/${id}/cancel`);
  expect((await ended(id)).status).toBe("cancelled");
  const stored = await contentsOf(projectId);
  expect(stored.length % 400).toBe(0);
  expect(stored).toEqual(paragraphs(60_000).slice(0, stored.length));
});

test("[TXT-104] the format is that which is asked for, which the type names, or the ending", async () => {
  const cases: [type: string, name: string, format: string | undefined, accepted: number | string][] = [
    ["application/octet-stream", "a.md", undefined, 2],
    ["text/plain", "a.ndjson", undefined, "IMPORT_EMPTY"],
    ["text/plain; charset=utf-8", "a", undefined, 1],
    ["text/plain", "a.txt", "markdown", 2],
    ["text/markdown; charset=utf-8", "a.txt", undefined, 2],
    ["application/octet-stream", "a.bin", undefined, "IMPORT_FORMAT_UNKNOWN"],
    ["application/pdf", "a", "text", 1],
    ["text/csv", "a", undefined, "IMPORT_NO_CONTENT_COLUMN"],
  ];
  for (const [type, name, format, expected] of cases) {
    const projectId = await createProject(ada);
    const file = await upload(
      projectId,
      name.endsWith("ndjson") ? "\n" : "# One\ntwo",
      `&name=${name}`,
      type,
    );
    const job = await runImport(projectId, { file_id: file, ...(format ? { format } : {}) });
    const { accepted } = (job.result ?? {}) as { accepted?: number };
    const { code } = (job.error ?? {}) as { code?: string };
    expect([type, name, format, accepted ?? code]).toEqual([type, name, format, expected]);
    expect([job.status, job.attempt]).toEqual([code ? "failed" : "succeeded", 1]);
  }
});

test("[TXT-104] a file that is not there or of another project is none, and input is checked at once", async () => {
  const projectId = await createProject(ada);
  const elsewhere = await upload(await createProject(ada), "One.");
  for (const file of [newId(), elsewhere]) {
    const job = await runImport(projectId, { file_id: file });
    expect([job.status, job.error]).toMatchObject(["failed", { code: "FILE_NOT_FOUND" }]);
  }
  for (const input of [{}, { file_id: "nonsense" }, { file_id: newId(), format: "pdf" }, { url_: "x" }]) {
    const body = { task: "text.import", input, project_id: projectId };
    const answer = await ada.call("POST", "/jobs", body);
    expect([input, answer.status, answer.body.code]).toEqual([input, 422, "INVALID_INPUT"]);
  }
  const { body } = await ada.call("GET", "/job-tasks");
  const task = (body.items as { name: string }[]).find(({ name }) => name === "text.import");
  expect(task).toMatchObject({ input_schema: { properties: { file_id: {}, format: {} } } });
});

test("[TXT-105] whoever may write no more imports no more", async () => {
  const projectId = await createProject(ada);
  const ben = await signUp(server);
  await share(ada, projectId, ben, "collaborator");
  const file = await upload(projectId, paragraphs(60_000).join("\n\n"));
  const id = await submit(projectId, { file_id: file }, ben);
  await until("the first batch", async () => (await contentsOf(projectId)).length > 0);
  await ada.call("DELETE", `/projects/${projectId}/collaborators/${ben.userId}`);
  const stored = (await contentsOf(projectId)).length;
  const job = await ended(id);
  expect([job.status, job.error]).toMatchObject(["failed", { code: "PROJECT_NOT_FOUND" }]);
  expect(await contentsOf(projectId)).toHaveLength(stored);
});
