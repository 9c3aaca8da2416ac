import { afterAll, beforeAll, expect, test } from "bun:test";
import { encodeCursor } from "../../kernel/http/index.ts";
import { createTestClock } from "../../testing/clock.ts";
import { makeKey } from "../../testing/key-refusals.ts";
import { createProject, type Person, send, share, signUp } from "../../testing/requests.ts";
import { openTestServer, type TestServer } from "../../testing/server.ts";
import { until } from "../../testing/until.ts";

const clock = createTestClock();
let server: TestServer;
let ada: Person;
let ben: Person;
let cleo: Person;
beforeAll(async () => {
  server = await openTestServer({ works: false, clock });
  [ada, ben, cleo] = [await signUp(server), await signUp(server), await signUp(server)];
});
afterAll(() => server.stop());

interface Entry {
  readonly id: string;
  readonly at: string;
  readonly action: string;
  readonly actor_id: string | null;
  readonly subject: string;
  readonly address: string | null;
  readonly data: Record<string, unknown>;
}

async function trailOf(projectId: string, query = ""): Promise<Entry[]> {
  const answer = await ada.call("GET", `/audit?project_id=${projectId}&limit=100${query}`);
  expect(answer.status).toBe(200);
  // As auditEntryView describes them.
  return answer.body.items as Entry[];
}

/** Oldest first, without what differs each time. */
async function factsOf(projectId: string): Promise<unknown[]> {
  const entries = await trailOf(projectId);
  return entries
    .toReversed()
    .map(({ action, actor_id, subject, data, address }) => [action, actor_id, subject, data, address]);
}

const denied = async (projectId: string) => trailOf(projectId, "&action=access.denied");

test("[PRJ-60] every change leaves who, what, whom and from where; what changes nothing or fails leaves nothing", async () => {
  const id = await createProject(ada, "Secret plans");
  const path = `/projects/${id}`;
  const collaborators = `${path}/collaborators`;
  await ada.call("PATCH", path, { name: "Secret plans" });
  await ada.call("PATCH", path, { name: "Open plans", description: "All of it" });
  await ada.call("PATCH", path, { status: "archived" });
  await ada.call("PATCH", path, { name: "Refused, for it is archived" });
  await ada.call("PATCH", path, { status: "active" });
  await share(ada, id, ben, "viewer");
  await ada.call("POST", collaborators, { user_id: ben.userId, role: "viewer" });
  await ada.call("PATCH", `${collaborators}/${ben.userId}`, { role: "viewer" });
  await ada.call("PATCH", `${collaborators}/${ben.userId}`, { role: "collaborator" });
  await share(ada, id, cleo, "viewer");
  await ada.call("DELETE", `${collaborators}/${cleo.userId}`);
  await ben.call("DELETE", `${collaborators}/${ben.userId}`);
  await makeKey(ada, id, ["read", "read"]);
  const [key] = (await ada.call("GET", `/api-keys?project_id=${id}`)).body.items as { id: string }[];
  await ada.call("DELETE", `/api-keys/${key?.id}`);
  await ada.call("DELETE", `/api-keys/${key?.id}`);
  const from = "127.0.0.1";
  const [a, b, c] = [ada.userId, ben.userId, cleo.userId];
  expect(await factsOf(id)).toEqual([
    ["project.created", a, id, {}, from],
    ["project.updated", a, id, { fields: ["name", "description"] }, from],
    ["project.archived", a, id, {}, from],
    ["project.unarchived", a, id, {}, from],
    ["collaborator.added", a, b, { role: "viewer" }, from],
    ["collaborator.changed", a, b, { role: "collaborator" }, from],
    ["collaborator.added", a, c, { role: "viewer" }, from],
    ["collaborator.removed", a, c, {}, from],
    ["collaborator.removed", b, b, {}, from],
    ["api_key.created", a, key?.id, { scopes: ["read"], expires_at: null }, from],
    ["api_key.deleted", a, key?.id, {}, from],
  ]);
});

test("[PRJ-60] the deletion of a project is the last entry of its trail", async () => {
  const id = await createProject(ada);
  await ada.call("DELETE", `/projects/${id}`);
  const rows = await server.db.sql<{ action: string; actor_id: string }>`
    SELECT action, actor_id FROM audit_entries WHERE project_id = ${id} ORDER BY at, id`;
  expect(rows.map(({ action, actor_id }) => [action, actor_id])).toEqual([
    ["project.created", ada.userId],
    ["project.deleted", ada.userId],
  ]);
  expect((await ada.call("GET", `/audit?project_id=${id}`)).status).toBe(404);
});

test("[PRJ-61] the trail is filtered by action, actor and time, and paged", async () => {
  const id = await createProject(ada);
  await share(ada, id, ben, "viewer");
  await ben.call("DELETE", `/projects/${id}/collaborators/${ben.userId}`);
  const all = await trailOf(id);
  expect(all.map(({ action }) => action)).toEqual([
    "collaborator.removed",
    "collaborator.added",
    "project.created",
  ]);
  expect(await trailOf(id, "&action=collaborator.added")).toEqual(all.slice(1, 2));
  expect(await trailOf(id, `&actor_id=${ben.userId}`)).toEqual(all.slice(0, 1));
  const [, middle] = all;
  expect(await trailOf(id, `&from=${middle?.at}&to=2999-01-01T00:00:00Z`)).toEqual(all.slice(0, 2));
  expect(await trailOf(id, `&to=${middle?.at}`)).toEqual(all.slice(2));
  const path = `/audit?project_id=${id}&limit=2`;
  const first = await ada.call("GET", path);
  const second = await ada.call("GET", `${path}&cursor=${first.body.next_cursor}`);
  expect([first.body.items, second.body.items]).toEqual([all.slice(0, 2), all.slice(2)]);
  expect(second.body.next_cursor).toBeNull();
  for (const query of [
    "from=yesterday",
    "to=2026-13-01T00:00:00Z",
    "actor_id=x",
    "format=xml",
    "cursor=WzEsMl0",
    `cursor=${encodeCursor([8.64e15, id])}`,
    `cursor=${encodeCursor([-1, id])}`,
  ]) {
    expect([query, (await ada.call("GET", `/audit?project_id=${id}&${query}`)).status]).toEqual([query, 422]);
  }
  const whole = ["from=0000-01-01T00:00:00Z", "to=9999-12-31T23:59:59Z", "from=2026-01-01T00:00:00%2B14:00"];
  for (const query of whole) expect(await trailOf(id, `&${query}`)).toEqual(all);
  expect(await trailOf(id, "&to=0000-01-01T00:00:00Z")).toEqual([]);
});

test("[PRJ-61] all of it comes as NDJSON or CSV, to the owner alone", async () => {
  const id = await createProject(ada);
  await share(ada, id, ben, "collaborator");
  const get = (person: Person, query: string, accept: string) =>
    server.fetch(
      new Request(`http://stoa.test/api/v1/audit?project_id=${id}${query}`, {
        headers: { Authorization: `Bearer ${person.token}`, Accept: accept },
      }),
    );
  const lines = (await (await get(ada, "", "application/x-ndjson")).text()).trimEnd().split("\n");
  expect(lines.map((line) => JSON.parse(line))).toEqual(await trailOf(id));
  const csv = await get(ada, "&format=csv", "application/json");
  expect(csv.headers.get("content-type")).toStartWith("text/csv");
  expect(csv.headers.get("content-disposition")).toBe('attachment; filename="audit.csv"');
  expect((await csv.text()).trimEnd().split("\r\n").length).toBe(3);
  for (const [person, status] of [
    [ben, 403],
    [cleo, 404],
  ] as const) {
    expect((await get(person, "&format=csv", "*/*")).status).toBe(status);
  }
});

test("[PRJ-62] a flood of refusals leaves one entry a minute and person, and strangers leave none", async () => {
  const id = await createProject(ada);
  await share(ada, id, ben, "viewer");
  const rename = (person: Person) => person.call("PATCH", `/projects/${id}`, { name: "Mine" });
  for (let n = 0; n < 20; n++) expect((await rename(ben)).status).toBe(403);
  // In capitals it is the same project.
  await ben.call("GET", `/audit?project_id=${id.toUpperCase()}`);
  await ben.call("POST", "/posts", { title: "T", body: "t", project_id: id });
  expect((await rename(cleo)).status).toBe(404);
  await until("the entry", async () => (await denied(id)).length > 0);
  clock.turn(61_000);
  await ben.call("POST", "/posts", { title: "T", body: "t", project_id: id });
  const entries = await until("the second entry", async () => {
    const found = await denied(id);
    return found.length > 1 ? found : undefined;
  });
  const of = { actor_id: ben.userId, subject: id, address: "127.0.0.1", action: "access.denied" };
  const code = "PROJECT_FORBIDDEN";
  expect(entries).toEqual([
    { ...of, id: expect.any(String), at: expect.any(String), data: { call: "createPost", code } },
    { ...of, id: expect.any(String), at: expect.any(String), data: { call: "changeProject", code } },
  ]);
});

test("[PRJ-62] a key without the scope leaves an entry in its own project, whatever it asked for", async () => {
  const [id, other] = [await createProject(ada), await createProject(ada)];
  const key = await makeKey(ada, id, ["jobs:read"]);
  const answer = await send(server, "GET", `/projects/${other}`, { token: key });
  expect(answer.body.code).toBe("KEY_SCOPE_MISSING");
  const [entry] = await until("the entry", async () => {
    const found = await denied(id);
    return found.length > 0 ? found : undefined;
  });
  expect(entry?.actor_id).toBe(ada.userId);
  expect(entry?.data).toEqual({
    call: "getProject",
    code: "KEY_SCOPE_MISSING",
    api_key_id: expect.any(String),
  });
  expect(await denied(other)).toEqual([]);
});

test("[PRJ-62] a refusal about a thing whose project the request does not name is kept with the account", async () => {
  const id = await createProject(ada);
  const dora = await signUp(server);
  await share(ada, id, dora, "viewer");
  const post = (await ada.call("POST", "/posts", { title: "T", body: "t", project_id: id })).body.id;
  for (let n = 0; n < 5; n++) {
    expect((await dora.call("DELETE", `/posts/${post}`)).status).toBe(403);
  }
  const entries = await until("the entry", async () => {
    const { items } = (await dora.call("GET", "/auth/audit?action=access.denied")).body;
    return Array.isArray(items) && items.length > 0 ? items : undefined;
  });
  expect(entries).toMatchObject([
    { actor_id: dora.userId, subject: post, data: { call: "deletePost", code: "PROJECT_FORBIDDEN" } },
  ]);
  expect(await denied(id)).toEqual([]);
});

test("[PRJ-63] no name, no text and no key is found in any entry", async () => {
  const id = await createProject(ada, "NAME-1");
  await ada.call("PATCH", `/projects/${id}`, { name: "NAME-2", description: "TEXT-3" });
  const key = await makeKey(ada, id, ["read"], { name: "NAME-4" });
  await send(server, "GET", `/posts?author=${key}`, { token: key });
  const rows = await server.db.sql<{ text: string }>`SELECT e::text AS text FROM audit_entries e`;
  const all = rows.map(({ text }) => text).join("\n");
  expect(all).toContain(id);
  for (const secret of ["NAME-", "TEXT-", key, key.slice(5, 15), ada.token, ada.password, ada.email]) {
    expect([secret, all.includes(secret)]).toEqual([secret, false]);
  }
});
