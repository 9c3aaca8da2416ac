import { afterAll, beforeAll, expect, test } from "bun:test";
import { readConfig } from "../../../kernel/config/index.ts";
import { newId } from "../../../kernel/ids/index.ts";
import { ID, listEvents, TIME } from "../../../testing/expectations.ts";
import { createProject, type Person, signUp } from "../../../testing/requests.ts";
import { openTestServer, type TestServer } from "../../../testing/server.ts";
import { until } from "../../../testing/until.ts";

interface Page {
  readonly text: string | Uint8Array<ArrayBuffer>;
  readonly type?: string;
  readonly status?: number;
  readonly headers?: Record<string, string>;
}
/** What the source gives, by path. */
const pages = new Map<string, Page>();
const gate = Promise.withResolvers<void>();
let calls = 0;
let agent = "";
const source = Bun.serve({
  hostname: "127.0.0.1",
  port: 0,
  fetch(request): Response {
    calls++;
    agent = request.headers.get("user-agent") ?? "";
    const { pathname } = new URL(request.url);
    if (pathname === "/slow") return new Response(new ReadableStream({ pull: () => gate.promise }));
    const page = pages.get(pathname);
    if (!page) return new Response("gone", { status: 404 });
    const { text, type = "text/plain", status = 200, headers = {} } = page;
    return new Response(text, { status, headers: { "Content-Type": type, ...headers } });
  },
});
const HOST = `127.0.0.1:${source.port}`;
const at = (path: string) => `http://${HOST}${path}`;

let server: TestServer;
let ada: Person;
beforeAll(async () => {
  server = await openTestServer({
    works: false,
    environment: { OUTBOUND_ALLOWED_HOSTS: HOST, PUBLIC_URL: "https://stoa.test" },
  });
  ada = await signUp(server);
});
afterAll(async () => {
  gate.resolve();
  await server.stop();
  await source.stop(true);
});

const fetchText = (projectId: string, url?: string, headers?: Record<string, string>) =>
  ada.call("POST", "/paragraphs/fetch", { project_id: projectId, ...(url ? { url } : {}) }, headers);
type Shown = { id: string; content: string };
const shown = (body: Record<string, unknown>) => (body.paragraphs as Shown[]).map(({ content }) => content);
const ids = (body: Record<string, unknown>) => (body.paragraphs as Shown[]).map(({ id }) => id);
const countOf = async (projectId: string) =>
  (await server.db.sql`SELECT 1 FROM paragraphs WHERE project_id = ${projectId}`).length;

test("[TXT-80] without an address the server's text source is read, and its paragraphs are stored", async () => {
  const projectId = await createProject(ada);
  expect(() => readConfig({ TEXT_SOURCE_URL: "metaphorpsum" })).toThrow("TEXT_SOURCE_URL must be an http://");
  const { status, body } = await fetchText(projectId);
  expect([status, body]).toEqual([
    201,
    {
      paragraphs: ["The first paragraph of the source.", "The second one, and the last."].map((content) => ({
        id: ID,
        project_id: projectId,
        author_id: ada.userId,
        post_id: null,
        source: "fetch",
        content,
        lang: null,
        status: "pending",
        word_count: null,
        created_at: TIME,
      })),
      job_id: ID,
    },
  ]);
  const [, created] = await listEvents(server.db.sql, projectId);
  expect(created).toMatchObject({ event: "paragraphs.created", data: { ids: ids(body) } });
});

test("[TXT-80] text, Markdown, HTML and feeds are read from an address, and its server is told who asks", async () => {
  const rss =
    "<rss version='2.0'><channel><title>T</title><item><title>A</title><description>b</description></item></channel></rss>";
  pages.set("/a", { text: "one\nline\n\ntwo" });
  pages.set("/a.md", { text: "# Head\nText" });
  pages.set("/a.html", { text: "<p>One.</p><p>Two.</p>", type: "text/html" });
  pages.set("/feed", { text: rss, type: "application/rss+xml" });
  const projectId = await createProject(ada);
  for (const [path, contents] of [
    ["/a", ["one line", "two"]],
    ["/a.md", ["# Head", "Text"]],
    ["/a.html", ["One.", "Two."]],
    ["/feed", ["A", "b"]],
  ] as const) {
    const { status, body } = await fetchText(projectId, at(path));
    expect([path, status, shown(body)]).toEqual([path, 201, [...contents]]);
  }
  expect(agent).toMatch(/^Stoa\/\d+\.\d+\.\d+ \(\+https:\/\/stoa\.test\)$/);
});

test("[TXT-82] the same text again is the same paragraphs; what is new or was deleted is stored", async () => {
  const projectId = await createProject(ada);
  pages.set("/again", { text: "one\n\ntwo\n\none" });
  const first = (await fetchText(projectId, at("/again"))).body;
  const second = (await fetchText(projectId, `${at("/again")}#part`)).body;
  expect(ids(second)).toEqual(ids(first));
  expect([shown(second), second.job_id, await countOf(projectId)]).toEqual([["one", "two", "one"], null, 3]);
  pages.set("/again", { text: "zero\n\none\n\ntwo" });
  const third = (await fetchText(projectId, at("/again"))).body;
  expect([shown(third), ids(third).slice(1)]).toEqual([["zero", "one", "two"], ids(first).slice(0, 2)]);
  await ada.call("DELETE", `/paragraphs/${ids(first)[1]}`);
  const fourth = (await fetchText(projectId, at("/again"))).body;
  expect(shown(fourth)).toEqual(["zero", "one", "two"]);
  expect(ids(fourth)[2]).not.toBe(ids(first)[1]);
  // Another address and another project have paragraphs of their own.
  pages.set("/other", { text: "one" });
  expect(ids(first)).not.toContain(ids((await fetchText(projectId, at("/other"))).body)[0]);
  const elsewhere = await createProject(ada);
  expect((await fetchText(elsewhere, at("/again"))).body.job_id).toEqual(ID);
});

test("[TXT-82] asked several times at once it is stored once, and under one key answered once", async () => {
  const projectId = await createProject(ada);
  pages.set("/race", { text: "a\n\nb\n\nc" });
  const answers = await Promise.all(Array.from({ length: 6 }, () => fetchText(projectId, at("/race"))));
  expect(new Set(answers.map(({ body }) => String(ids(body)))).size).toBe(1);
  expect(await countOf(projectId)).toBe(3);
  const key = { "Idempotency-Key": newId() };
  const [one, two] = [
    await fetchText(projectId, at("/race"), key),
    await fetchText(projectId, at("/race"), key),
  ];
  expect([two.body, two.headers.get("Idempotency-Replayed")]).toEqual([one.body, "true"]);
});

test("[TXT-83] a source that is down is said so with 502, nothing is stored, and it is left alone after a while", async () => {
  const projectId = await createProject(ada);
  pages.set("/down", { text: "", status: 503 });
  pages.set("/large", { text: "word ".repeat(1_200_000) });
  const cases = [
    [at("/missing"), "it answered with status 404"],
    [at("/large"), "it answered with more than 5000000 bytes"],
    ...Array.from({ length: 4 }, () => [at("/down"), "it answered with status 503"] as const),
  ] as const;
  for (const [url, why] of cases) {
    const { status, body } = await fetchText(projectId, url);
    expect([status, body.code, body.detail]).toEqual([
      502,
      "SOURCE_UNAVAILABLE",
      `The source cannot be read just now: ${why}. Nothing was stored.`,
    ]);
  }
  const before = calls;
  const { status, body, headers } = await fetchText(projectId, at("/down"));
  expect([status, body.detail, calls]).toEqual([
    502,
    "The source cannot be read just now: it has failed too often and is left alone. Nothing was stored.",
    before,
  ]);
  expect(Number(headers.get("Retry-After"))).toBeWithin(1, 61);
  expect(await countOf(projectId)).toBe(0);
});

test("[TXT-84] addresses that may not be called are refused in any form, and nothing is sent", async () => {
  const projectId = await createProject(ada);
  const before = calls;
  const addresses =
    `http://127.0.0.1/ http://127.0.0.1:${Number(source.port) + 1}/ http://localhost/ http://localhost:${source.port}/
    http://2130706433/ http://0x7f.1/ http://0177.0.0.1/ http://[::1]/ http://[::ffff:127.0.0.1]/ http://10.0.0.1/
    http://192.168.1.1/ http://169.254.169.254/latest/meta-data http://100.64.0.1/ http://0.0.0.0/ http://[fd00::1]/
    http://[fe80::1]/ http://u:p@${HOST}/ ftp://${HOST}/ file:///etc/passwd not-an-address`.split(/\s+/);
  for (const url of addresses) {
    const { status, body } = await fetchText(projectId, url);
    expect([url, status, body.code]).toEqual([url, 422, "SOURCE_REFUSED"]);
  }
  expect(calls).toBe(before);
  for (const target of [
    "http://127.0.0.1/",
    "http://localhost/",
    "http://[::ffff:10.0.0.1]/",
    "file:///etc/passwd",
  ]) {
    pages.set("/hop", { text: "", status: 302, headers: { Location: target } });
    const { status, body } = await fetchText(projectId, at("/hop"));
    expect([target, status, body.code]).toEqual([target, 422, "SOURCE_REFUSED"]);
  }
  expect(await countOf(projectId)).toBe(0);
});

test("[TXT-85] what is no text, empty, too long or too much is refused, and nothing of it stored", async () => {
  const projectId = await createProject(ada);
  for (const [page, code] of [
    [{ text: "%PDF-1.7", type: "application/pdf" }, "SOURCE_NOT_READ"],
    [{ text: new Uint8Array([0, 1, 2]), type: "application/octet-stream" }, "SOURCE_NOT_READ"],
    [{ text: "<p>no feed", type: "application/xml" }, "SOURCE_NOT_READ"],
    [{ text: " \n\n " }, "SOURCE_EMPTY"],
    [{ text: "<p> </p>", type: "text/html" }, "SOURCE_EMPTY"],
    [{ text: `fine\n\n${"x".repeat(100_001)}` }, "PARAGRAPH_TOO_LONG"],
    [{ text: "a\n\n".repeat(1_001) }, "SOURCE_TOO_LONG"],
  ] as const) {
    pages.set("/wrong", page);
    const { status, body } = await fetchText(projectId, at("/wrong"));
    expect([status, body.code]).toEqual([422, code]);
  }
  expect(await countOf(projectId)).toBe(0);
});

test("[TXT-86] a server reads ten sources at once, and the eleventh is told to come again", async () => {
  const projectId = await createProject(ada);
  const before = calls;
  const leave = new AbortController();
  const slow = Array.from({ length: 10 }, () => {
    const body = JSON.stringify({ project_id: projectId, url: at("/slow") });
    const headers = { "Content-Type": "application/json", Authorization: `Bearer ${ada.token}` };
    const request = new Request("http://stoa.test/api/v1/paragraphs/fetch", {
      method: "POST",
      headers,
      body,
      signal: leave.signal,
    });
    return server.fetch(request).catch(() => undefined);
  });
  await until("ten that are read", () => calls === before + 10);
  const { status, body, headers } = await fetchText(projectId, at("/a"));
  expect([status, body.code, headers.get("Retry-After")]).toEqual([503, "SOURCE_BUSY", "5"]);
  // Whoever goes makes room.
  leave.abort();
  await Promise.all(slow);
  pages.set("/a", { text: "one" });
  expect((await fetchText(projectId, at("/a"))).status).toBe(201);
});
