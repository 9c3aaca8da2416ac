import { afterAll, beforeAll, expect, test } from "bun:test";
import { createChance } from "../../testing/chance.ts";
import { ID, listEvents, TIME } from "../../testing/expectations.ts";
import { createProject, type Person, share, signUp } from "../../testing/requests.ts";
import { openTestServer, type TestServer } from "../../testing/server.ts";

let server: TestServer;
let ada: Person;
let ben: Person;
let cleo: Person;
beforeAll(async () => {
  server = await openTestServer({ works: false });
  [ada, ben, cleo] = await Promise.all([signUp(server), signUp(server), signUp(server)]);
});
afterAll(() => server.stop());

async function createShared(): Promise<string> {
  const projectId = await createProject(ada);
  await share(ada, projectId, ben, "collaborator");
  await share(ada, projectId, cleo, "viewer");
  return projectId;
}

async function createCollection(person: Person, projectId: string, name = "Best"): Promise<string> {
  const { status, body } = await person.call("POST", "/collections", { name, project_id: projectId });
  expect(status).toBe(201);
  return String(body.id);
}

async function createPosts(projectId: string, titles: readonly string[]): Promise<string[]> {
  const ids: string[] = [];
  for (const title of titles) {
    const { body } = await ada.call("POST", "/posts", { title, body: title, project_id: projectId });
    ids.push(String(body.id));
  }
  return ids;
}

async function titlesIn(id: string, query = ""): Promise<unknown[]> {
  const { body } = await ada.call("GET", `/collections/${id}/posts${query}`);
  return (body.items as { title: string }[]).map(({ title }) => title);
}

const logOf = async (projectId: string, subject: string) =>
  (await listEvents(server.db.sql, projectId))
    .filter((event) => event.subject === subject)
    .map(({ event, actor_id, data }) => [event, actor_id, data]);

test("[PST-18] who may write creates collections; members read and list them, newest first", async () => {
  const projectId = await createShared();
  const created = await ben.call("POST", "/collections", { name: " Best ", project_id: projectId });
  expect(created.body).toEqual({
    id: ID,
    project_id: projectId,
    owner_id: ben.userId,
    name: "Best",
    post_count: 0,
    created_at: TIME,
    updated_at: TIME,
  });
  expect((await cleo.call("GET", `/collections/${created.body.id}`)).body).toEqual(created.body);
  for (const name of ["B", "C", "D"]) await createCollection(ada, projectId, name);
  const names: unknown[] = [];
  for (let cursor: unknown = ""; cursor !== null; ) {
    const query = `project_id=${projectId}&limit=2${cursor && `&cursor=${cursor}`}`;
    const { body } = await cleo.call("GET", `/collections?${query}`);
    names.push(...(body.items as { name: string }[]).map(({ name }) => name));
    cursor = body.next_cursor;
  }
  expect(names).toEqual(["D", "C", "B", "Best"]);
  const own = await ben.call("GET", `/collections?project_id=${projectId}&owner=me`);
  expect(own.body.items).toEqual([created.body]);
  expect((await ada.call("POST", "/collections", { name: "Mine" })).body.project_id).toBe(ada.projectId);
});

test("[PST-18] the same Idempotency-Key twice creates one", async () => {
  const projectId = await createShared();
  const send = () =>
    ada.call("POST", "/collections", { name: "A", project_id: projectId }, { "Idempotency-Key": projectId });
  expect((await send()).body).toEqual((await send()).body);
  const { body } = await ada.call("GET", `/collections?project_id=${projectId}`);
  expect(body.items).toHaveLength(1);
});

test("[PST-19] only its owner changes a collection, not even the project's", async () => {
  const projectId = await createShared();
  const id = await createCollection(ben, projectId);
  const [post = ""] = await createPosts(projectId, ["a"]);
  const place = `/collections/${id}/posts/${post}`;
  expect((await ben.call("PUT", place)).status).toBe(204);
  const before = await listEvents(server.db.sql, projectId);
  for (const refused of [
    await ada.call("PUT", `/collections/${id}`, { name: "Mine" }),
    await ada.call("DELETE", `/collections/${id}`),
    await ada.call("PUT", `${place}?position=0`),
    await ada.call("DELETE", place),
  ])
    expect(refused).toMatchObject({ status: 403, body: { code: "COLLECTION_NOT_YOURS" } });
  expect(await listEvents(server.db.sql, projectId)).toEqual(before);

  const renamed = await ben.call("PUT", `/collections/${id}`, { name: "Better" });
  expect(renamed.body).toMatchObject({ name: "Better", post_count: 1 });
  expect((await ben.call("PUT", `/collections/${id}`, { name: "Better" })).body).toEqual(renamed.body);
  expect((await ben.call("DELETE", `/collections/${id}`)).status).toBe(204);
  expect((await ben.call("DELETE", `/collections/${id}`)).status).toBe(404);
  expect((await ada.call("GET", `/posts/${post}`)).status).toBe(200);
  expect(await logOf(projectId, id)).toEqual([
    ["collection.created", ben.userId, { name: "Best" }],
    ["collection.post_added", ben.userId, { post_id: post, position: 0 }],
    ["collection.updated", ben.userId, { name: "Better" }],
    ["collection.deleted", ben.userId, {}],
  ]);
});

test("[PST-20] posts are put at any place, moved and taken out, each safe to repeat", async () => {
  const projectId = await createShared();
  const id = await createCollection(ada, projectId);
  const [a = "", b = "", c = ""] = await createPosts(projectId, ["a", "b", "c"]);
  const put = async (post: string, query = "") =>
    expect((await ada.call("PUT", `/collections/${id}/posts/${post}${query}`)).status).toBe(204);
  for (const post of [a, b, a, b]) await put(post);
  expect(await titlesIn(id)).toEqual(["a", "b"]);
  for (let times = 0; times < 2; times++) await put(c, "?position=0");
  expect(await titlesIn(id)).toEqual(["c", "a", "b"]);
  for (let times = 0; times < 2; times++) await put(c, "?position=1");
  expect(await titlesIn(id)).toEqual(["a", "c", "b"]);
  await put(a, "?position=99");
  await put(b);
  expect(await titlesIn(id)).toEqual(["c", "b", "a"]);
  for (let times = 0; times < 2; times++)
    expect((await ada.call("DELETE", `/collections/${id}/posts/${b}`)).status).toBe(204);
  expect(await titlesIn(id)).toEqual(["c", "a"]);
  expect((await ada.call("GET", `/collections/${id}`)).body.post_count).toBe(2);
  expect((await logOf(projectId, id)).slice(1)).toEqual([
    ["collection.post_added", ada.userId, { post_id: a, position: 0 }],
    ["collection.post_added", ada.userId, { post_id: b, position: 1 }],
    ["collection.post_added", ada.userId, { post_id: c, position: 0 }],
    ["collection.post_moved", ada.userId, { post_id: c, position: 1 }],
    ["collection.post_moved", ada.userId, { post_id: a, position: 2 }],
    ["collection.post_removed", ada.userId, { post_id: b }],
  ]);
});

test("[PST-20] a post that is not in the project, or deleted, is not put in", async () => {
  const [projectId, other] = [await createShared(), await createProject(ada)];
  const id = await createCollection(ada, projectId);
  const [foreign = ""] = await createPosts(other, ["x"]);
  const [gone = ""] = await createPosts(projectId, ["y"]);
  await ada.call("DELETE", `/posts/${gone}`);
  for (const post of [foreign, gone]) {
    const answer = await ada.call("PUT", `/collections/${id}/posts/${post}`);
    expect(answer).toMatchObject({ status: 404, body: { code: "POST_NOT_FOUND" } });
  }
  for (const position of ["-1", "1.5", "x", ""]) {
    const answer = await ada.call("PUT", `/collections/${id}/posts/${gone}?position=${position}`);
    expect([position, answer.status]).toEqual([position, 422]);
  }
});

test("[PST-20] the order holds, however often it is changed", async () => {
  const chance = createChance("order of a collection");
  const projectId = await createShared();
  const id = await createCollection(ada, projectId);
  const titles = ["a", "b", "c", "d", "e", "f"];
  const ids = new Map(
    (await createPosts(projectId, titles)).map((post, index) => [titles[index] ?? "", post]),
  );
  let order: string[] = [];
  for (let round = 0; round < 150; round++) {
    const title = titles[chance.below(titles.length)] ?? "";
    const path = `/collections/${id}/posts/${ids.get(title)}`;
    const others = order.filter((each) => each !== title);
    if (chance.oneIn(8)) {
      await ada.call("DELETE", path);
      order = others;
    } else {
      // Often the same gap, so that ranks run out between two neighbours.
      const position = chance.oneIn(2) ? 1 : chance.below(7);
      await ada.call("PUT", `${path}?position=${position}`);
      order = others.toSpliced(position, 0, title);
    }
    expect(await titlesIn(id)).toEqual(order);
  }
});

test("[PST-20] a post goes between two again and again", async () => {
  const projectId = await createShared();
  const id = await createCollection(ada, projectId);
  const [a = "", b = "", c = "", d = ""] = await createPosts(projectId, ["a", "b", "c", "d"]);
  for (const post of [a, b, c, d]) await ada.call("PUT", `/collections/${id}/posts/${post}`);
  // Each halves the gap behind the first: doubles have 52 halves.
  for (let times = 0; times < 70; times++) {
    const [post, title] = times % 2 === 0 ? [c, "c"] : [d, "d"];
    await ada.call("PUT", `/collections/${id}/posts/${post}?position=1`);
    expect((await titlesIn(id)).slice(0, 2)).toEqual(["a", title]);
  }
  expect((await titlesIn(id)).sort()).toEqual(["a", "b", "c", "d"]);
});

test("[PST-20] a collection holds 10,000 posts, which it still moves, and no more", async () => {
  const projectId = await createShared();
  const id = await createCollection(ada, projectId);
  const [last = "", over = ""] = await createPosts(projectId, ["last", "over"]);
  await server.db.sql`
    WITH made AS (
      INSERT INTO posts (id, project_id, title, body, length, author_id, updated_by, lines_added, lines_removed)
      SELECT gen_random_uuid(), ${projectId}, n::text, '', 0, ${ada.userId}, ${ada.userId}, 0, 0
      FROM generate_series(0, 9998) AS n RETURNING id, title, project_id)
    INSERT INTO collection_posts (project_id, collection_id, post_id, rank)
    SELECT project_id, ${id}, id, title::float8 FROM made`;
  expect((await ada.call("PUT", `/collections/${id}/posts/${last}`)).status).toBe(204);
  expect((await ada.call("GET", `/collections/${id}`)).body.post_count).toBe(10_000);
  const refused = await ada.call("PUT", `/collections/${id}/posts/${over}`);
  expect(refused).toMatchObject({ status: 409, body: { code: "COLLECTION_FULL" } });
  await ada.call("PUT", `/collections/${id}/posts/${last}?position=5000`);
  const [moved] = await server.db.sql<{ rank: number }>`
    SELECT rank FROM collection_posts WHERE collection_id = ${id} AND post_id = ${last}`;
  expect(Math.floor(moved?.rank ?? 0)).toBe(4_999);
});

test("[PST-20] of posts put in at the same moment none is lost", async () => {
  const projectId = await createShared();
  const id = await createCollection(ada, projectId);
  const titles = Array.from({ length: 12 }, (_, number) => `p${number}`);
  const posts = await createPosts(projectId, titles);
  await Promise.all(posts.map((post) => ada.call("PUT", `/collections/${id}/posts/${post}?position=0`)));
  expect((await titlesIn(id)).sort()).toEqual([...titles].sort());
  const positions = (await logOf(projectId, id))
    .slice(1)
    .map(([, , data]) => (data as { position: number }).position);
  expect(positions).toEqual(titles.map(() => 0));
});

test("[PST-21] a collection lists its posts page by page, each once", async () => {
  const projectId = await createShared();
  const id = await createCollection(ada, projectId);
  const titles = ["a", "b", "c", "d", "e"];
  for (const post of await createPosts(projectId, titles))
    await ada.call("PUT", `/collections/${id}/posts/${post}?position=0`);
  const seen: unknown[] = [];
  for (let cursor: unknown = ""; cursor !== null; ) {
    const { body } = await cleo.call(
      "GET",
      `/collections/${id}/posts?limit=2${cursor && `&cursor=${cursor}`}`,
    );
    seen.push(...(body.items as { title: string }[]).map(({ title }) => title));
    cursor = body.next_cursor;
  }
  expect(seen).toEqual(["e", "d", "c", "b", "a"]);
});

test("[PST-21] a deleted post is not in it, and back at its place when it is restored", async () => {
  const projectId = await createShared();
  const id = await createCollection(ada, projectId);
  const posts = await createPosts(projectId, ["a", "b", "c"]);
  for (const post of posts) await ada.call("PUT", `/collections/${id}/posts/${post}`);
  await ada.call("DELETE", `/posts/${posts[1]}`);
  expect(await titlesIn(id)).toEqual(["a", "c"]);
  expect((await ada.call("GET", `/collections/${id}`)).body.post_count).toBe(2);
  // Places are counted among those that are seen.
  await ada.call("PUT", `/collections/${id}/posts/${posts[2]}?position=0`);
  expect(await titlesIn(id)).toEqual(["c", "a"]);
  await ada.call("POST", `/posts/${posts[1]}/restore`);
  expect(await titlesIn(id)).toEqual(["c", "a", "b"]);
});
