import { afterAll, beforeAll, expect, test } from "bun:test";
import { listEvents, TIME } from "../../testing/expectations.ts";
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

test("[PRJ-12] a user is added by id, once", async () => {
  const id = await createProject(ada);
  const path = `/projects/${id}/collaborators`;
  const answer = await ada.call("POST", path, { user_id: ben.userId, role: "collaborator" });
  expect([answer.status, answer.body]).toEqual([
    201,
    {
      status: "active",
      user_id: ben.userId,
      role: "collaborator",
      invited_at: TIME,
      invited_by: ada.userId,
    },
  ]);
  expect((await ada.call("GET", `/projects/${id}`)).body.collaborator_count).toBe(1);
  const cases: [body: unknown, status: number, code: string][] = [
    [{ user_id: ben.userId, role: "viewer" }, 409, "COLLABORATOR_EXISTS"],
    [{ user_id: ada.userId, role: "viewer" }, 409, "COLLABORATOR_EXISTS"],
    [{ user_id: crypto.randomUUID(), role: "viewer" }, 404, "USER_NOT_FOUND"],
    [{ user_id: "nobody", role: "viewer" }, 422, "INVALID_INPUT"],
    [{ user_id: cleo.userId, role: "owner" }, 422, "INVALID_INPUT"],
    [{ user_id: cleo.userId }, 422, "INVALID_INPUT"],
  ];
  for (const [body, status, code] of cases) {
    const refused = await ada.call("POST", path, body);
    expect([body, refused.status, refused.body.code]).toEqual([body, status, code]);
  }
  expect((await listEvents(server.db.sql, id)).slice(1)).toEqual([
    {
      seq: 2,
      event: "collaborator.added",
      actor_id: ada.userId,
      subject: ben.userId,
      data: { role: "collaborator" },
    },
  ]);
});

test("[PRJ-13] every member lists the collaborators, page by page, without the owner", async () => {
  const id = await createProject(ada);
  const people = [ben, cleo, await signUp(server)];
  for (const person of people) await share(ada, id, person, "viewer");
  const first = await cleo.call("GET", `/projects/${id}/collaborators?limit=2`);
  const rest = await cleo.call(
    "GET",
    `/projects/${id}/collaborators?limit=2&cursor=${first.body.next_cursor}`,
  );
  const items = [...(first.body.items as object[]), ...(rest.body.items as object[])];
  const inOrder = people.map((person) => person.userId).sort();
  expect(items).toEqual(
    inOrder.map((userId) => ({
      status: "active",
      user_id: userId,
      role: "viewer",
      invited_at: TIME,
      invited_by: ada.userId,
    })),
  );
  expect(rest.body.next_cursor).toBeNull();
});

test("[PRJ-14] the owner changes and removes; everyone leaves; others do neither", async () => {
  const id = await createProject(ada);
  const path = `/projects/${id}/collaborators`;
  await share(ada, id, ben, "viewer");
  await share(ada, id, cleo, "collaborator");
  const cases: [who: Person, method: string, path: string, body: unknown, status: number, code?: string][] = [
    [ben, "PATCH", `${path}/${ben.userId}`, { role: "collaborator" }, 403, "PROJECT_FORBIDDEN"],
    [cleo, "PATCH", `${path}/${ben.userId}`, { role: "collaborator" }, 403, "PROJECT_FORBIDDEN"],
    [cleo, "DELETE", `${path}/${ben.userId}`, undefined, 403, "PROJECT_FORBIDDEN"],
    [cleo, "POST", path, { user_id: cleo.userId, role: "viewer" }, 403, "PROJECT_FORBIDDEN"],
    [ada, "PATCH", `${path}/${ben.userId}`, { role: "collaborator" }, 200],
    [ada, "PATCH", `${path}/${ben.userId}`, { role: "collaborator" }, 200],
    [ada, "PATCH", `${path}/${crypto.randomUUID()}`, { role: "viewer" }, 404, "COLLABORATOR_NOT_FOUND"],
    [ada, "DELETE", `${path}/${crypto.randomUUID()}`, undefined, 404, "COLLABORATOR_NOT_FOUND"],
    [ada, "DELETE", `${path}/${ben.userId}`, undefined, 204],
    [ada, "DELETE", `${path}/${ben.userId}`, undefined, 404, "COLLABORATOR_NOT_FOUND"],
    [cleo, "DELETE", `${path}/${cleo.userId}`, undefined, 204],
    [cleo, "DELETE", `${path}/${cleo.userId}`, undefined, 404, "PROJECT_NOT_FOUND"],
  ];
  for (const [who, method, where, body, status, code] of cases) {
    const answer = await who.call(method, where, body);
    expect([method, where, answer.status, answer.body.code]).toEqual([method, where, status, code]);
  }
  expect(
    (await listEvents(server.db.sql, id))
      .slice(3)
      .map(({ event, actor_id, subject, data }) => [event, actor_id, subject, data]),
  ).toEqual([
    ["collaborator.changed", ada.userId, ben.userId, { role: "collaborator" }],
    ["collaborator.removed", ada.userId, ben.userId, {}],
    ["collaborator.removed", cleo.userId, cleo.userId, {}],
  ]);
});

test("[PRJ-15] the owner stays the owner", async () => {
  const id = await createProject(ada);
  const path = `/projects/${id}/collaborators/${ada.userId}`;
  const refused = { status: 409, body: { code: "OWNER_STAYS" } };
  expect(await ada.call("PATCH", path, { role: "viewer" })).toMatchObject(refused);
  expect(await ada.call("DELETE", path)).toMatchObject(refused);
  await share(ada, id, ben, "collaborator");
  expect((await ben.call("DELETE", path)).status).toBe(403);
  expect((await ada.call("GET", `/projects/${id}`)).body).toMatchObject({
    owner_id: ada.userId,
    role: "owner",
  });
});

test("[PRJ-19] ids in capitals name the same project and the same users", async () => {
  const id = await createProject(ada);
  const path = `/projects/${id.toUpperCase()}/collaborators`;
  const capitals = ben.userId.toUpperCase();
  await ada.call("POST", path, { user_id: capitals, role: "viewer" });
  expect((await ada.call("GET", path)).body.items).toEqual([
    expect.objectContaining({ user_id: ben.userId }),
  ]);
  const own = `${path}/${ada.userId.toUpperCase()}`;
  expect((await ada.call("DELETE", own)).body.code).toBe("OWNER_STAYS");
  expect((await ben.call("DELETE", `${path}/${capitals}`)).status).toBe(204);
});
