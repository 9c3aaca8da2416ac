import { afterAll, beforeAll, expect, test } from "bun:test";
import { listEvents } from "../../testing/expectations.ts";
import { createProject, type Person, share, signUp } from "../../testing/requests.ts";
import { openTestServer, type TestServer } from "../../testing/server.ts";
import { until } from "../../testing/until.ts";

let server: TestServer;
let ada: Person;
let ben: Person;
beforeAll(async () => {
  server = await openTestServer({ environment: { PROJECT_ERASE_AFTER_DAYS: "1" } });
  [ada, ben] = await Promise.all([signUp(server), signUp(server)]);
});
afterAll(() => server.stop());

async function create(projectId: string, fields: object = {}): Promise<string> {
  const post = { title: "Agora", body: "a swan", project_id: projectId, ...fields };
  const answer = await ada.call("POST", "/posts", post);
  expect(answer.status).toBe(201);
  return String(answer.body.id);
}

async function listTitles(person: Person, query: string): Promise<unknown[]> {
  const { body } = await person.call("GET", `/posts?${query}`);
  return (body.items as { title: string }[]).map(({ title }) => title);
}

/** As if the post had been deleted so many days ago, with its job due by now. */
async function age(id: string, days: number): Promise<void> {
  await server.db.sql`UPDATE posts SET deleted_at = now() - make_interval(days => ${days}) WHERE id = ${id}`;
  await server.db
    .sql`UPDATE jobs SET run_at = now() WHERE task = 'posts.erase' AND input->>'post_id' = ${id}`;
  server.kernel.jobs.wake("low");
}

async function erasingsOf(id: string): Promise<unknown[]> {
  const rows = await server.db.sql<{ result: unknown }>`
    SELECT result FROM finished_jobs WHERE task = 'posts.erase' AND input->>'post_id' = ${id}`;
  return rows.map((row) => row.result);
}

test("[PST-12] a deleted post is gone at once, and comes back as it was", async () => {
  const projectId = await createProject(ada);
  await share(ada, projectId, ben, "viewer");
  const id = await create(projectId, { path: "a.md" });
  await ada.call("PATCH", `/posts/${id}`, { body: "a swan\n\na crane" });
  const before = await ada.call("GET", `/posts/${id}`);
  expect((await ada.call("DELETE", `/posts/${id}`)).status).toBe(204);

  const gone = { status: 404, body: { code: "POST_NOT_FOUND" } };
  for (const suffix of ["", "/versions", "/versions/1", "/rendered"])
    expect(await ada.call("GET", `/posts/${id}${suffix}`)).toMatchObject(gone);
  expect(await ada.call("PUT", `/posts/${id}`, { title: "x", body: "" })).toMatchObject(gone);
  expect(await ada.call("DELETE", `/posts/${id}`)).toMatchObject(gone);
  expect(await listTitles(ben, `project_id=${projectId}`)).toEqual([]);
  const { body } = await ben.call("GET", `/posts?project_id=${projectId}&deleted=true`);
  expect(body.items).toEqual([{ ...before.body, deleted_at: expect.any(String) }]);
  expect((await ada.call("GET", `/paragraphs?project_id=${projectId}`)).body.items).toEqual([]);

  const restored = await ada.call("POST", `/posts/${id}/restore`);
  expect([restored.status, restored.body]).toEqual([200, before.body]);
  expect((await ada.call("GET", `/posts/${id}`)).body).toEqual(before.body);
  const versions = await ada.call("GET", `/posts/${id}/versions`);
  expect((versions.body.items as unknown[]).length).toBe(2);
  const paragraphs = await ada.call("GET", `/paragraphs?project_id=${projectId}`);
  expect((paragraphs.body.items as { content: string }[]).map(({ content }) => content).sort()).toEqual([
    "a crane",
    "a swan",
  ]);
  const again = await ada.call("POST", `/posts/${id}/restore`);
  expect([again.status, again.body]).toEqual([200, before.body]);
});

test("[PST-12] the path of a deleted post is free", async () => {
  const projectId = await createProject(ada);
  const id = await create(projectId, { path: "a.md" });
  await ada.call("DELETE", `/posts/${id}`);
  await create(projectId, { path: "A.md" });
});

test("[PST-14] a post whose path was taken is not restored before it is free", async () => {
  const projectId = await createProject(ada);
  const id = await create(projectId, { path: "a.md" });
  await ada.call("DELETE", `/posts/${id}`);
  const other = await create(projectId, { path: "a.md" });
  const taken = await ada.call("POST", `/posts/${id}/restore`);
  expect(taken).toMatchObject({ status: 409, body: { code: "POST_PATH_TAKEN" } });
  await ada.call("PATCH", `/posts/${other}`, { path: "b.md" });
  expect((await ada.call("POST", `/posts/${id}/restore`)).body.path).toBe("a.md");
});

test("[PST-13] a post is erased with its versions when its 30 days are over, and not before", async () => {
  const projectId = await createProject(ada);
  const id = await create(projectId, { path: "a.md" });
  await ada.call("PATCH", `/posts/${id}`, { title: "Second" });
  await ada.call("DELETE", `/posts/${id}`);
  const [job] = await server.db.sql<{ days: number }>`
    SELECT extract(epoch FROM run_at - now()) / 86400 AS days FROM jobs
    WHERE task = 'posts.erase' AND input->>'post_id' = ${id}`;
  expect(Number(job?.days)).toBeCloseTo(30, 2);

  await age(id, 29);
  await until("the job to look", async () => (await erasingsOf(id)).length === 1);
  expect(await erasingsOf(id)).toEqual([{ erased: false }]);
  expect((await ada.call("POST", `/posts/${id}/restore`)).status).toBe(200);

  await ada.call("DELETE", `/posts/${id}`);
  await server.db.sql`UPDATE posts SET deleted_at = now() - interval '30 days' WHERE id = ${id}`;
  // Its time is over, whenever the job comes.
  expect((await ada.call("POST", `/posts/${id}/restore`)).status).toBe(404);
  expect(await listTitles(ada, `project_id=${projectId}&deleted=true`)).toEqual([]);
  await age(id, 30);
  await until("the erasing", async () => (await erasingsOf(id)).length === 2);
  expect(await server.db.sql`SELECT FROM posts WHERE id = ${id}`).toHaveLength(0);
  expect(await server.db.sql`SELECT FROM post_versions WHERE post_id = ${id}`).toHaveLength(0);
  expect((await listEvents(server.db.sql, projectId)).at(-1)).toMatchObject({
    event: "post.erased",
    actor_id: null,
    subject: id,
    data: { id, version: 2, path: "a.md" },
  });
});

test("[PST-13] posts and collections are erased with their project", async () => {
  const [doomed, kept] = [await createProject(ada), await createProject(ada)];
  for (const projectId of [doomed, kept]) {
    const id = await create(projectId);
    await ada.call("PATCH", `/posts/${id}`, { title: "Second" });
    const { body } = await ada.call("POST", "/collections", { name: "C", project_id: projectId });
    await ada.call("PUT", `/collections/${body.id}/posts/${id}`);
  }
  const count = async (projectId: string) => {
    const [row] = await server.db.sql<{ counts: number[] }>`
      SELECT ARRAY[(SELECT count(*) FROM posts WHERE project_id = ${projectId}),
        (SELECT count(*) FROM post_versions WHERE project_id = ${projectId}),
        (SELECT count(*) FROM collections WHERE project_id = ${projectId}),
        (SELECT count(*) FROM collection_posts WHERE project_id = ${projectId}),
        (SELECT count(*) FROM paragraphs WHERE project_id = ${projectId})]::int[] AS counts`;
    return [...(row?.counts ?? [])];
  };
  await ada.call("DELETE", `/projects/${doomed}`);
  await server.db.sql`UPDATE jobs SET run_at = now() WHERE task = 'projects.erase'`;
  server.kernel.jobs.wake("low");
  await until("the erasing of the project", async () => (await count(doomed)).every((each) => each === 0));
  expect(await count(kept)).toEqual([1, 1, 1, 1, 1]);
});
