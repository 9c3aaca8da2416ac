import { afterAll, beforeAll, expect, test } from "bun:test";
import { connect, type Socket } from "node:net";
import { newId } from "../../../kernel/ids/index.ts";
import { ID, listEvents } from "../../../testing/expectations.ts";
import { createProject, type Person, send, signUp } from "../../../testing/requests.ts";
import { openTestServer, type TestServer } from "../../../testing/server.ts";
import { until } from "../../../testing/until.ts";

let server: TestServer;
let ada: Person;
let port: number;
beforeAll(async () => {
  server = await openTestServer({ works: false });
  ada = await signUp(server);
  await server.kernel.http.start();
  port = Number(new URL(server.kernel.http.address() ?? "").port);
});
afterAll(() => server.stop());

const importInto = (projectId: string, body: unknown, type = "text/plain", headers = {}) =>
  ada.call("POST", `/paragraphs/import?project_id=${projectId}`, body, { "Content-Type": type, ...headers });

const contentsOf = async (projectId: string) =>
  (
    await server.db.sql<{ content: string }>`
      SELECT content FROM paragraphs WHERE project_id = ${projectId} ORDER BY id`
  ).map(({ content }) => content);

const eventsOf = async (projectId: string) => (await listEvents(server.db.sql, projectId)).slice(1);

/** Begins an upload over a socket of its own; what follows is up to the test. */
async function beginUpload(projectId: string, headers: string, type = "text/plain"): Promise<Socket> {
  const socket = connect(port, "127.0.0.1");
  await new Promise((resolve) => socket.once("connect", resolve));
  socket.write(
    `POST /api/v1/paragraphs/import?project_id=${projectId} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${ada.token}\r\nContent-Type: ${type}\r\n${headers}\r\n\r\n`,
  );
  return socket;
}

const manyParagraphs = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, index) => `Paragraph number ${from + index}.`);

test("[TXT-16] a file of any type becomes paragraphs in its order, announced in batches", async () => {
  const contents = manyParagraphs(0, 1_000);
  const files: [type: string, file: string][] = [
    ["text/plain", contents.join("\r\n\r\n")],
    ["text/markdown; charset=utf-8", contents.join("\n\n")],
    ["text/csv", `n,content\n${contents.map((content, n) => `${n},"${content}"`).join("\n")}`],
    ["application/x-ndjson", contents.map((content) => JSON.stringify({ content })).join("\n")],
  ];
  for (const [type, file] of files) {
    const projectId = await createProject(ada);
    const answer = await importInto(projectId, file, type);
    expect([type, answer.status]).toEqual([type, 202]);
    expect(answer.body).toEqual({ job_id: ID, accepted: 1_000, rejected_count: 0, rejected: [] });
    expect(await contentsOf(projectId)).toEqual(contents);
    const events = await eventsOf(projectId);
    expect(events.map(({ event, data }) => [event, (data.ids as string[]).length])).toEqual([
      ["paragraphs.created", 400],
      ["paragraphs.created", 400],
      ["paragraphs.created", 200],
    ]);
  }
});

test("[TXT-16] other types, character sets and queries are refused before the file is read", async () => {
  const cases: [path: string, type: string, status: number, code: string][] = [
    ["/paragraphs/import", "application/pdf", 415, "UNSUPPORTED_MEDIA_TYPE"],
    ["/paragraphs/import", "application/json", 415, "UNSUPPORTED_MEDIA_TYPE"],
    ["/paragraphs/import", "text/plain; charset=iso-8859-1", 415, "UNSUPPORTED_MEDIA_TYPE"],
    ["/paragraphs/import?project_id=mine", "text/plain", 422, "INVALID_INPUT"],
    ["/paragraphs/import?author=me", "text/plain", 422, "INVALID_INPUT"],
  ];
  for (const [path, type, status, code] of cases) {
    const answer = await ada.call("POST", path, "text", { "Content-Type": type });
    expect([path, type, answer.status, answer.body.code]).toEqual([path, type, status, code]);
  }
});

test("[TXT-16] while uploads wait for their bytes the database is free", async () => {
  const projectId = await createProject(ada);
  // Twice as many as there are connections.
  const sockets = await Promise.all(
    Array.from({ length: 8 }, () => beginUpload(projectId, "Content-Length: 100000")),
  );
  for (const socket of sockets) socket.write(`${manyParagraphs(0, 450).join("\n\n")}\n\nand`);
  await until("the first batches", async () => (await contentsOf(projectId)).length === 8 * 400);
  expect((await ada.call("GET", `/paragraphs?project_id=${projectId}`)).status).toBe(200);
  const [row] = await server.db.sql<{ open: number }>`
    SELECT count(*)::int AS open FROM pg_stat_activity
    WHERE datname = current_database() AND state = 'idle in transaction'`;
  expect(row?.open).toBe(0);
  for (const socket of sockets) socket.destroy();
});

test("[TXT-16] a large file is read no faster than it is stored, in constant memory", async () => {
  const projectId = await createProject(ada);
  const line = new TextEncoder().encode(`${"word ".repeat(2_000)}\n\n`.repeat(20));
  let made = 0;
  let ahead = 0;
  let most = 0;
  Bun.gc(true);
  const before = process.memoryUsage().heapUsed;
  const body = new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        if (made === 60_000_000) return controller.close();
        if (made % 10_000_000 === 0) {
          Bun.gc(true);
          most = Math.max(most, process.memoryUsage().heapUsed - before);
          const [row] = await server.db.sql<{ units: number }>`
            SELECT coalesce(sum(length), 0)::float8 AS units FROM paragraphs WHERE project_id = ${projectId}`;
          ahead = Math.max(ahead, made - (row?.units ?? 0));
        }
        controller.enqueue(line.slice());
        made += 200_000;
      },
    },
    { highWaterMark: 0 },
  );
  const answer = await server.fetch(
    new Request(`http://stoa.test/api/v1/paragraphs/import?project_id=${projectId}`, {
      method: "POST",
      headers: { "Content-Type": "text/plain", Authorization: `Bearer ${ada.token}` },
      body,
    }),
  );
  expect(await answer.json()).toMatchObject({ accepted: 6_000, rejected_count: 0 });
  expect([ahead < 3_000_000, most < 30_000_000]).toEqual([true, true]);
});

test("[TXT-20] a CSV without the column is answered, and nothing of it stored", async () => {
  const projectId = await createProject(ada);
  const answer = await importInto(projectId, "text,id\na,1\n", "text/csv");
  expect([answer.status, answer.body.code]).toEqual([422, "IMPORT_NO_CONTENT_COLUMN"]);
  expect([await contentsOf(projectId), await eventsOf(projectId)]).toEqual([[], []]);
});

test("[TXT-22] what is rejected is named by line and counted, and the rest is stored", async () => {
  const projectId = await createProject(ada);
  const file = [
    "content",
    "good",
    '""',
    "x".repeat(100_001),
    "a\0b",
    '"still',
    'good"',
    ...Array(150).fill('""'),
  ];
  const answer = await importInto(projectId, file.join("\n"), "text/csv");
  expect(answer.status).toBe(202);
  const { rejected, ...counts } = answer.body as { rejected: unknown[] };
  expect(counts).toEqual({ job_id: ID, accepted: 2, rejected_count: 153 });
  expect(rejected.slice(0, 4)).toEqual([
    { line: 3, code: "EMPTY_PARAGRAPH" },
    { line: 4, code: "PARAGRAPH_TOO_LONG" },
    { line: 5, code: "INVALID_TEXT" },
    { line: 8, code: "EMPTY_PARAGRAPH" },
  ]);
  expect(rejected).toHaveLength(100);
  expect(await contentsOf(projectId)).toEqual(["good", "still\ngood"]);
});

test("[TXT-22] a file of which nothing is accepted has its reasons, and no job", async () => {
  const projectId = await createProject(ada);
  const answer = await importInto(projectId, Buffer.from("\xe9t\xe9", "latin1"));
  expect([answer.status, answer.body]).toEqual([
    202,
    { job_id: null, accepted: 0, rejected_count: 1, rejected: [{ line: 1, code: "INVALID_UTF8" }] },
  ]);
  expect(await eventsOf(projectId)).toEqual([]);
});

test("[TXT-23] an empty file and one in UTF-16 are refused", async () => {
  const projectId = await createProject(ada);
  const files: [body: unknown, code: string][] = [
    ["", "IMPORT_EMPTY"],
    ["\ufeff\n \r\n\t\n", "IMPORT_EMPTY"],
    [Buffer.from("\ufeffone\n\ntwo", "utf16le"), "IMPORT_NOT_UTF8"],
  ];
  for (const [body, code] of files) {
    const answer = await importInto(projectId, body);
    expect([answer.status, answer.body.code]).toEqual([422, code]);
  }
  expect(await contentsOf(projectId)).toEqual([]);
});

for (const [how, headers, frame] of [
  ["a declared length", "Content-Length: 1000000", (text: string) => text],
  [
    "chunks",
    "Transfer-Encoding: chunked",
    (text: string) => `${Buffer.byteLength(text).toString(16)}\r\n${text}\r\n`,
  ],
] as const) {
  test(`[TXT-24] an upload with ${how} that is cut off leaves what was stored and a failed job`, async () => {
    const projectId = await createProject(ada);
    const socket = await beginUpload(projectId, headers);
    socket.write(frame(`${manyParagraphs(0, 1_000).join("\n\n")}\n\nand then it was c`));
    await until("two batches", async () => (await contentsOf(projectId)).length === 800);
    socket.destroy();
    const [job] = await until("the record", async () => {
      const found = await server.db.sql<{ id: string }>`
        SELECT id FROM finished_jobs WHERE project_id = ${projectId} AND task = 'texts.import'`;
      return found.length > 0 ? found : undefined;
    });
    expect((await ada.call("GET", `/jobs/${job?.id}`)).body).toMatchObject({
      status: "failed",
      created_by: ada.userId,
      error: { code: "IMPORT_TRUNCATED", message: expect.stringMatching(/800 .* line 1599, and 0 /) },
      result: { accepted: 800, rejected_count: 0, last_line: 1_599 },
    });
    expect(await contentsOf(projectId)).toEqual(manyParagraphs(0, 800));
    expect(await eventsOf(projectId)).toHaveLength(2);
  });
}

test("[TXT-25] the same file under one key is stored once, and again when it was cut off before", async () => {
  const projectId = await createProject(ada);
  const file = manyParagraphs(0, 900).join("\n\n");
  const headers = { "Idempotency-Key": newId() };
  const first = await importInto(projectId, file, "text/plain", headers);
  const second = await importInto(projectId, file, "text/plain", headers);
  expect([first.status, second.status, second.body]).toEqual([202, 202, first.body]);
  expect(second.headers.get("Idempotency-Replayed")).toBe("true");
  expect(await contentsOf(projectId)).toHaveLength(900);
  const other = await importInto(projectId, `${file}\n\nmore`, "text/plain", headers);
  expect([other.status, other.body.code]).toEqual([422, "IDEMPOTENCY_KEY_REUSED"]);

  const key = newId();
  const cut = await createProject(ada);
  const socket = await beginUpload(cut, `Content-Length: 100000\r\nIdempotency-Key: ${key}`);
  socket.write(file);
  await until("two batches", async () => (await contentsOf(cut)).length === 800);
  socket.destroy();
  const again = await until("the key to be free", async () => {
    const answer = await importInto(cut, file, "text/plain", { "Idempotency-Key": key });
    return answer.status === 202 && answer;
  });
  expect(again.body.accepted).toBe(900);
});

test("[TXT-15] an import needs somebody who is signed in", async () => {
  const answer = await send(server, "POST", "/paragraphs/import", {
    body: "a text",
    headers: { "Content-Type": "text/plain" },
  });
  expect(answer.status).toBe(401);
});
