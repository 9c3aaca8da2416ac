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

test("[PRJ-16] what changes nothing announces nothing", async () => {
  const id = await createProject(ada, "Still");
  const before = await ada.call("GET", `/projects/${id}`);
  const same = await ada.call("PATCH", `/projects/${id}`, {
    name: " Still ",
    description: null,
    status: "active",
  });
  expect([same.status, same.body]).toEqual([200, before.body]);
  expect(await listEvents(server.db.sql, id)).toHaveLength(1);
});

test("[PRJ-17] members read it from any number on, in order, page by page", async () => {
  const id = await createProject(ada);
  await share(ada, id, cleo, "viewer");
  for (let index = 0; index < 4; index++)
    await ada.call("PATCH", `/projects/${id}`, { name: `Name ${index}` });
  const all = await cleo.call("GET", `/projects/${id}/events`);
  expect(all.body).toMatchObject({ seq: 6, floor: 1, epoch: expect.any(String) });
  const items = all.body.items as object[];
  expect(items).toHaveLength(6);
  expect(items[1]).toEqual({
    seq: 2,
    id: ID,
    event: "collaborator.added",
    actor_id: ada.userId,
    subject: cleo.userId,
    data: { role: "viewer" },
    at: TIME,
  });
  const numbers = async (query: string) =>
    ((await cleo.call("GET", `/projects/${id}/events?${query}`)).body.items as { seq: number }[]).map(
      (each) => each.seq,
    );
  expect(await numbers("since=2&limit=3")).toEqual([3, 4, 5]);
  expect(await numbers("since=5")).toEqual([6]);
  expect(await numbers("since=6")).toEqual([]);
  expect(await numbers("since=999999999999999")).toEqual([]);
  for (const query of ["since=-1", "since=x", "since=1.5", "limit=0", "limit=1001", "since=1e3", "after=1"]) {
    expect([query, (await cleo.call("GET", `/projects/${id}/events?${query}`)).status]).toEqual([query, 422]);
  }
  expect((await ben.call("GET", `/projects/${id}/events`)).body.code).toBe("PROJECT_NOT_FOUND");
});

test("[PRJ-18] changes of one moment come one after the other", async () => {
  const id = await createProject(ada);
  const path = `/projects/${id}`;
  const people = await Promise.all(Array.from({ length: 6 }, () => signUp(server)));
  const requests = people.flatMap((person) => [
    () => ada.call("POST", `${path}/collaborators`, { user_id: person.userId, role: "viewer" }),
    () => ada.call("POST", `${path}/collaborators`, { user_id: person.userId, role: "collaborator" }),
    () => ada.call("PATCH", path, { name: `of ${person.userId}` }),
  ]);
  const answers = await Promise.all(requests.map((request) => request()));
  const statuses = answers.map((answer) => answer.status).sort();
  expect(statuses).toEqual([...Array(6).fill(200), ...Array(6).fill(201), ...Array(6).fill(409)]);
  expect((await ada.call("GET", path)).body.collaborator_count).toBe(6);
  const events = await listEvents(server.db.sql, id);
  expect(events.map((each) => each.seq)).toEqual(Array.from({ length: 13 }, (_, index) => index + 1));
  expect(events.filter((each) => each.event === "collaborator.added")).toHaveLength(6);
  const last = events.filter((each) => each.event === "project.updated").at(-1);
  const { name } = (await ada.call("GET", path)).body;
  expect(last?.data).toEqual({ fields: ["name"], name });
});

test("[PRJ-18] a change takes no other back that came at the same moment", async () => {
  const path = `/projects/${await createProject(ada)}`;
  for (let round = 0; round < 10; round++) {
    const change = { name: `name ${round}`, description: `description ${round}` };
    await Promise.all([
      ada.call("PATCH", path, { name: change.name }),
      ada.call("PATCH", path, { description: change.description }),
    ]);
    expect((await ada.call("GET", path)).body).toMatchObject(change);
  }
});

test("[PRJ-18] nothing is changed any more once a project is archived", async () => {
  const others = await Promise.all(Array.from({ length: 5 }, () => signUp(server)));
  for (let round = 0; round < 10; round++) {
    const id = await createProject(ada);
    const add = (person: Person) =>
      ada.call("POST", `/projects/${id}/collaborators`, { user_id: person.userId, role: "viewer" });
    const archive = () => ada.call("PATCH", `/projects/${id}`, { status: "archived" });
    const requests = others.map((person) => () => add(person));
    requests.splice(round % 5, 0, archive);
    const answers = await Promise.all(requests.map((request) => request()));
    expect((await listEvents(server.db.sql, id)).at(-1)?.event).toBe("project.archived");
    for (const answer of answers) expect([200, 201, 409]).toContain(answer.status);
  }
});
