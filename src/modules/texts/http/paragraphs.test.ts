import { afterAll, beforeAll, expect, test } from "bun:test";
import { newId } from "../../../kernel/ids/index.ts";
import { ID, listEvents, TIME } from "../../../testing/expectations.ts";
import { type Answer, createProject, type Person, send, share, signUp } from "../../../testing/requests.ts";
import { openTestServer, type TestServer } from "../../../testing/server.ts";

let server: TestServer;
let ada: Person;
let ben: Person;
beforeAll(async () => {
  server = await openTestServer({ works: false });
  [ada, ben] = await Promise.all([signUp(server), signUp(server)]);
});
afterAll(() => server.stop());

const accepted = (answer: Answer) => answer.body as { paragraphs: { id: string }[]; job_id: string };
const idsOf = (answer: Answer) => accepted(answer).paragraphs.map(({ id }) => id);
const handIn = (project_id: string, ...paragraphs: string[]) =>
  ada.call("POST", "/paragraphs", { paragraphs, project_id });
const eventsSince = async (projectId: string, seq: number) =>
  (await listEvents(server.db.sql, projectId)).filter((event) => event.seq > seq);

test("[TXT-8] what is handed in is stored before the answer, in my order, with one job", async () => {
  const texts = ["First.", 'Second, “quoted” {a,"b"}\\n NULL', "第三 🐋\ttab\nline"];
  const answer = await ada.call("POST", "/paragraphs", { paragraphs: texts });
  const [ids, jobId] = [idsOf(answer), accepted(answer).job_id];
  const pending = { id: ID, status: "pending" };
  expect(answer).toMatchObject({
    status: 202,
    body: { paragraphs: [pending, pending, pending], job_id: ID },
  });
  for (const [place, id] of ids.entries()) {
    expect(await ada.call("GET", `/paragraphs/${id}`)).toMatchObject({
      status: 200,
      body: {
        id,
        project_id: ada.projectId,
        author_id: ada.userId,
        post_id: null,
        source: "direct",
        content: texts[place],
        lang: null,
        status: "pending",
        word_count: null,
        created_at: TIME,
      },
    });
  }
  // The job of a project that waits already takes on what comes after it.
  expect(accepted(await ada.call("POST", "/paragraphs", { paragraphs: ["More."] })).job_id).toBe(jobId);
  expect(await server.kernel.jobs.find(server.db.sql, jobId)).toMatchObject({
    task: "texts.analyse",
    status: "queued",
    projectId: ada.projectId,
    createdBy: ada.userId,
  });
});

test("[TXT-8] a thousand paragraphs, and the longest, are taken", async () => {
  const projectId = await createProject(ada);
  const many = Array.from({ length: 1_000 }, (_, number) => `Paragraph ${number}.`);
  const answer = await handIn(projectId, ...many);
  expect([answer.status, new Set(idsOf(answer)).size]).toEqual([202, 1_000]);
  expect([...idsOf(answer)].sort()).toEqual(idsOf(answer));
  const long = `${"ab ".repeat(33_333)}c`;
  const [id] = idsOf(await handIn(projectId, long));
  expect((await ada.call("GET", `/paragraphs/${id}`)).body.content).toBe(long);
});

test("[TXT-9] what cannot be a paragraph is refused by its place, and nothing is stored", async () => {
  const projectId = await createProject(ada);
  const cases: [body: unknown, status: number, code: string, path?: string][] = [
    [{ paragraphs: ["a", "b", "c", ""] }, 422, "INVALID_INPUT", "paragraphs.3"],
    [{ paragraphs: ["a", " \n\t\u00a0\u3000 "] }, 422, "INVALID_INPUT", "paragraphs.1"],
    [{ paragraphs: ["x".repeat(100_001)] }, 422, "INVALID_INPUT", "paragraphs.0"],
    [{ paragraphs: ["a\0b"] }, 422, "INVALID_TEXT", "paragraphs.0"],
    [`{"paragraphs":["a","\\ud800"],"project_id":"${projectId}"}`, 422, "INVALID_TEXT", "paragraphs.1"],
    [{ paragraphs: ["a", 7] }, 422, "INVALID_INPUT", "paragraphs.1"],
    [{ paragraphs: ["a", null] }, 422, "INVALID_INPUT", "paragraphs.1"],
    [{ paragraphs: [] }, 422, "INVALID_INPUT", "paragraphs"],
    [{ paragraphs: Array.from({ length: 1_001 }, () => "a") }, 422, "INVALID_INPUT", "paragraphs"],
    [{ paragraphs: "a" }, 422, "INVALID_INPUT", "paragraphs"],
    [{}, 422, "INVALID_INPUT", "paragraphs"],
    [{ paragraphs: ["a"], title: "b" }, 422, "INVALID_INPUT", "title"],
    [{ paragraphs: ["a"], project_id: "mine" }, 422, "INVALID_INPUT", "project_id"],
    ['{"paragraphs":["a"]', 400, "INVALID_JSON"],
    [Buffer.from('{"paragraphs":["\xff"]}', "latin1"), 400, "INVALID_JSON"],
    [`{"paragraphs":["${"x".repeat(8 * 1024 * 1024)}"]}`, 413, "BODY_TOO_LARGE"],
  ];
  for (const [body, status, code, path] of cases) {
    const inProject =
      typeof body === "object" && !Buffer.isBuffer(body) && !("project_id" in (body as object));
    const answer = await ada.call(
      "POST",
      "/paragraphs",
      inProject ? { project_id: projectId, ...body } : body,
    );
    const [first] = (answer.body.errors ?? []) as { path: string }[];
    expect([answer.status, answer.body.code, first?.path]).toEqual([status, code, path]);
  }
  expect((await ada.call("GET", `/paragraphs?project_id=${projectId}`)).body.items).toEqual([]);
  expect(await eventsSince(projectId, 1)).toEqual([]);
});

test("[TXT-10] a batch is one event up to 400, then several in my order", async () => {
  for (const [count, parts] of [
    [1, [1]],
    [400, [400]],
    [401, [400, 1]],
    [1_000, [400, 400, 200]],
  ] as const) {
    const projectId = await createProject(ada);
    const ids = idsOf(await handIn(projectId, ...Array.from({ length: count }, () => "word")));
    const events = await eventsSince(projectId, 1);
    expect(events.map(({ seq }) => seq)).toEqual(parts.map((_, index) => index + 2));
    expect(events.map(({ data }) => (data.ids as string[]).length)).toEqual([...parts]);
    expect(events.flatMap(({ data }) => data.ids)).toEqual(ids);
    for (const { event, actor_id, subject, data } of events) {
      expect([event, actor_id, subject]).toEqual([
        "paragraphs.created",
        ada.userId,
        (data.ids as string[])[0] ?? "",
      ]);
    }
  }
});

test("[TXT-11] the same key three times at once stores once", async () => {
  const projectId = await createProject(ada);
  const body = { paragraphs: ["once", "only"], project_id: projectId };
  const headers = { "Idempotency-Key": newId() };
  const answers = await Promise.all([1, 2, 3].map(() => ada.call("POST", "/paragraphs", body, headers)));
  const stored = answers.filter(({ status }) => status === 202);
  expect(stored.length).toBeGreaterThanOrEqual(1);
  for (const { body } of stored) expect(body).toEqual(stored[0]?.body ?? {});
  for (const { status, body } of answers)
    if (status !== 202) expect([status, body.code]).toEqual([409, "IDEMPOTENCY_IN_PROGRESS"]);
  const again = await ada.call("POST", "/paragraphs", body, headers);
  expect([again.status, again.headers.get("Idempotency-Replayed"), again.body]).toEqual([
    202,
    "true",
    stored[0]?.body ?? {},
  ]);
  const other = await ada.call("POST", "/paragraphs", { ...body, paragraphs: ["other"] }, headers);
  expect([other.status, other.body.code]).toEqual([422, "IDEMPOTENCY_KEY_REUSED"]);
  expect((await ada.call("GET", `/paragraphs?project_id=${projectId}`)).body.items).toHaveLength(2);
  expect(await eventsSince(projectId, 1)).toHaveLength(1);
});

test("[TXT-12] paragraphs are listed newest first, each once, page by page", async () => {
  const projectId = await createProject(ada);
  const ids = idsOf(
    await handIn(projectId, ...Array.from({ length: 25 }, (_, number) => `Number ${number}`)),
  );
  const seen: string[] = [];
  let cursor: unknown = "";
  for (let page = 0; cursor !== null; page++) {
    const query = cursor === "" ? "" : `&cursor=${cursor}`;
    const answer = await ada.call("GET", `/paragraphs?project_id=${projectId}&limit=10${query}`);
    const items = answer.body.items as { id: string }[];
    expect(items.length).toBe([10, 10, 5][page] ?? -1);
    seen.push(...items.map(({ id }) => id));
    cursor = answer.body.next_cursor;
    // What comes in meanwhile does not shift the pages.
    await handIn(projectId, "Later");
  }
  expect(seen).toEqual([...ids].reverse());
  for (const [query, code] of [
    ["cursor=x", "INVALID_CURSOR"],
    ["limit=0", "INVALID_INPUT"],
    ["limit=101", "INVALID_INPUT"],
    ["author=us", "INVALID_INPUT"],
    ["status=done", "INVALID_INPUT"],
    ["order=asc", "INVALID_INPUT"],
  ]) {
    const answer = await ada.call("GET", `/paragraphs?${query}`);
    expect([query, answer.status, answer.body.code]).toEqual([query, 422, code]);
  }
});

test("[TXT-12] those of an author or of a status alone", async () => {
  const projectId = await createProject(ada);
  await share(ada, projectId, ben, "collaborator");
  const [first, second] = idsOf(await handIn(projectId, "By Ada.", "By Ada too."));
  const [third] = idsOf(
    await ben.call("POST", "/paragraphs", { paragraphs: ["By Ben."], project_id: projectId }),
  );
  const list = async (person: Person, query: string) =>
    (
      (await person.call("GET", `/paragraphs?project_id=${projectId}&${query}`)).body.items as {
        id: string;
      }[]
    ).map(({ id }) => id);
  expect(await list(ada, "author=me")).toEqual([second ?? "", first ?? ""]);
  expect(await list(ben, "author=me")).toEqual([third ?? ""]);
  expect(await list(ben, `author=${ada.userId}&limit=1`)).toEqual([second ?? ""]);
  expect(await list(ada, `author=${newId()}`)).toEqual([]);
  expect(await list(ada, "status=pending&author=me")).toEqual([second ?? "", first ?? ""]);
  expect(await list(ada, "status=analysed")).toEqual([]);
});

test("[TXT-13] the words of a paragraph are counted exactly, also before it is analysed", async () => {
  const [id] = idsOf(
    await ada.call("POST", "/paragraphs", {
      paragraphs: ["The whale, the WHALE — 't was ﬁne; a b Ä 数据库 🐋"],
    }),
  );
  expect((await ada.call("GET", `/paragraphs/${id}/words`)).body).toEqual({
    items: [
      ["the", 2],
      ["whale", 2],
      ["a", 1],
      ["b", 1],
      ["fine", 1],
      ["t", 1],
      ["was", 1],
      ["ä", 1],
      ["库", 1],
      ["数据", 1],
    ].map(([word, count]) => ({ word, count })),
  });
  const [none] = idsOf(await ada.call("POST", "/paragraphs", { paragraphs: ["— … —"] }));
  expect((await ada.call("GET", `/paragraphs/${none}/words`)).body).toEqual({ items: [] });
});

test("[TXT-14] a deleted paragraph is gone, once, and announced", async () => {
  const projectId = await createProject(ada);
  await share(ada, projectId, ben, "collaborator");
  const [id] = idsOf(await handIn(projectId, "Soon gone."));
  const answers = await Promise.all([1, 2, 3].map(() => ben.call("DELETE", `/paragraphs/${id}`)));
  expect(answers.map(({ status }) => status).sort()).toEqual([204, 404, 404]);
  for (const path of [`/paragraphs/${id}`, `/paragraphs/${id}/words`]) {
    const answer = await ada.call("GET", path);
    expect([answer.status, answer.body.code]).toEqual([404, "PARAGRAPH_NOT_FOUND"]);
  }
  expect((await ada.call("GET", `/paragraphs?project_id=${projectId}`)).body.items).toEqual([]);
  expect(await eventsSince(projectId, 3)).toEqual([
    { seq: 4, event: "paragraph.deleted", actor_id: ben.userId, subject: id ?? "", data: {} },
  ]);
});

test("[TXT-15] handed in to a project that is not there, nothing is stored", async () => {
  for (const projectId of [newId(), ben.projectId]) {
    const answer = await handIn(projectId, "Nobody's.");
    expect([answer.status, answer.body.code]).toEqual([404, "PROJECT_NOT_FOUND"]);
  }
  expect((await send(server, "GET", "/paragraphs", {})).status).toBe(401);
});
