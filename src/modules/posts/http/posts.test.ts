import { afterAll, beforeAll, expect, test } from "bun:test";
import { createChance } from "../../../testing/chance.ts";
import { ID, listEvents, TIME } from "../../../testing/expectations.ts";
import { type Answer, createProject, type Person, share, signUp } from "../../../testing/requests.ts";
import { openTestServer, type TestServer } from "../../../testing/server.ts";
import { MAX_BODY_UNITS } from "../model.ts";

let server: TestServer;
let ada: Person;
let ben: Person;
beforeAll(async () => {
  server = await openTestServer({ works: false });
  [ada, ben] = await Promise.all([signUp(server), signUp(server)]);
});
afterAll(() => server.stop());

const create = (project_id: string, fields: object = {}) =>
  ada.call("POST", "/posts", { title: "Agora", body: "one\ntwo", project_id, ...fields });
const idOf = (answer: Answer) => String(answer.body.id);
const itemsOf = (answer: Answer) => answer.body.items as Record<string, unknown>[];
const logOf = async (projectId: string) =>
  (await listEvents(server.db.sql, projectId)).map(({ event, actor_id, subject, data }) => ({
    event,
    actor_id,
    subject,
    data,
  }));

test("[PST-1] a post is stored before the answer, which has it at version 1", async () => {
  const projectId = await createProject(ada);
  const answer = await create(projectId, { title: "  Agora ", path: "notes/agora.md" });
  expect(answer.status).toBe(201);
  expect(answer.headers.get("ETag")).toBe('"1"');
  expect(answer.body).toEqual({
    id: ID,
    project_id: projectId,
    title: "Agora",
    body: "one\ntwo",
    path: "notes/agora.md",
    author_id: ada.userId,
    version: 1,
    updated_by: ada.userId,
    created_at: TIME,
    updated_at: TIME,
    deleted_at: null,
  });
  const read = await ada.call("GET", `/posts/${idOf(answer)}`);
  expect([read.status, read.headers.get("ETag"), read.body]).toEqual([200, '"1"', answer.body]);
});

test("[PST-1] without a project it is in my personal one; an empty body is one, and without a path it is no file", async () => {
  const answer = await ada.call("POST", "/posts", { title: "Note", body: "" });
  expect(answer).toMatchObject({ status: 201, body: { project_id: ada.projectId, body: "", path: null } });
});

test("[PST-1] the same Idempotency-Key three times at once creates one", async () => {
  const projectId = await createProject(ada);
  const send = () =>
    ada.call(
      "POST",
      "/posts",
      { title: "Once", body: "", project_id: projectId },
      { "Idempotency-Key": projectId },
    );
  const answers = await Promise.all([send(), send(), send()]);
  const created = answers.filter(({ status }) => status === 201);
  expect(new Set(created.map(idOf)).size).toBe(1);
  expect(itemsOf(await ada.call("GET", `/posts?project_id=${projectId}`))).toHaveLength(1);
  expect(idOf(await send())).toBe(idOf(created[0] as Answer));
});

test("[PST-1] the longest body comes back as it was sent, and changes like any other", async () => {
  const projectId = await createProject(ada);
  // 16 units a line, in paragraphs of 64,000.
  const paragraph = "Ein Satz mit 🐋\n".repeat(4_000);
  const body = `${paragraph}\n`.repeat(16).padEnd(MAX_BODY_UNITS, "x");
  const created = await create(projectId, { body });
  expect([created.status, created.body.body === body]).toEqual([201, true]);
  const changed = await ada.call("PATCH", `/posts/${idOf(created)}`, { body: `Ende\n${body.slice(5)}` });
  expect([changed.status, changed.body.version]).toEqual([200, 2]);
  expect((await logOf(projectId)).at(-1)?.data).toMatchObject({ lines_added: 2, lines_removed: 1 });
});

test("[PST-2] a path is unique in its project, whatever its case and form, and free in another", async () => {
  const [projectId, other] = [await createProject(ada), await createProject(ada)];
  expect((await create(projectId, { path: "a/cafe\u0301.md" })).body.path).toBe("a/caf\u00e9.md");
  const second = await create(projectId, { path: "a/b.md" });
  const taken = { status: 409, body: { code: "POST_PATH_TAKEN" } };
  expect(await create(projectId, { path: "A/CAF\u00c9.md" })).toMatchObject(taken);
  expect(await ada.call("PATCH", `/posts/${idOf(second)}`, { path: "a/Caf\u00e9.md" })).toMatchObject(taken);
  expect((await ada.call("GET", `/posts/${idOf(second)}`)).body).toEqual(second.body);
  expect((await create(other, { path: "a/caf\u00e9.md" })).status).toBe(201);
  expect((await create(projectId)).status).toBe(201);
  expect((await create(projectId)).status).toBe(201);
  const found = itemsOf(await ada.call("GET", `/posts?project_id=${projectId}&path=A%2FB.md`));
  expect(found.map(({ id }) => id)).toEqual([idOf(second)]);
});

test("[PST-2] of two posts that want one path at once, one gets it", async () => {
  const projectId = await createProject(ada);
  const answers = await Promise.all(Array.from({ length: 8 }, () => create(projectId, { path: "one.md" })));
  expect(answers.map(({ status }) => status).sort()).toEqual([201, ...Array.from({ length: 7 }, () => 409)]);
  const names = (await logOf(projectId)).map(({ event }) => event);
  expect(names).toEqual(["project.created", "post.created"]);
});

test("[PST-3] PUT replaces all, PATCH what it names", async () => {
  const projectId = await createProject(ada);
  await share(ada, projectId, ben, "collaborator");
  const id = idOf(await create(projectId, { path: "a.md" }));
  const put = await ben.call("PUT", `/posts/${id}`, { title: "New", body: "two\nthree" });
  expect([put.status, put.headers.get("ETag")]).toEqual([200, '"2"']);
  expect(put.body).toMatchObject({ title: "New", body: "two\nthree", path: null, version: 2 });
  expect(put.body).toMatchObject({ author_id: ada.userId, updated_by: ben.userId });
  const patch = await ada.call("PATCH", `/posts/${id}`, { path: "b/c.md" });
  expect(patch.body).toMatchObject({ title: "New", body: "two\nthree", path: "b/c.md", version: 3 });
  expect((await ada.call("PATCH", `/posts/${id}`, { path: null })).body).toMatchObject({
    path: null,
    version: 4,
  });
});

test("[PST-3] what changes nothing makes no version and no event", async () => {
  const projectId = await createProject(ada);
  const created = await create(projectId, { path: "a.md" });
  const path = `/posts/${idOf(created)}`;
  const before = await logOf(projectId);
  const same = { title: " Agora ", body: "one\ntwo", path: "a.md" };
  for (const answer of [
    await ada.call("PUT", path, same),
    await ada.call("PATCH", path, { title: "Agora" }),
  ]) {
    expect([answer.status, answer.body]).toEqual([200, created.body]);
  }
  expect(await logOf(projectId)).toEqual(before);
  expect(itemsOf(await ada.call("GET", `${path}/versions`))).toHaveLength(1);
});

test("[PST-4] with If-Match a change happens at that version only, and the refusal says what there is", async () => {
  const projectId = await createProject(ada);
  await share(ada, projectId, ben, "collaborator");
  const id = idOf(await create(projectId));
  const path = `/posts/${id}`;
  const changed = await ben.call("PUT", path, { title: "Ben's", body: "" }, { "If-Match": '"1"' });
  expect(changed.status).toBe(200);
  const before = await logOf(projectId);
  const stale = { "If-Match": '"1"' };
  for (const refused of [
    await ada.call("PUT", path, { title: "Ada's", body: "" }, stale),
    await ada.call("PATCH", path, { title: "Ada's" }, stale),
    await ada.call("PATCH", path, { title: "Ben's" }, stale),
    await ada.call("POST", `${path}/versions/1/restore`, undefined, stale),
    await ada.call("DELETE", path, undefined, stale),
  ]) {
    expect(refused).toMatchObject({
      status: 412,
      body: {
        code: "POST_CHANGED",
        current: { version: 2, updated_by: ben.userId, updated_at: changed.body.updated_at },
      },
    });
    expect(String(refused.body.detail)).toContain(`version 2 by now, saved by ${ben.userId} at`);
    expect(refused.headers.get("ETag")).toBe('"2"');
  }
  expect(await logOf(projectId)).toEqual(before);
  expect((await ada.call("GET", path)).body).toEqual(changed.body);
});

test("[PST-4] If-Match takes lists, weak tags and *, and what is none is refused", async () => {
  const id = idOf(await create(await createProject(ada)));
  let version = 1;
  for (const tag of ['"0", "1"', 'W/"2"', "*", '"4"']) {
    const answer = await ada.call("PATCH", `/posts/${id}`, { title: `T${version}` }, { "If-Match": tag });
    expect([tag, answer.status, answer.body.version]).toEqual([tag, 200, ++version]);
  }
  for (const tag of ["5", '"5', "'5'"]) {
    const answer = await ada.call("PATCH", `/posts/${id}`, { title: "No" }, { "If-Match": tag });
    expect([tag, answer.status, answer.body.errors]).toMatchObject([tag, 422, [{ path: "If-Match" }]]);
  }
});

test("[PST-4] of many changes at once from one version exactly one wins", async () => {
  const projectId = await createProject(ada);
  const id = idOf(await create(projectId));
  for (let version = 1; version <= 5; version++) {
    const answers = await Promise.all(
      Array.from({ length: 6 }, (_, writer) =>
        ada.call(
          "PUT",
          `/posts/${id}`,
          { title: `By ${writer}`, body: `${version}` },
          { "If-Match": `"${version}"` },
        ),
      ),
    );
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 412, 412, 412, 412, 412]);
    const winner = answers.find(({ status }) => status === 200);
    expect((await ada.call("GET", `/posts/${id}`)).body).toEqual(winner?.body as Record<string, unknown>);
  }
  const updates = (await logOf(projectId)).filter(({ event }) => event === "post.updated");
  expect(updates.map(({ data }) => data.version)).toEqual([2, 3, 4, 5, 6]);
});

test("[PST-5] changes at the same moment come one after the other, and none is lost", async () => {
  const projectId = await createProject(ada);
  const id = idOf(await create(projectId));
  const answers = await Promise.all(
    Array.from({ length: 20 }, (_, writer) =>
      ada.call("PATCH", `/posts/${id}`, { body: `by ${writer}\n\nand all` }),
    ),
  );
  expect(answers.map(({ body }) => Number(body.version)).sort((a, b) => a - b)).toEqual(
    Array.from({ length: 20 }, (_, index) => index + 2),
  );
  const bodies = new Map(answers.map(({ body }) => [body.version, body.body]));
  for (let version = 2; version <= 21; version++) {
    const { body } = await ada.call("GET", `/posts/${id}/versions/${version}`);
    expect(body.body).toBe(bodies.get(version) as string);
  }
  const [row] = await server.db.sql<{ contents: string[] }>`
    SELECT array_agg(content ORDER BY content) AS contents FROM paragraphs WHERE post_id = ${id}`;
  expect(row?.contents).toEqual(["and all", String(bodies.get(21)).split("\n")[0] ?? ""]);
});

test("[PST-6] what cannot be kept is refused by its field, and nothing changes", async () => {
  const projectId = await createProject(ada);
  const created = await create(projectId);
  const before = await logOf(projectId);
  const cases: [change: object, status: number, code: string, path: string][] = [
    [{ title: "" }, 422, "INVALID_INPUT", "title"],
    [{ title: "x".repeat(501) }, 422, "INVALID_INPUT", "title"],
    [{ title: null }, 422, "INVALID_INPUT", "title"],
    [{ body: 7 }, 422, "INVALID_INPUT", "body"],
    [{ body: "x".repeat(MAX_BODY_UNITS + 1) }, 422, "INVALID_INPUT", "body"],
    [{ body: "x".repeat(100_001) }, 422, "PARAGRAPH_TOO_LONG", "body"],
    [{ body: "a\0" }, 422, "INVALID_TEXT", "body"],
    [{ title: "a\0" }, 422, "INVALID_TEXT", "title"],
    [{ path: "../a" }, 422, "INVALID_INPUT", "path"],
    [{ path: "/etc/passwd" }, 422, "INVALID_INPUT", "path"],
    [{ path: "" }, 422, "INVALID_INPUT", "path"],
    [{ author_id: ben.userId }, 422, "INVALID_INPUT", "author_id"],
  ];
  for (const [change, status, code, path] of cases) {
    const answers = [
      await create(projectId, change),
      await ada.call("PATCH", `/posts/${idOf(created)}`, change),
    ];
    for (const { status: got, body } of answers) {
      const [first] = body.errors as { path: string }[];
      expect([change, got, body.code, first?.path]).toEqual([change, status, code, path]);
    }
  }
  const lone = `{"title":"a","body":"\\udc00","project_id":"${projectId}"}`;
  expect(await ada.call("POST", "/posts", lone)).toMatchObject({
    status: 422,
    body: { code: "INVALID_TEXT" },
  });
  expect((await ada.call("PATCH", `/posts/${idOf(created)}`, {})).status).toBe(422);
  expect((await ada.call("PUT", `/posts/${idOf(created)}`, { title: "Without a body" })).status).toBe(422);
  expect(await logOf(projectId)).toEqual(before);
  expect((await ada.call("GET", `/posts/${idOf(created)}`)).body).toEqual(created.body);
});

test("[PST-7] posts are listed newest first, each once, page by page, also an author's alone", async () => {
  const projectId = await createProject(ada);
  await share(ada, projectId, ben, "collaborator");
  const ids: string[] = [];
  for (let number = 0; number < 7; number++) {
    const person = number % 3 === 0 ? ben : ada;
    ids.unshift(
      idOf(await person.call("POST", "/posts", { title: `${number}`, body: "", project_id: projectId })),
    );
  }
  const seen: unknown[] = [];
  for (let cursor: unknown = "", pages = 0; cursor !== null; pages++) {
    expect(pages).toBeLessThan(4);
    const { body } = await ben.call(
      "GET",
      `/posts?project_id=${projectId}&limit=3${cursor && `&cursor=${cursor}`}`,
    );
    seen.push(...(body.items as { id: string }[]).map(({ id }) => id));
    cursor = body.next_cursor;
  }
  expect(seen).toEqual(ids);
  const own = itemsOf(await ben.call("GET", `/posts?project_id=${projectId}&author=me`));
  expect(own.map(({ title }) => title)).toEqual(["6", "3", "0"]);
  const other = itemsOf(await ben.call("GET", `/posts?project_id=${projectId}&author=${ada.userId}`));
  expect(other).toHaveLength(4);
});

test("[PST-7] a page of long posts ends sooner, and nothing is skipped", async () => {
  const chance = createChance("long posts");
  const projectId = await createProject(ada);
  const sizes = Array.from({ length: 8 }, () => (chance.oneIn(3) ? 10 : 900_000));
  for (const [number, size] of sizes.entries()) {
    const body = "ab\n".repeat(size / 10).slice(0, size);
    const parts = body.replaceAll(/(?:ab\n){30000}/g, "$&\n");
    expect((await create(projectId, { title: `${number}`, body: parts.padEnd(size, "\n") })).status).toBe(
      201,
    );
  }
  const titles: unknown[] = [];
  for (let cursor: unknown = ""; cursor !== null; ) {
    const answer = await ada.call(
      "GET",
      `/posts?project_id=${projectId}&limit=100${cursor && `&cursor=${cursor}`}`,
    );
    const items = itemsOf(answer);
    const units = items.slice(0, -1).reduce((sum, item) => sum + String(item.body).length, 0);
    expect([items.length > 0, units < 4_194_304]).toEqual([true, true]);
    titles.push(...items.map(({ title }) => title));
    cursor = answer.body.next_cursor;
  }
  expect(titles).toEqual(sizes.map((_, number) => `${sizes.length - 1 - number}`));
});

test("[PST-7] a post that is still the same is not sent again", async () => {
  const id = idOf(await create(await createProject(ada)));
  for (const tag of ['"1"', 'W/"1"', '"0", "1"', "*"]) {
    const answer = await ada.call("GET", `/posts/${id}`, undefined, { "If-None-Match": tag });
    expect([tag, answer.status, answer.headers.get("ETag"), answer.body]).toEqual([tag, 304, '"1"', {}]);
  }
  await ada.call("PATCH", `/posts/${id}`, { title: "New" });
  const answer = await ada.call("GET", `/posts/${id}`, undefined, { "If-None-Match": '"1"' });
  expect([answer.status, answer.body.version]).toEqual([200, 2]);
});

test("[PST-23] of a project that I am no member of I see and change nothing", async () => {
  const projectId = await createProject(ada);
  const created = await create(projectId, { path: "a.md" });
  const [mine, before] = [await createProject(ben), await logOf(projectId)];
  const { body: collection } = await ben.call("POST", "/collections", { name: "C", project_id: mine });
  const notFound = { status: 404, body: { code: "POST_NOT_FOUND" } };
  const path = `/posts/${idOf(created)}`;
  expect(await ben.call("PUT", path, { title: "x", body: "" }, { "If-Match": "*" })).toMatchObject(notFound);
  expect(await ben.call("PUT", `/collections/${collection.id}${path}`)).toMatchObject(notFound);
  expect(itemsOf(await ben.call("GET", `/posts?project_id=${mine}&path=a.md`))).toEqual([]);
  expect(await ben.call("POST", "/posts", { title: "x", body: "", project_id: projectId })).toMatchObject({
    status: 404,
    body: { code: "PROJECT_NOT_FOUND" },
  });
  expect(await logOf(projectId)).toEqual(before);
  expect((await ada.call("GET", path)).body).toEqual(created.body);
});

test("[PST-22] every change of a post is one event, with what it was", async () => {
  const projectId = await createProject(ada);
  await share(ada, projectId, ben, "collaborator");
  const id = idOf(await create(projectId, { body: "one\ntwo\nthree", path: "a.md" }));
  const path = `/posts/${id}`;
  const since = (await logOf(projectId)).length - 1;
  await ben.call("PATCH", path, { body: "one\n2\nthree\nfour" });
  await ada.call("PATCH", path, { path: "b.md", title: "Moved" });
  await ada.call("POST", `${path}/versions/1/restore`);
  await ben.call("DELETE", path);
  await ada.call("POST", `${path}/restore`);
  const by = (person: Person) => ({ actor_id: person.userId, subject: id });
  expect((await logOf(projectId)).slice(since)).toEqual([
    {
      event: "post.created",
      ...by(ada),
      data: { id, version: 1, path: "a.md", lines_added: 3, lines_removed: 0 },
    },
    {
      event: "post.updated",
      ...by(ben),
      data: { id, version: 2, path: "a.md", lines_added: 2, lines_removed: 1 },
    },
    {
      event: "post.updated",
      ...by(ada),
      data: { id, version: 3, path: "b.md", lines_added: 0, lines_removed: 0, previous_path: "a.md" },
    },
    {
      event: "post.updated",
      ...by(ada),
      data: { id, version: 4, path: "b.md", lines_added: 1, lines_removed: 2, restored_from: 1 },
    },
    { event: "post.deleted", ...by(ben), data: { id, version: 4, path: "b.md" } },
    { event: "post.restored", ...by(ada), data: { id, version: 4, path: "b.md" } },
  ]);
});
