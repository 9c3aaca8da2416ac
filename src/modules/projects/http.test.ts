import { afterAll, beforeAll, expect, test } from "bun:test";
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

test("[PRJ-1] who signs up has a personal project with his own id, and its log", async () => {
  expect(ada.projectId).toBe(ada.userId);
  const answer = await ada.call("GET", `/projects/${ada.userId}`);
  expect(answer).toMatchObject({
    status: 200,
    body: { id: ada.userId, name: "Personal", is_personal: true, owner_id: ada.userId, role: "owner" },
  });
  expect(await listEvents(server.db.sql, ada.userId)).toEqual([
    {
      seq: 1,
      event: "project.created",
      actor_id: ada.userId,
      subject: ada.userId,
      data: { name: "Personal" },
    },
  ]);
});

test("[PRJ-2] a personal project is not shared, archived or deleted, but renamed", async () => {
  const path = `/projects/${ada.userId}`;
  const refused = { status: 409, body: { code: "PERSONAL_PROJECT" } };
  const share = { user_id: ben.userId, role: "viewer" };
  expect(await ada.call("POST", `${path}/collaborators`, share)).toMatchObject(refused);
  expect(await ada.call("PATCH", path, { status: "archived" })).toMatchObject(refused);
  expect(await ada.call("PATCH", path, { name: "x", status: "archived" })).toMatchObject(refused);
  expect(await ada.call("DELETE", path)).toMatchObject(refused);
  expect((await ada.call("PATCH", path, { name: "Notes" })).body).toMatchObject({
    name: "Notes",
    status: "active",
  });
  expect((await listEvents(server.db.sql, ada.userId)).map((each) => each.event)).toEqual([
    "project.created",
    "project.updated",
  ]);
});

test("[PRJ-3] a new project is the owner's and nobody else sees it", async () => {
  const answer = await ada.call("POST", "/projects", { name: "  Agora  ", description: " A place. " });
  expect(answer.status).toBe(201);
  const id = String(answer.body.id);
  expect(answer.body).toEqual({
    id: ID,
    name: "Agora",
    description: "A place.",
    status: "active",
    is_personal: false,
    owner_id: ada.userId,
    role: "owner",
    collaborator_count: 0,
    created_at: TIME,
    updated_at: TIME,
    deletes_at: null,
    live_url: `http://localhost:0/api/v1/projects/${id}/live`,
  });
  expect((await ada.call("GET", `/projects/${id}`)).body).toEqual(answer.body);
  expect(await ben.call("GET", `/projects/${id}`)).toMatchObject({
    status: 404,
    body: { code: "PROJECT_NOT_FOUND" },
  });
  expect(await listEvents(server.db.sql, id)).toEqual([
    { seq: 1, event: "project.created", actor_id: ada.userId, subject: id, data: { name: "Agora" } },
  ]);
});

test("[PRJ-3] bad input is named field by field", async () => {
  const cases: [body: unknown, path: string][] = [
    [{}, "name"],
    [{ name: "" }, "name"],
    [{ name: "   " }, "name"],
    [{ name: "x".repeat(201) }, "name"],
    [{ name: 7 }, "name"],
    [{ name: "Agora", description: "x".repeat(2_001) }, "description"],
    [{ name: "Agora", owner_id: ben.userId }, "owner_id"],
    [{ name: "Agora", id: ben.userId }, "id"],
    [{ name: "half \ud800" }, "name"],
  ];
  for (const [body, path] of cases) {
    const answer = await ada.call("POST", "/projects", body);
    expect([body, answer.status, answer.body.errors]).toEqual([
      body,
      422,
      [{ path, message: expect.any(String) }],
    ]);
  }
});

test("[PRJ-4] one's projects are listed newest first, page by page, each once", async () => {
  const person = await signUp(server);
  const made: string[] = [];
  for (let index = 0; index < 5; index++) made.push(await createProject(person, `Project ${index}`));
  const shared = await createProject(ada, "Shared");
  await share(ada, shared, person, "viewer");
  const gone = await createProject(person, "Gone");
  await person.call("DELETE", `/projects/${gone}`);
  const listed: unknown[] = [];
  for (let cursor: unknown = ""; cursor !== null; ) {
    const query = cursor === "" ? "" : `&cursor=${cursor}`;
    const { body } = await person.call("GET", `/projects?limit=2${query}`);
    const items = body.items as { id: string; role: string }[];
    expect(items.length).toBeLessThanOrEqual(2);
    listed.push(...items.map((item) => `${item.id} ${item.role}`));
    cursor = body.next_cursor;
  }
  const own = [person.userId, ...made].map((id) => `${id} owner`);
  expect(listed).toEqual([`${shared} viewer`, ...own.reverse()]);
  expect(await person.call("GET", "/projects?cursor=nonsense")).toMatchObject({
    body: { code: "INVALID_CURSOR" },
  });
});

test("[PRJ-5] the owner renames and describes, others do not", async () => {
  const id = await createProject(ada);
  await share(ada, id, ben, "collaborator");
  await share(ada, id, cleo, "viewer");
  const path = `/projects/${id}`;
  for (const person of [ben, cleo]) {
    expect(await person.call("PATCH", path, { name: "Mine" })).toMatchObject({
      status: 403,
      body: { code: "PROJECT_FORBIDDEN" },
    });
  }
  const before = await ada.call("GET", path);
  const answer = await ada.call("PATCH", path, { name: "Peristyle", description: "Columns all round." });
  expect(answer.body).toEqual({
    ...before.body,
    name: "Peristyle",
    description: "Columns all round.",
    updated_at: TIME,
  });
  expect(String(answer.body.updated_at) > String(before.body.updated_at)).toBe(true);
  expect((await ada.call("PATCH", path, { description: null })).body).toMatchObject({ description: null });
  expect((await ada.call("PATCH", path, {})).status).toBe(422);
  expect((await ada.call("PATCH", path, { role: "viewer" })).status).toBe(422);
});

test("[PRJ-6] an archived project is read as before and takes no changes until it is back", async () => {
  const id = await createProject(ada);
  const path = `/projects/${id}`;
  await share(ada, id, ben, "collaborator");
  await share(ada, id, cleo, "viewer");
  expect((await ben.call("PATCH", path, { status: "archived" })).status).toBe(403);
  expect((await ada.call("PATCH", path, { status: "archived" })).body).toMatchObject({ status: "archived" });

  const refused = { status: 409, body: { code: "PROJECT_ARCHIVED" } };
  expect(await ada.call("PATCH", path, { name: "New" })).toMatchObject(refused);
  expect(await ada.call("PATCH", path, { name: "New", status: "archived" })).toMatchObject(refused);
  const collaborators = `${path}/collaborators`;
  expect(await ada.call("POST", collaborators, { user_id: ada.userId, role: "viewer" })).toMatchObject(
    refused,
  );
  expect(await ada.call("PATCH", `${collaborators}/${ben.userId}`, { role: "viewer" })).toMatchObject(
    refused,
  );

  expect((await cleo.call("GET", path)).body).toMatchObject({ status: "archived", role: "viewer" });
  expect((await cleo.call("GET", `${path}/events`)).status).toBe(200);
  expect((await ben.call("DELETE", `${collaborators}/${ben.userId}`)).status).toBe(204);
  expect((await ada.call("DELETE", `${collaborators}/${cleo.userId}`)).status).toBe(204);

  const back = await ada.call("PATCH", path, { name: "New", status: "active" });
  expect(back.body).toMatchObject({ name: "New", status: "active" });
  expect((await listEvents(server.db.sql, id)).slice(3)).toEqual([
    { seq: 4, event: "project.archived", actor_id: ada.userId, subject: id, data: {} },
    { seq: 5, event: "collaborator.removed", actor_id: ben.userId, subject: ben.userId, data: {} },
    { seq: 6, event: "collaborator.removed", actor_id: ada.userId, subject: cleo.userId, data: {} },
    {
      seq: 7,
      event: "project.updated",
      actor_id: ada.userId,
      subject: id,
      data: { fields: ["name"], name: "New" },
    },
    { seq: 8, event: "project.unarchived", actor_id: ada.userId, subject: id, data: {} },
  ]);
});

test("[PRJ-7] a deleted project is gone for everyone at once", async () => {
  const id = await createProject(ada);
  await share(ada, id, ben, "collaborator");
  expect((await ben.call("DELETE", `/projects/${id}`)).status).toBe(403);
  expect((await ada.call("DELETE", `/projects/${id}`)).status).toBe(204);
  const requests: [method: string, path: string, body?: unknown][] = [
    ["GET", `/projects/${id}`],
    ["PATCH", `/projects/${id}`, { status: "active" }],
    ["DELETE", `/projects/${id}`],
    ["GET", `/projects/${id}/events`],
    ["GET", `/projects/${id}/collaborators`],
    ["POST", `/projects/${id}/collaborators`, { user_id: cleo.userId, role: "viewer" }],
    ["PATCH", `/projects/${id}/collaborators/${ben.userId}`, { role: "viewer" }],
    ["DELETE", `/projects/${id}/collaborators/${ben.userId}`],
  ];
  for (const person of [ada, ben]) {
    for (const [method, path, body] of requests) {
      const answer = await person.call(method, path, body);
      expect([method, path, answer.status, answer.body.code]).toEqual([
        method,
        path,
        404,
        "PROJECT_NOT_FOUND",
      ]);
    }
    const { items } = (await person.call("GET", "/projects?limit=100")).body;
    expect((items as { id: string }[]).map((item) => item.id)).not.toContain(id);
  }
  expect((await listEvents(server.db.sql, id)).at(-1)).toEqual({
    seq: 3,
    event: "project.deleted",
    actor_id: ada.userId,
    subject: id,
    data: {},
  });
});

test("[PRJ-11] a change of role counts from the next request on", async () => {
  const id = await createProject(ada);
  const path = `/projects/${id}`;
  await share(ada, id, ben, "viewer");
  expect((await ben.call("GET", path)).body.role).toBe("viewer");
  await ada.call("PATCH", `${path}/collaborators/${ben.userId}`, { role: "collaborator" });
  expect((await ben.call("GET", path)).body.role).toBe("collaborator");
  await ada.call("DELETE", `${path}/collaborators/${ben.userId}`);
  expect((await ben.call("GET", path)).status).toBe(404);
});
