import { afterAll, beforeAll, expect, test } from "bun:test";
import { personalStreamId } from "../../kernel/events/index.ts";
import { listEvents } from "../../testing/expectations.ts";
import { createProject, type Person, share, signUp } from "../../testing/requests.ts";
import { openTestServer, type TestServer } from "../../testing/server.ts";

let server: TestServer;
let ada: Person;
let ben: Person;
let cleo: Person;
let projectId: string;
beforeAll(async () => {
  server = await openTestServer({ works: false });
  [ada, ben, cleo] = await Promise.all([
    signUp(server, { name: "Ada" }),
    signUp(server, { name: "Ben Nevis" }),
    signUp(server, { name: "Cleo" }),
    signUp(server, { name: "Dora" }),
  ]);
  projectId = await createProject(ada);
  await share(ada, projectId, ben, "viewer");
  await share(ada, projectId, cleo, "collaborator");
});
afterAll(() => server.stop());

const mentionsOf = async (id: unknown) =>
  (await listEvents(server.db.sql, projectId))
    .filter(({ event, subject }) => event === "post.mentioned" && subject === id)
    .map(({ actor_id, data }) => ({ actor_id, ...data }));

test("[PST-17] who is newly mentioned is named once; not the actor, and no stranger", async () => {
  const created = await ada.call("POST", "/posts", {
    title: "Plan",
    body: "@ben.nevis and @ada ask @dora and @nobody.",
    project_id: projectId,
  });
  const { id } = created.body;
  const first = { actor_id: ada.userId, id, version: 1, path: null, user_ids: [ben.userId] };
  expect(await mentionsOf(id)).toEqual([first]);

  await ada.call("PATCH", `/posts/${id}`, { title: "Plans" });
  await ada.call("PATCH", `/posts/${id}`, { body: "@Ben and @ben-nevis again." });
  expect(await mentionsOf(id)).toEqual([first]);

  await cleo.call("PATCH", `/posts/${id}`, { body: `@Ben, @cleo, @${ada.userId} and \`@dora\`.` });
  expect(await mentionsOf(id)).toEqual([
    first,
    { actor_id: cleo.userId, id, version: 4, path: null, user_ids: [ada.userId] },
  ]);

  await ada.call("PATCH", `/posts/${id}`, { body: "nobody" });
  await ada.call("PATCH", `/posts/${id}`, { body: "@cleo @ben" });
  expect((await mentionsOf(id)).at(-1)).toMatchObject({ user_ids: [cleo.userId, ben.userId] });
  expect((await mentionsOf(id)).length).toBe(3);
});

test("[PST-17] each who is mentioned finds it in the personal stream, with the project", async () => {
  const inStream = async (person: Person) =>
    (await listEvents(server.db.sql, personalStreamId(person.userId)))
      .filter(({ event }) => event === "post.mentioned")
      .map(({ actor_id, subject, data }) => ({ actor_id, subject, ...data }));
  const before = { ben: (await inStream(ben)).length, cleo: (await inStream(cleo)).length };
  const { body } = await ada.call("POST", "/posts", {
    title: "Call",
    body: "@cleo @ben",
    project_id: projectId,
  });
  const id = String(body.id);
  const told = {
    actor_id: ada.userId,
    subject: id,
    id,
    version: 1,
    path: null,
    project_id: projectId,
  };
  expect((await inStream(ben)).slice(before.ben)).toEqual([told]);
  expect((await inStream(cleo)).slice(before.cleo)).toEqual([told]);
  expect((await inStream(ada)).filter(({ subject }) => subject === id)).toEqual([]);
});
