import { afterAll, beforeAll, expect, test } from "bun:test";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { unzipSync } from "fflate";
import { testDataDirectory } from "../../../testing/data-directory.ts";
import { ID, TIME } from "../../../testing/expectations.ts";
import { createProject, type Person, share, signUp } from "../../../testing/requests.ts";
import { openTestServer, type TestServer } from "../../../testing/server.ts";
import { until } from "../../../testing/until.ts";
import { formats, type RecordPage } from "./formats.ts";

type Json = Record<string, unknown>;

let server: TestServer;
let ada: Person;
let ben: Person;
beforeAll(async () => {
  server = await openTestServer();
  [ada, ben] = [await signUp(server), await signUp(server)];
});
afterAll(() => server.stop());

const submit = (who: Person, projectId: string, input: object = {}) =>
  who.call("POST", "/jobs", { task: "project.export", input, project_id: projectId });

function ended(id: unknown): Promise<Json> {
  return until("the end of the export", async () => {
    const { body } = await ada.call("GET", `/jobs/${id}`);
    return body.finished_at !== null && body;
  });
}

async function download(fileId: unknown): Promise<Uint8Array> {
  const headers = { Authorization: `Bearer ${ada.token}` };
  const answer = await server.fetch(
    new Request(`http://stoa.test/api/v1/files/${fileId}/content`, { headers }),
  );
  expect(answer.status).toBe(200);
  return answer.bytes();
}

async function runExport(
  projectId: string,
  format: "zip" | "ndjson",
): Promise<{ job: Json; result: Json; bytes: Uint8Array }> {
  const job = await ended((await submit(ada, projectId, { format })).body.id);
  expect([job.status, job.error]).toEqual(["succeeded", null]);
  const result = job.result as Json;
  return { job, result, bytes: await download(result.file_id) };
}

const linesOf = (bytes: Uint8Array) =>
  new TextDecoder()
    .decode(bytes)
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as Json);

const ofType = (lines: readonly Json[], type: string) => lines.filter((line) => line.type === type);

async function made(projectId: string, path: string, body: Json): Promise<Json> {
  const answer = await ada.call("POST", path, { ...body, project_id: projectId });
  expect(answer.status).toBeLessThan(300);
  return answer.body;
}

/** One with something of each kind. */
async function furnish(): Promise<{ projectId: string; postId: string; otherId: string }> {
  const projectId = await createProject(ada, "Stoa Poikile");
  await share(ada, projectId, ben, "viewer");
  const { id } = await made(projectId, "/posts", { title: "First", body: "One.\n\nTwo.", path: "a/b.md" });
  await ada.call("PATCH", `/posts/${id}`, { body: "One.\n\nThree." });
  await ada.call("PATCH", `/posts/${id}`, { title: "Last" });
  const { id: otherId } = await made(projectId, "/posts", { title: "Other", body: "Four." });
  const { id: goneId } = await made(projectId, "/posts", { title: "Gone", body: "Five." });
  await ada.call("DELETE", `/posts/${goneId}`);
  const { id: collectionId } = await made(projectId, "/collections", { name: "Both" });
  for (const each of [otherId, id]) await ada.call("PUT", `/collections/${collectionId}/posts/${each}`);
  await made(projectId, "/paragraphs", { paragraphs: ["The whale. The “whale”!", "Ünïcödé 漢字"] });
  await until("all to be analysed", async () => {
    const { body } = await ada.call("GET", `/paragraphs?project_id=${projectId}&status=pending`);
    return (body.items as unknown[]).length === 0;
  });
  return { projectId, postId: String(id), otherId: String(otherId) };
}

test("[PRJ-70] an export holds all that the project does", async () => {
  const { projectId, postId, otherId } = await furnish();
  const { result, bytes } = await runExport(projectId, "ndjson");
  const lines = linesOf(bytes);
  expect(lines[0]).toEqual({
    type: "export",
    format_version: 1,
    project_id: projectId,
    exported_at: TIME,
    seq: result.seq,
  });
  expect(lines.at(-1)).toEqual({ type: "end", counts: result.counts });
  expect(ofType(lines, "project")).toMatchObject([
    { id: projectId, name: "Stoa Poikile", owner_id: ada.userId },
  ]);
  expect(ofType(lines, "collaborator")).toMatchObject([{ user_id: ben.userId, role: "viewer" }]);
  expect(ofType(lines, "post")).toMatchObject([
    { id: postId, version: 3, title: "Last", body: "One.\n\nThree.", path: "a/b.md", author_id: ada.userId },
    { id: otherId, version: 1, body: "Four.", path: null },
  ]);
  expect(
    ofType(lines, "post_version").map(({ post_id, version, title, body, editor_ids }) => [
      post_id,
      version,
      title,
      body,
      editor_ids,
    ]),
  ).toEqual([
    [postId, 1, "First", "One.\n\nTwo.", [ada.userId]],
    [postId, 2, "First", "One.\n\nThree.", [ada.userId]],
  ]);
  expect(ofType(lines, "collection")).toMatchObject([{ name: "Both", post_ids: [otherId, postId] }]);
  const paragraphs = ofType(lines, "paragraph").map(({ content, word_count }) => [content, word_count]);
  expect(paragraphs.sort()).toEqual([
    ["Four.", 1],
    ["One.", 1],
    ["The whale. The “whale”!", 4],
    ["Three.", 1],
    ["Ünïcödé 漢字", 2],
  ]);
  const { body } = await ada.call("GET", `/paragraphs?project_id=${projectId}`);
  const shown = (body.items as Record<string, unknown>[]).map((item) => ({ type: "paragraph", ...item }));
  expect(ofType(lines, "paragraph")).toEqual(shown.reverse());
  const events = ofType(lines, "event");
  expect(events.map(({ seq }) => seq)).toEqual(
    Array.from({ length: Number(result.seq) }, (_, index) => index + 1),
  );
  expect(events[0]).toMatchObject({ event: "project.created", actor_id: ada.userId });
  const { export: _, ...counted } = Object.groupBy(lines.slice(0, -1), (line: Json) => String(line.type));
  expect(result.counts).toEqual(
    Object.fromEntries(Object.entries(counted).map(([type, all]) => [type, all?.length])),
  );
});

test("[PRJ-70] a ZIP holds the same, a file of lines a kind, and lasts as long as the job", async () => {
  const { projectId } = await furnish();
  const { result, bytes } = await runExport(projectId, "zip");
  const lines = linesOf((await runExport(projectId, "ndjson")).bytes);
  const files = unzipSync(bytes);
  expect(Object.keys(files)).toEqual(
    [
      "export",
      "project",
      "collaborator",
      "paragraph",
      "post",
      "post_version",
      "collection",
      "event",
      "end",
    ].map((kind) => `${kind}.ndjson`),
  );
  for (const kind of ["project", "paragraph", "post", "post_version", "collection"]) {
    const records = linesOf(files[`${kind}.ndjson`] ?? new Uint8Array());
    expect(records.map((record): Json => ({ type: kind, ...record }))).toEqual(ofType(lines, kind));
  }
  expect(result).toEqual({
    file_id: ID,
    url: `http://localhost:0/api/v1/files/${result.file_id}/content`,
    size: bytes.length,
    sha256: new Bun.CryptoHasher("sha256").update(bytes).digest("hex"),
    seq: expect.any(Number),
    exported_at: TIME,
    counts: expect.any(Object),
  });
  const { body } = await ben.call("GET", `/files/${result.file_id}`);
  expect(body.name).toMatch(/^project-\d{4}-\d\d-\d\dT\d{6}\.zip$/);
  const days = (Date.parse(String(body.expires_at)) - Date.parse(String(body.created_at))) / 86_400_000;
  expect([body.owner_id, body.content_type, Math.round(days)]).toEqual([ada.userId, "application/zip", 31]);
});

test("[PRJ-70] others than the owner do not export, at once, by schedule, or by running it again", async () => {
  const projectId = await createProject(ada);
  const carl = await signUp(server);
  await share(ada, projectId, carl, "collaborator");
  const refused = async (asking: Promise<{ status: number; body: Json }>) => {
    const { status, body } = await asking;
    expect([status, body.code]).toEqual([403, "PROJECT_FORBIDDEN"]);
  };
  await refused(submit(carl, projectId));
  const schedule = { task: "project.export", cron: "@yearly", project_id: projectId };
  await refused(carl.call("POST", "/job-schedules", schedule));
  // Not before tomorrow, so that it can be cancelled.
  const later = {
    task: "project.export",
    project_id: projectId,
    run_at: new Date(Date.now() + 86_400_000).toISOString(),
  };
  const { body } = await ada.call("POST", "/jobs", later);
  await ada.call("POST", `/jobs/${body.id}/cancel`);
  await refused(carl.call("POST", `/jobs/${body.id}/retry`));
  // The owner hands the project over while his export waits.
  const waiting = await ada.call("POST", "/jobs", later);
  await ada.call("POST", `/projects/${projectId}/hand-over`, { user_id: carl.userId });
  await server.db.sql`UPDATE jobs SET run_at = now() WHERE id = ${waiting.body.id}`;
  const job = await ended(waiting.body.id);
  expect([job.status, job.error]).toMatchObject(["failed", { code: "PROJECT_FORBIDDEN" }]);
});

test("[PRJ-70] an archived project can be exported", async () => {
  const projectId = await createProject(ada);
  await ada.call("PATCH", `/projects/${projectId}`, { status: "archived" });
  const { bytes } = await runExport(projectId, "ndjson");
  expect(ofType(linesOf(bytes), "project")).toMatchObject([{ status: "archived" }]);
});

test("[PRJ-71] what comes while it is written is not in it, and posts are in the version they had", async () => {
  const { projectId, postId, otherId } = await furnish();
  // The export has its moment when it waits for this lock, to count.
  const [locked, gate] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const locking = server.db.transaction(
    async (tx) => {
      await tx`LOCK TABLE collections IN ACCESS EXCLUSIVE MODE`;
      locked.resolve();
      await gate.promise;
    },
    { pool: "long" },
  );
  await locked.promise;
  const id = (await submit(ada, projectId, { format: "ndjson" })).body.id;
  await until("the export to wait", async () => {
    const rows = await server.db.sql`
      SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`;
    return rows.length > 0;
  });
  await ada.call("PATCH", `/posts/${postId}`, { body: "Late." });
  await ada.call("PATCH", `/posts/${postId}`, { body: "Later." });
  await ada.call("DELETE", `/posts/${otherId}`);
  await made(projectId, "/paragraphs", { paragraphs: ["Late."] });
  await made(projectId, "/posts", { title: "Late", body: "Late." });
  gate.resolve();
  await locking;
  const result = (await ended(id)).result as Json;
  const lines = linesOf(await download(result.file_id));
  expect(JSON.stringify(lines)).not.toMatch(/Late/);
  expect(ofType(lines, "post")).toMatchObject([
    { id: postId, version: 3, title: "Last", body: "One.\n\nThree." },
    { id: otherId, version: 1 },
  ]);
  expect(ofType(lines, "post_version").map(({ version }) => version)).toEqual([1, 2]);
  expect(ofType(lines, "event").at(-1)?.seq).toBe(result.seq);
});

test("[PRJ-72] formats hold a page at a time, however many there are", async () => {
  const record = { content: "x".repeat(2_000), n: 0 };
  for (const format of [formats.ndjson, formats.zip]) {
    let given = 0;
    async function* pages(): AsyncGenerator<RecordPage> {
      for (; given < 60; given++)
        yield { kind: `kind${Math.floor(given / 30)}`, records: Array(250).fill(record) };
    }
    Bun.gc(true);
    const before = process.memoryUsage().heapUsed;
    let most = 0;
    for await (const _ of format.write(pages())) {
      if (given % 20 !== 0) continue;
      Bun.gc(true);
      most = Math.max(most, process.memoryUsage().heapUsed - before);
    }
    expect([format.ending, given, most < 6_000_000]).toEqual([format.ending, 60, true]);
  }
});

test("[PRJ-73] it tells its progress, and cancelled it leaves nothing", async () => {
  const projectId = await createProject(ada);
  const paragraphs = Array.from({ length: 1_000 }, (_, index) => `${index} ${"word ".repeat(1_500)}`);
  // Older than any that is made now.
  await server.db.sql`
    INSERT INTO paragraphs (id, project_id, author_id, content, length)
    SELECT overlay(gen_random_uuid()::text PLACING '00000000' FROM 1 FOR 8)::uuid, ${projectId}, ${ada.userId}, c, length(c)
    FROM unnest(${paragraphs}::text[]) AS c, generate_series(1, 6)`;
  const { body } = await submit(ada, projectId);
  const progress = await until("progress in the midst", async () => {
    const told = (await ada.call("GET", `/jobs/${body.id}`)).body.progress as Json | null;
    return told?.message === "paragraph" && told;
  });
  expect(Number(progress.total)).toBe(6_002);
  expect(Number(progress.done)).toBeGreaterThan(0);
  await ada.call("POST", `/jobs/${body.id}/cancel`);
  expect((await ended(body.id)).status).toBe("cancelled");
  const directory = join(testDataDirectory(), "files", "unfinished");
  await until("nothing to be left", async () => (await readdir(directory)).length === 0);
  expect((await ada.call("GET", `/files?project_id=${projectId}`)).body.items).toEqual([]);
});

test("[PRJ-73] what runs again under its id leaves one file", async () => {
  const projectId = await createProject(ada);
  const { job, result } = await runExport(projectId, "ndjson");
  // As after a crash before the end was written.
  await server.db.sql`UPDATE finished_jobs SET status = 'failed' WHERE id = ${job.id}`;
  expect((await ada.call("POST", `/jobs/${job.id}/retry`)).status).toBe(202);
  const again = (await ended(job.id)).result as Json;
  expect(again.file_id).not.toBe(result.file_id);
  const { body } = await ada.call("GET", `/files?project_id=${projectId}`);
  expect((body.items as Json[]).map(({ id }) => id)).toEqual([again.file_id]);
});

test("[PRJ-74] the audit trail says who exported what", async () => {
  const projectId = await createProject(ada);
  const { job, result } = await runExport(projectId, "zip");
  const { body } = await ada.call("GET", `/audit?project_id=${projectId}&action=project.exported`);
  expect(body.items).toMatchObject([
    {
      actor_id: ada.userId,
      subject: projectId,
      data: { job_id: job.id, file_id: result.file_id, format: "zip", seq: result.seq },
    },
  ]);
});
