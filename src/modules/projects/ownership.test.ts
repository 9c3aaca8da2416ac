import { afterAll, beforeAll, expect, test } from "bun:test";
import { personalStreamId } from "../../kernel/events/index.ts";
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

async function createShared(): Promise<string> {
  const id = await createProject(ada);
  await share(ada, id, ben, "viewer");
  await share(ada, id, cleo, "collaborator");
  return id;
}

const handOver = (from: Person, id: string, to: string) =>
  from.call("POST", `/projects/${id}/hand-over`, { user_id: to });

const listOwners = async (id: string) =>
  (
    await server.db.sql<{ user_id: string }>`
      SELECT m.user_id FROM project_members m JOIN projects p ON p.id = m.project_id AND p.owner_id = m.user_id
      WHERE m.project_id = ${id} AND m.role = 'owner'`
  ).map((row) => row.user_id);

test("[PRJ-27] a project is handed over to a collaborator, and the owner becomes one", async () => {
  const id = await createShared();
  const given = await handOver(ada, id, ben.userId);
  expect([given.status, given.body]).toEqual([
    200,
    expect.objectContaining({ id, owner_id: ben.userId, role: "collaborator", collaborator_count: 2 }),
  ]);
  expect((await ben.call("GET", `/projects/${id}`)).body).toMatchObject({
    owner_id: ben.userId,
    role: "owner",
  });
  expect((await ada.call("PATCH", `/projects/${id}`, { name: "Mine" })).status).toBe(403);
  expect((await ben.call("PATCH", `/projects/${id}`, { name: "Ben's" })).status).toBe(200);
  const { items } = (await ben.call("GET", `/projects/${id}/collaborators`)).body;
  expect((items as { user_id: string; role: string }[]).map((one) => [one.user_id, one.role]).sort()).toEqual(
    [
      [ada.userId, "collaborator"],
      [cleo.userId, "collaborator"],
    ].sort(),
  );
  const event = {
    event: "project.handed_over",
    actor_id: ada.userId,
    subject: id,
    data: { owner_id: ben.userId, previous_owner_id: ada.userId },
  };
  expect(await listEvents(server.db.sql, id)).toContainEqual(expect.objectContaining(event));
  const personal = await listEvents(server.db.sql, personalStreamId(ben.userId));
  expect(personal.at(-1)).toMatchObject(event);
});

test("[PRJ-27] only the owner hands over, only to a collaborator, and never the personal project", async () => {
  const id = await createShared();
  const dora = await signUp(server);
  const cases: [who: Person, projectId: string, to: string, status: number, code: string][] = [
    [cleo, id, cleo.userId, 403, "PROJECT_FORBIDDEN"],
    [ben, id, ben.userId, 403, "PROJECT_FORBIDDEN"],
    [dora, id, dora.userId, 404, "PROJECT_NOT_FOUND"],
    [ada, id, dora.userId, 404, "COLLABORATOR_NOT_FOUND"],
    [ada, id, ada.userId, 404, "COLLABORATOR_NOT_FOUND"],
    [ada, id, crypto.randomUUID(), 404, "COLLABORATOR_NOT_FOUND"],
    [ada, ada.projectId, ben.userId, 409, "PERSONAL_PROJECT"],
  ];
  for (const [who, projectId, to, status, code] of cases) {
    const answer = await handOver(who, projectId, to);
    expect([answer.status, answer.body.code]).toEqual([status, code]);
  }
  expect(await listOwners(id)).toEqual([ada.userId]);
});

test("[PRJ-28] an owner leaves only after handing over", async () => {
  const id = await createShared();
  const leave = () => ada.call("DELETE", `/projects/${id}/collaborators/${ada.userId}`);
  expect((await leave()).body.code).toBe("OWNER_STAYS");
  await handOver(ada, id, cleo.userId);
  expect((await leave()).status).toBe(204);
  expect((await ada.call("GET", `/projects/${id}`)).status).toBe(404);
  expect(await listOwners(id)).toEqual([cleo.userId]);
});

test("[PRJ-28] of two hand-overs at once one happens", async () => {
  for (let round = 0; round < 10; round++) {
    const id = await createShared();
    const answers = await Promise.all([handOver(ada, id, ben.userId), handOver(ada, id, cleo.userId)]);
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 403]);
    expect(await listOwners(id)).toEqual([answers[0]?.status === 200 ? ben.userId : cleo.userId]);
  }
});

test("[PRJ-28] of a hand-over and the leaving of who would get it one happens", async () => {
  for (let round = 0; round < 10; round++) {
    const id = await createShared();
    const answers = await Promise.all([
      handOver(ada, id, ben.userId),
      ben.call("DELETE", `/projects/${id}/collaborators/${ben.userId}`),
    ]);
    const isHandedOver = answers[0]?.status === 200;
    expect(answers.map(({ status }) => status)).toEqual(isHandedOver ? [200, 409] : [404, 204]);
    expect(await listOwners(id)).toEqual([isHandedOver ? ben.userId : ada.userId]);
  }
});
