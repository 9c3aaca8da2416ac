import { afterAll, beforeAll, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { readdir } from "node:fs/promises";
import { connect } from "node:net";
import { join } from "node:path";
import { z } from "zod";
import { newId } from "../../kernel/ids/index.ts";
import { PermanentJobError } from "../../kernel/jobs/index.ts";
import { testDataDirectory } from "../../testing/data-directory.ts";
import { ID, listEvents, TIME } from "../../testing/expectations.ts";
import { type Answer, createProject, type Person, share, signUp } from "../../testing/requests.ts";
import { openTestServer, type TestServer } from "../../testing/server.ts";
import { until } from "../../testing/until.ts";

let server: TestServer;
let ada: Person;
let ben: Person;
let port: number;
let projectId: string;
beforeAll(async () => {
  const environment = { FILE_MAX_MB: "2", PROJECT_FILES_MAX_MB: "4", PUBLIC_URL: "https://stoa.example" };
  server = await openTestServer({ environment });
  [ada, ben] = [await signUp(server), await signUp(server)];
  projectId = await createProject(ada);
  await share(ada, projectId, ben, "collaborator");
  server.kernel.jobs.register({
    name: "test.result",
    input: z.strictObject({ bytes: z.int(), isPermanent: z.boolean().default(false) }),
    forUsers: { description: "Gives a text of so many bytes." },
    async run({ bytes, isPermanent }) {
      if (isPermanent) throw new PermanentJobError("NO", "No.");
      return { text: "x".repeat(bytes) };
    },
  });
  await server.kernel.http.start();
  port = Number(new URL(server.kernel.http.address() ?? "").port);
});
afterAll(() => server.stop());

const bytes = (length: number) => new Uint8Array(length).map((_, index) => index % 251);

function upload(
  who: Person,
  query: string,
  body: unknown,
  headers: Record<string, string> = {},
): Promise<Answer> {
  return who.call("POST", `/files?project_id=${projectId}${query}`, body, {
    "Content-Type": "text/plain",
    ...headers,
  });
}

/** The answer itself: it is no JSON. */
function download(
  who: Person,
  id: unknown,
  headers: Record<string, string> = {},
  method = "GET",
): Promise<Response> {
  return server.fetch(
    new Request(`http://stoa.test/api/v1/files/${id}/content`, {
      method,
      headers: { Authorization: `Bearer ${who.token}`, ...headers },
    }),
  );
}

async function unfinished(): Promise<string[]> {
  return readdir(join(testDataDirectory(), "files", "unfinished")).catch(() => []);
}

test("[WRK-80] a file of any type is stored as it was sent", async () => {
  const body = bytes(300_000);
  const answer = await upload(ben, "&name=Ein%20L%C3%B6we.png&keep_days=3", body, {
    "Content-Type": "image/png",
  });
  expect(answer.status).toBe(201);
  expect(answer.body).toEqual({
    id: ID,
    project_id: projectId,
    owner_id: ben.userId,
    name: "Ein Löwe.png",
    size: 300_000,
    sha256: createHash("sha256").update(body).digest("hex"),
    content_type: "image/png",
    created_at: TIME,
    expires_at: TIME,
    url: `https://stoa.example/api/v1/files/${answer.body.id}/content`,
  });
  const read = await download(ada, answer.body.id);
  expect(Buffer.compare(await read.bytes(), body)).toBe(0);
  expect((await ada.call("GET", `/files/${answer.body.id}`)).body).toEqual(answer.body);
  const nothing = await server.fetch(
    new Request(`http://stoa.test/api/v1/files?project_id=${projectId}`, {
      method: "POST",
      headers: { Authorization: `Bearer ${ben.token}` },
    }),
  );
  expect(await nothing.json()).toMatchObject({
    size: 0,
    name: "file",
    content_type: "application/octet-stream",
  });
});

test.each([
  ["a declared length", "Content-Length: 100000", ""],
  ["chunks", "Transfer-Encoding: chunked", "ffff\r\n"],
])("[WRK-80] a truncated upload with %s leaves nothing", async (_how, header, lead) => {
  const place = await createProject(ada);
  const socket = connect(port, "127.0.0.1");
  await new Promise((resolve) => socket.once("connect", resolve));
  socket.write(
    `POST /api/v1/files?project_id=${place} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${ada.token}\r\nContent-Type: a/b\r\n${header}\r\n\r\n${lead}${"x".repeat(50_000)}`,
  );
  await until("the upload to have begun", async () => (await unfinished()).length > 0);
  socket.destroy();
  await until("it to be gone", async () => (await unfinished()).length === 0);
  const { body } = await ada.call("GET", `/files?project_id=${place}`);
  expect(body).toEqual({ items: [], next_cursor: null });
  expect((await listEvents(server.db.sql, place)).map(({ event }) => event)).toEqual(["project.created"]);
});

test("[WRK-81] files are listed newest first, page by page, each project's its own", async () => {
  const place = await createProject(ada);
  const ids: unknown[] = [];
  for (let n = 0; n < 5; n++)
    ids.unshift((await ada.call("POST", `/files?project_id=${place}&name=${n}`, "x")).body.id);
  const first = await ada.call("GET", `/files?project_id=${place}&limit=3`);
  const second = await ada.call("GET", `/files?project_id=${place}&limit=3&cursor=${first.body.next_cursor}`);
  const listed = [first, second].flatMap(({ body }) => body.items as { id: string }[]);
  expect(listed.map(({ id }) => id as unknown)).toEqual(ids);
  expect(second.body.next_cursor).toBeNull();
});

test("[WRK-82] what is sent as a page is downloaded as a file", async () => {
  const { body } = await upload(ada, "&name=a%22b%27%25%20%E2%82%AC.html", "<script>alert(1)</script>", {
    "Content-Type": "text/html; charset=utf-8",
  });
  const { headers } = await download(ada, body.id);
  expect(headers.get("Content-Disposition")).toBe(
    "attachment; filename=\"a_b'_ _.html\"; filename*=UTF-8''a%22b%27%25%20%E2%82%AC.html",
  );
  expect(headers.get("Content-Type")).toBe("text/html; charset=utf-8");
  expect(headers.get("X-Content-Type-Options")).toBe("nosniff");
  expect(headers.get("Content-Security-Policy")).toStartWith("default-src 'none'");
});

test("[WRK-82] no name is a path or hides what it is, and no type begins a header", async () => {
  for (const name of ["..%2Fa", "a%5Cb", "..", ".", "", "a%0Ab", "a%E2%80%AEgpj.exe", "x".repeat(201)]) {
    const answer = await upload(ada, `&name=${name}`, "x");
    expect([name, answer.status]).toEqual([name, 422]);
  }
  for (const type of ["nonsense", "*/*", "text/html\u00e9", "a/b; c"]) {
    const { body } = await upload(ada, "", "x", { "Content-Type": type });
    expect([type, body.content_type]).toEqual([type, "application/octet-stream"]);
  }
  for (const days of ["0", "-1", "1.5", "4000", "many"])
    expect((await upload(ada, `&keep_days=${days}`, "x")).status).toBe(422);
});

test("[WRK-83] a part is what was asked for, and says where it stands", async () => {
  const { body } = await upload(ada, "", "0123456789");
  const cases: [range: string, status: number, text: string, part: string | null][] = [
    ["bytes=0-3", 206, "0123", "bytes 0-3/10"],
    ["bytes=7-", 206, "789", "bytes 7-9/10"],
    ["bytes=-2", 206, "89", "bytes 8-9/10"],
    ["bytes=-20", 206, "0123456789", "bytes 0-9/10"],
    ["bytes=9-99", 206, "9", "bytes 9-9/10"],
    ["bytes=0-1,3-4", 200, "0123456789", null],
    ["bytes=5-2", 200, "0123456789", null],
    ["lines=1-2", 200, "0123456789", null],
    ["bytes=-", 200, "0123456789", null],
  ];
  for (const [range, status, text, part] of cases) {
    const answer = await download(ada, body.id, { Range: range });
    expect([range, answer.status, await answer.text(), answer.headers.get("Content-Range")]).toEqual([
      range,
      status,
      text,
      part,
    ]);
    expect(answer.headers.get("Content-Length")).toBe(String(text.length));
  }
  for (const range of ["bytes=10-", "bytes=99-100", "bytes=-0"]) {
    const answer = await download(ada, body.id, { Range: range });
    expect([range, answer.status, answer.headers.get("Content-Range")]).toEqual([range, 416, "bytes */10"]);
  }
});

test("[WRK-83] who has the bytes is told so, and a range of another file is not given", async () => {
  const { body } = await upload(ada, "", "0123456789");
  const etag = `"${body.sha256}"`;
  for (const tags of [etag, `W/${etag}`, `"other", ${etag}`, "*"]) {
    const answer = await download(ada, body.id, { "If-None-Match": tags });
    expect([tags, answer.status, await answer.text(), answer.headers.get("ETag")]).toEqual([
      tags,
      304,
      "",
      etag,
    ]);
  }
  expect((await download(ada, body.id, { "If-None-Match": '"other"' })).status).toBe(200);
  const ranged = (tag: string) => download(ada, body.id, { Range: "bytes=0-1", "If-Range": tag });
  expect([(await ranged(etag)).status, (await ranged('"other"')).status]).toEqual([206, 200]);
  const head = await download(ada, body.id, {}, "HEAD");
  expect([head.status, await head.text(), head.headers.get("Content-Length")]).toEqual([200, "", "10"]);
});

test("[WRK-83] a download over a socket resumes where it was cut off", async () => {
  const sent = bytes(2_000_000);
  const { body } = await upload(ada, "", sent);
  const url = `http://127.0.0.1:${port}/api/v1/files/${body.id}/content`;
  const headers = { Authorization: `Bearer ${ada.token}` };
  const begun = await fetch(url, { headers });
  const reader = begun.body?.getReader();
  const first = (await reader?.read())?.value ?? new Uint8Array();
  await reader?.cancel();
  expect(begun.headers.get("Content-Length")).toBe("2000000");
  const rest = await fetch(url, { headers: { ...headers, Range: `bytes=${first.length}-` } });
  const left = 2_000_000 - first.length;
  expect([rest.status, rest.headers.get("Content-Length")]).toEqual([206, String(left)]);
  const unmeant: Record<string, string>[] = [
    { Range: "bytes=0-1", "If-Range": '"other"' },
    { Range: "bytes=0-1,5-6" },
  ];
  for (const more of unmeant) {
    const whole = await fetch(url, { headers: { ...headers, ...more } });
    expect([whole.status, (await whole.bytes()).length]).toEqual([200, 2_000_000]);
  }
  expect(Buffer.compare(Buffer.concat([first, await rest.bytes()]), sent)).toBe(0);
  await ada.call("DELETE", `/files/${body.id}`);
});

test("[WRK-84] the sender and the owner delete a file, another collaborator does not", async () => {
  const carl = await signUp(server);
  await share(ada, projectId, carl, "collaborator");
  const ids = [await upload(ben, "", "one"), await upload(ben, "", "two")].map(({ body }) => body.id);
  const refused = await carl.call("DELETE", `/files/${ids[0]}`);
  expect([refused.status, refused.body.code]).toEqual([403, "PROJECT_FORBIDDEN"]);
  expect((await ben.call("DELETE", `/files/${ids[0]}`)).status).toBe(204);
  expect((await ada.call("DELETE", `/files/${ids[1]}`)).status).toBe(204);
  for (const id of ids) {
    expect((await download(ada, id)).status).toBe(404);
    expect((await ada.call("DELETE", `/files/${id}`)).body.code).toBe("FILE_NOT_FOUND");
  }
  // Who sent a file and may only look on now is one who looks on.
  const { body } = await upload(carl, "", "three");
  await ada.call("PATCH", `/projects/${projectId}/collaborators/${carl.userId}`, { role: "viewer" });
  expect((await carl.call("DELETE", `/files/${body.id}`)).status).toBe(403);
});

test("[WRK-85] what is too large is refused, with and without a length, and two at once to the byte", async () => {
  const place = await createProject(ada);
  const path = `/files?project_id=${place}`;
  const declared = await ada.call("POST", path, bytes(2_097_153));
  expect([declared.status, declared.body.code]).toEqual([413, "FILE_TOO_LARGE"]);
  const streamed = await server.fetch(
    new Request(`http://stoa.test/api/v1${path}`, {
      method: "POST",
      headers: { Authorization: `Bearer ${ada.token}` },
      body: new Blob([bytes(2_097_153)]).stream(),
    }),
  );
  expect([streamed.status, (await streamed.json()) as unknown]).toMatchObject([
    413,
    { code: "FILE_TOO_LARGE" },
  ]);
  const largest = bytes(2_097_152);
  expect((await ada.call("POST", path, largest)).status).toBe(201);
  const both = await Promise.all([ada.call("POST", path, largest), ada.call("POST", path, largest)]);
  expect(both.map(({ status }) => status).sort()).toEqual([201, 409]);
  expect(both.find(({ status }) => status === 409)?.body.code).toBe("FILES_FULL");
  const events = await listEvents(server.db.sql, place);
  expect(events.map(({ event }) => event)).toEqual(["project.created", "file.created", "file.created"]);
  expect(await unfinished()).toEqual([]);
});

async function run(input: object): Promise<Record<string, unknown>> {
  const { body } = await ada.call("POST", "/jobs", { task: "test.result", input, project_id: projectId });
  return until("the end of the job", async () => {
    const job = (await ada.call("GET", `/jobs/${body.id}`)).body;
    return job.finished_at !== null && job;
  });
}

test("[WRK-86] a result beyond 1 MiB is a file, and one beyond what a file may have fails", async () => {
  const small = await run({ bytes: 1_048_500 });
  expect(JSON.stringify(small.result).length).toBe(1_048_511);
  const large = await run({ bytes: 1_048_576 });
  const size = 1_048_576 + 11;
  const { file_id: id } = large.result as Record<string, unknown>;
  expect(large.result).toEqual({ file_id: ID, url: `https://stoa.example/api/v1/files/${id}/content`, size });
  const read = await download(ben, id);
  expect(await read.json()).toEqual({ text: "x".repeat(1_048_576) });
  const { body } = await ada.call("GET", `/files/${id}`);
  expect(body).toMatchObject({
    name: "test.result.json",
    owner_id: ada.userId,
    content_type: "application/json",
  });
  const days = (Date.parse(String(body.expires_at)) - Date.parse(String(body.created_at))) / 86_400_000;
  expect(Math.round(days)).toBe(31);
  const huge = await run({ bytes: 3_000_000 });
  expect([huge.status, huge.error]).toMatchObject(["failed", { code: "JOB_RESULT_TOO_LARGE" }]);
});

test("[WRK-87] the same file under one key is stored once", async () => {
  const headers = { "Idempotency-Key": newId() };
  const [first, again] = [await upload(ada, "", "once", headers), await upload(ada, "", "once", headers)];
  expect([again.status, again.body, again.headers.get("Idempotency-Replayed")]).toEqual([
    201,
    first.body,
    "true",
  ]);
  expect((await upload(ada, "", "other", headers)).body.code).toBe("IDEMPOTENCY_KEY_REUSED");
});

test("[WRK-89] sending and deleting are events, and what a project held is erased with it", async () => {
  const place = await createProject(ada);
  const path = `/files?project_id=${place}&name=a.txt`;
  const { body } = await ada.call("POST", path, "one", { "Content-Type": "text/plain" });
  const gone = await ada.call("POST", path, "two");
  await ada.call("DELETE", `/files/${gone.body.id}`);
  const events = await listEvents(server.db.sql, place);
  expect(events.slice(1).map(({ event, subject, data }) => [event, subject, data])).toEqual([
    ["file.created", String(body.id), { name: "a.txt", size: 3, content_type: "text/plain" }],
    ["file.created", String(gone.body.id), { name: "a.txt", size: 3, content_type: "application/json" }],
    ["file.deleted", String(gone.body.id), {}],
  ]);
  await ada.call("DELETE", `/projects/${place}`);
  expect((await download(ada, body.id)).status).toBe(404);
  await server.db.sql`UPDATE projects SET deleted_at = now() - interval '31 days' WHERE id = ${place}`;
  await server.db.sql`UPDATE jobs SET run_at = now() WHERE task = 'projects.erase'`;
  await until("the erasing", async () => {
    const rows = await server.db.sql`SELECT 1 FROM files WHERE project_id = ${place}`;
    return rows.length === 0;
  });
});
