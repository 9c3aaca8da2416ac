import { afterAll, beforeAll, expect, test } from "bun:test";
import { listEvents } from "../../testing/expectations.ts";
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

/** A project of Ada's with a post, and a collection of Ben's in it. */
async function createScene() {
  const projectId = await createProject(ada);
  await share(ada, projectId, ben, "collaborator");
  await share(ada, projectId, cleo, "collaborator");
  const post = await ada.call("POST", "/posts", { title: "A", body: "a", project_id: projectId });
  const made = await ben.call("POST", "/collections", { name: "Best", project_id: projectId });
  return { projectId, postId: String(post.body.id), path: `/collections/${made.body.id}`, id: made.body.id };
}

const leave = (projectId: string) => ben.call("DELETE", `/projects/${projectId}/collaborators/${ben.userId}`);

test("[PST-24] the project's owner changes the collection of who has left, and others do not", async () => {
  const { projectId, postId, path, id } = await createScene();
  const changes: [method: string, path: string, body: unknown, status: number][] = [
    ["PUT", path, { name: "Kept" }, 200],
    ["PUT", `${path}/posts/${postId}`, undefined, 204],
    ["DELETE", `${path}/posts/${postId}`, undefined, 204],
    ["DELETE", path, undefined, 204],
  ];
  const refused = { status: 403, body: { code: "COLLECTION_NOT_YOURS" } };
  for (const [method, where, body] of changes) {
    expect(await ada.call(method, where, body)).toMatchObject(refused);
  }
  await leave(projectId);
  for (const [method, where, body, status] of changes) {
    expect(await cleo.call(method, where, body)).toMatchObject(refused);
    expect((await ada.call(method, where, body)).status).toBe(status);
  }
  const log = (await listEvents(server.db.sql, projectId)).filter(({ subject }) => subject === id);
  expect(log.map(({ event, actor_id }) => [event, actor_id])).toEqual([
    ["collection.created", ben.userId],
    ["collection.updated", ada.userId],
    ["collection.post_added", ada.userId],
    ["collection.post_removed", ada.userId],
    ["collection.deleted", ada.userId],
  ]);
});

test("[PST-24] it can be taken over, and is then the project's owner's", async () => {
  const { projectId, path, id } = await createScene();
  const takeOver = (person: Person) => person.call("POST", `${path}/take-over`);
  const refused = { status: 403, body: { code: "COLLECTION_NOT_YOURS" } };
  expect(await takeOver(ada)).toMatchObject(refused);
  await leave(projectId);
  expect(await takeOver(cleo)).toMatchObject(refused);
  const taken = await takeOver(ada);
  expect([taken.status, taken.body.owner_id, taken.body.name]).toEqual([200, ada.userId, "Best"]);
  expect((await takeOver(ada)).body).toEqual(taken.body);
  expect((await ada.call("GET", path)).body).toEqual(taken.body);
  // Who comes back finds it to be another's.
  await share(ada, projectId, ben, "collaborator");
  expect(await ben.call("PUT", path, { name: "Mine" })).toMatchObject(refused);
  const log = (await listEvents(server.db.sql, projectId)).filter(({ subject }) => subject === id);
  expect(log.slice(1).map(({ event, actor_id, data }) => [event, actor_id, data])).toEqual([
    ["collection.taken_over", ada.userId, { owner_id: ada.userId, previous_owner_id: ben.userId }],
  ]);
});

test("[PST-24] the same holds when its owner only reads any more, and ends when he may write again", async () => {
  const { projectId, path } = await createScene();
  const setRole = (role: string) =>
    ada.call("PATCH", `/projects/${projectId}/collaborators/${ben.userId}`, { role });
  await setRole("viewer");
  expect((await ben.call("PUT", path, { name: "Mine" })).body.code).toBe("PROJECT_FORBIDDEN");
  expect((await ada.call("PUT", path, { name: "Kept" })).status).toBe(200);
  await setRole("collaborator");
  expect((await ada.call("PUT", path, { name: "Again" })).body.code).toBe("COLLECTION_NOT_YOURS");
  expect((await ben.call("PUT", path, { name: "Mine" })).status).toBe(200);
});

test("[PST-24] whoever the project was handed to has the right, and who gave it has not", async () => {
  const { projectId, path } = await createScene();
  await leave(projectId);
  await ada.call("POST", `/projects/${projectId}/hand-over`, { user_id: cleo.userId });
  expect((await ada.call("POST", `${path}/take-over`)).body.code).toBe("COLLECTION_NOT_YOURS");
  expect((await cleo.call("POST", `${path}/take-over`)).body.owner_id).toBe(cleo.userId);
});
