import { afterAll, beforeAll, expect, test } from "bun:test";
import { createHash, randomBytes } from "node:crypto";
import { bestOf, msOf } from "../../testing/best-of.ts";
import { openAgain } from "../../testing/database.ts";
import { ID, TIME } from "../../testing/expectations.ts";
import { makeKey } from "../../testing/key-refusals.ts";
import {
  type Answering,
  createProject,
  logIn,
  type Person,
  send,
  share,
  signUp,
} from "../../testing/requests.ts";
import { openTestServer, type TestServer } from "../../testing/server.ts";
import { until } from "../../testing/until.ts";
import { newApiKey } from "./api-key.ts";

const secretKey = randomBytes(32).toString("base64");
let here: TestServer;
/** A second process of the same installation. */
let there: TestServer;
let ada: Person;
let ben: Person;
beforeAll(async () => {
  here = await openTestServer({ works: false, secretKey });
  there = await openTestServer({ works: false, secretKey, db: openAgain(here.db) });
  [ada, ben] = [await signUp(here), await signUp(here)];
});
afterAll(async () => {
  await there.stop();
  await here.stop();
});

const read = async (server: Answering, token: string, projectId: string) =>
  (await send(server, "GET", `/projects/${projectId}`, { token })).status;

async function idOf(projectId: string): Promise<string> {
  const [key] = (await ada.call("GET", `/api-keys?project_id=${projectId}`)).body.items as { id: string }[];
  return key?.id ?? "";
}

/** Both have seen the key, so that both remember it. */
async function seenByBoth(token: string, projectId: string): Promise<void> {
  expect([await read(here, token, projectId), await read(there, token, projectId)]).toEqual([200, 200]);
}

const dead = (server: Answering, token: string, projectId: string) =>
  until("the key to be dead", async () => (await read(server, token, projectId)) === 401);

test("[PRJ-40] a key is shown once, listed without its text, kept as its SHA-256, and ended", async () => {
  const id = await createProject(ada);
  const expires = "2999-01-01T00:00:00.000Z";
  const body = { name: "  Robot ", scopes: ["read", "jobs:read"], expires_at: expires, project_id: id };
  const made = await ada.call("POST", "/api-keys", body);
  const { key, ...shown } = made.body;
  expect(made.status).toBe(201);
  expect(made.headers.get("Cache-Control")).toBe("no-store");
  expect(shown).toEqual({
    id: ID,
    project_id: id,
    name: "Robot",
    hint: String(key).slice(0, 9),
    scopes: ["read", "jobs:read"],
    created_by: ada.userId,
    created_at: TIME,
    expires_at: expires,
    last_used_at: null,
  });
  expect((await ada.call("GET", `/api-keys?project_id=${id}`)).body).toEqual({
    items: [shown],
    next_cursor: null,
  });
  const [row] = await here.db.sql<{ text: string; hash: Uint8Array }>`
    SELECT k::text AS text, hash FROM api_keys k WHERE id = ${shown.id}`;
  expect(Buffer.from(row?.hash ?? []).toString("hex")).toBe(
    createHash("sha256").update(String(key)).digest("hex"),
  );
  expect(row?.text).not.toContain(String(key).slice(5, 15));
  expect((await ada.call("DELETE", `/api-keys/${shown.id}`)).status).toBe(204);
  expect((await ada.call("DELETE", `/api-keys/${shown.id}`)).body.code).toBe("API_KEY_NOT_FOUND");
  expect((await ada.call("GET", `/api-keys?project_id=${id}`)).body.items).toEqual([]);
});

test("[PRJ-40] a key without scopes, with one that there is not, or that has ended already is refused", async () => {
  const wish = { name: "Robot", scopes: ["read"] };
  const cases: [change: object, path: string][] = [
    [{ scopes: [] }, "scopes"],
    [{ scopes: ["admin"] }, "scopes.0"],
    [{ scopes: ["toString"] }, "scopes.0"],
    [{ name: "" }, "name"],
    [{ name: "a\nb" }, "name"],
    [{ expires_at: "2020-01-01T00:00:00Z" }, "expires_at"],
    [{ expires_at: "soon" }, "expires_at"],
    [{ expires_at: 4102444800 }, "expires_at"],
  ];
  for (const [change, path] of cases) {
    const { status, body } = await ada.call("POST", "/api-keys", { ...wish, ...change });
    const [error] = (body.errors ?? []) as { path: string }[];
    expect([change, status, error?.path]).toEqual([change, 422, path]);
  }
});

test("[PRJ-46] CVE-2025-61928: no body makes a key for another, whether a user or nobody asks", async () => {
  const wish = { name: "Robot", scopes: ["write"] };
  for (const who of ["user_id", "userId", "created_by", "owner_id", "actor_id", "user", "session"]) {
    const body = { ...wish, [who]: ben.userId };
    expect([who, (await ada.call("POST", "/api-keys", body)).status]).toEqual([who, 422]);
    expect([who, (await send(here, "POST", "/api-keys", { body })).status]).toEqual([who, 401]);
  }
  expect((await send(here, "POST", "/api-keys", { body: { ...wish, project_id: ben.userId } })).status).toBe(
    401,
  );
  expect((await ada.call("POST", "/api-keys", { ...wish, project_id: ben.userId })).status).toBe(404);
  const rows = await here.db.sql`SELECT FROM api_keys WHERE created_by = ${ben.userId}`;
  expect(rows.length).toBe(0);
});

test("[PRJ-42] a key that may all that keys may still makes, sees and ends none, and adds no one", async () => {
  const id = await createProject(ada);
  const token = await makeKey(ada, id, ["write"]);
  const calls: [method: string, path: string, body?: unknown][] = [
    ["POST", "/api-keys", { name: "Child", scopes: ["write"], project_id: id }],
    ["GET", `/api-keys?project_id=${id}`],
    ["DELETE", `/api-keys/${await idOf(id)}`],
    ["POST", `/projects/${id}/collaborators`, { user_id: ben.userId, role: "viewer" }],
    ["PATCH", `/projects/${id}`, { name: "Mine" }],
    ["DELETE", `/projects/${id}`],
    ["GET", `/audit?project_id=${id}`],
    ["GET", "/projects"],
    ["GET", "/auth/me"],
    ["GET", "/auth/sessions"],
    ["POST", "/auth/logout"],
  ];
  for (const [method, path, body] of calls) {
    const answer = await send(here, method, path, { token, body });
    expect([method, path, answer.body.code]).toEqual([method, path, "KEY_NOT_ALLOWED"]);
  }
  expect(await read(here, token, id)).toBe(200);
});

test("[PRJ-44] a key is a stranger outside its project, also where its creator is at home", async () => {
  const [id, other] = [await createProject(ada), await createProject(ada)];
  const token = await makeKey(ada, id, ["write"]);
  const text = { title: "T", body: "t" };
  const post = (await ada.call("POST", "/posts", { ...text, project_id: other })).body.id;
  const mine = (await ada.call("POST", "/posts", text)).body.id;
  const collection = (await ada.call("POST", "/collections", { name: "C", project_id: other })).body.id;
  const calls: [method: string, path: string, body?: unknown][] = [
    ["GET", `/projects/${other}`],
    ["GET", `/projects/${other}/events`],
    ["GET", `/projects/${ada.userId}`],
    ["GET", `/posts?project_id=${other}`],
    ["GET", `/posts?project_id=${ada.userId}`],
    ["GET", `/posts/${post}`],
    ["GET", `/posts/${mine}`],
    ["PUT", `/posts/${post}`, text],
    ["DELETE", `/posts/${mine}`],
    ["POST", "/posts", { ...text, project_id: other }],
    ["POST", "/posts", { ...text, project_id: ada.userId }],
    ["DELETE", `/collections/${collection}`],
    ["GET", `/paragraphs?project_id=${ada.userId}`],
    ["POST", "/paragraphs", { paragraphs: ["A text."], project_id: ada.userId }],
    ["POST", "/paragraphs", { paragraphs: ["A text.", "Another."], project_id: other }],
  ];
  for (const [method, path, body] of calls) {
    const answer = await send(here, method, path, { token, body });
    expect([method, path, answer.status]).toEqual([method, path, 404]);
  }
});

test("[PRJ-44] a call that names no project means the key's, and a key of a personal project stays in it", async () => {
  const id = await createProject(ada);
  const token = await makeKey(ada, id, ["write"]);
  const body = { paragraphs: ["The whale."] };
  const made = await send(here, "POST", "/paragraphs", { token, body });
  expect(made.status).toBe(202);
  const listed = await send(here, "GET", "/paragraphs", { token });
  const [paragraph] = listed.body.items as { project_id: string }[];
  expect(paragraph?.project_id).toBe(id);
  expect((await send(here, "GET", `/jobs/${made.body.job_id}`, { token })).status).toBe(200);
  const personal = await makeKey(ada, ada.userId, ["write"]);
  expect((await send(here, "POST", "/paragraphs", { token: personal, body })).status).toBe(202);
  expect([await read(here, personal, ada.userId), await read(here, personal, id)]).toEqual([200, 404]);
});

test("[PRJ-45] what a key writes has its creator as author, in the rows and in the log", async () => {
  const id = await createProject(ada);
  const token = await makeKey(ada, id, ["write"]);
  const post = await send(here, "POST", "/posts", { token, body: { title: "T", body: "t" } });
  await send(here, "POST", "/paragraphs", { token, body: { paragraphs: ["A text."] } });
  expect(post.body.author_id).toBe(ada.userId);
  const [paragraph] = (await ada.call("GET", `/paragraphs?project_id=${id}&author=me`)).body
    .items as object[];
  expect(paragraph).toMatchObject({ author_id: ada.userId });
  const { items } = (await ada.call("GET", `/projects/${id}/events`)).body;
  const events = items as { event: string; actor_id: string }[];
  expect(events.map(({ event, actor_id }) => [event, actor_id])).toEqual([
    ["project.created", ada.userId],
    ["post.created", ada.userId],
    ["paragraphs.created", ada.userId],
  ]);
});

test("[PRJ-45] a creator who is owner no more lends his key no more than he still has", async () => {
  const id = await createProject(ada);
  await share(ada, id, ben, "viewer");
  const token = await makeKey(ada, id, ["write"]);
  const write = () => send(here, "POST", "/posts", { token, body: { title: "T", body: "t" } });
  expect((await write()).status).toBe(201);
  // As a hand-over of ownership leaves it.
  const give = (to: string, role: string, then: string) =>
    here.db.transaction(async (tx) => {
      await tx`UPDATE project_members SET role = ${role} WHERE project_id = ${id} AND user_id = ${ada.userId}`;
      await tx`UPDATE project_members SET role = ${then} WHERE project_id = ${id} AND user_id = ${to}`;
    });
  await give(ben.userId, "collaborator", "owner");
  expect((await write()).status).toBe(201);
  await give(ben.userId, "viewer", "owner");
  expect((await write()).body.code).toBe("PROJECT_FORBIDDEN");
  expect(await read(here, token, id)).toBe(200);
});

test("[PRJ-47] a key that was ended is dead here at once, and within a second in the other process", async () => {
  const tookMs = await bestOf(1_000, async () => {
    const id = await createProject(ada);
    const token = await makeKey(ada, id, ["read"]);
    await seenByBoth(token, id);
    await ada.call("DELETE", `/api-keys/${await idOf(id)}`);
    expect(await read(here, token, id)).toBe(401);
    return msOf(() => dead(there, token, id));
  });
  expect(tookMs).toBeLessThan(1_000);
});

test("[PRJ-47] the keys of a project that was deleted are dead", async () => {
  const tookMs = await bestOf(1_000, async () => {
    const id = await createProject(ada);
    const token = await makeKey(ada, id, ["read"]);
    await seenByBoth(token, id);
    await ada.call("DELETE", `/projects/${id}`);
    expect(await read(here, token, id)).toBe(401);
    // Between the two it is not there, since its project is not.
    expect([401, 404]).toContain(await read(there, token, id));
    return msOf(() => dead(there, token, id));
  });
  expect(tookMs).toBeLessThan(1_000);
});

test("[PRJ-49] with who leaves go the keys that he made", async () => {
  const id = await createProject(ada);
  await share(ada, id, ben, "viewer");
  const token = await makeKey(ada, id, ["read"]);
  await here.db.transaction(async (tx) => {
    await tx`UPDATE project_members SET role = 'viewer' WHERE project_id = ${id} AND user_id = ${ada.userId}`;
    await tx`UPDATE project_members SET role = 'owner' WHERE project_id = ${id} AND user_id = ${ben.userId}`;
    await tx`UPDATE projects SET owner_id = ${ben.userId} WHERE id = ${id}`;
  });
  await seenByBoth(token, id);
  expect((await ada.call("DELETE", `/projects/${id}/collaborators/${ada.userId}`)).status).toBe(204);
  expect(await read(here, token, id)).toBe(401);
  await dead(there, token, id);
  const trail = (await ben.call("GET", `/audit?project_id=${id}&action=api_key.deleted`)).body.items;
  expect(trail).toMatchObject([{ actor_id: ada.userId }]);
  // Coming back brings no key back.
  await share(ben, id, ada, "viewer");
  expect(await read(here, token, id)).toBe(401);
});

test("[PRJ-52] no text that is no key of ours gets in, and no other kind of token is taken for one", async () => {
  const id = await createProject(ada);
  const token = await makeKey(ada, id, ["read"]);
  const others = [
    newApiKey(),
    `${token.slice(0, -1)}${token.endsWith("0") ? "1" : "0"}`,
    `${token}0`,
    token.slice(0, -1),
    token.toLowerCase(),
    token.toUpperCase(),
    `stoa_${"0".repeat(38)}`,
    `stoa_${ada.token}`,
    "stoa_",
    `stoa_${"a".repeat(5_000)}`,
    ada.refreshToken,
  ];
  for (const other of others) expect([other, await read(here, other, id)]).toEqual([other, 401]);
  for (const path of [`/projects/${id}?api_key=${token}`, `/projects/${id}?access_token=${token}`]) {
    expect((await send(here, "GET", path)).status).toBe(401);
  }
  expect((await send(here, "POST", "/auth/refresh", { body: { refresh_token: token } })).status).toBe(401);
  expect(await read(here, token, id)).toBe(200);
});

test("[PRJ-53] a project has at most 100 keys, also when they are asked for at once", async () => {
  const id = await createProject(ada);
  await here.db.sql`INSERT INTO api_keys (id, project_id, name, hint, hash, scopes, created_by)
    SELECT gen_random_uuid(), ${id}, 'Robot', 'stoa_', sha256(n::text::bytea || ${Buffer.from(id)}::bytea), '{read}', ${ada.userId}
    FROM generate_series(1, 98) n`;
  const answers = await Promise.all(
    Array.from({ length: 6 }, () =>
      ada.call("POST", "/api-keys", { name: "Robot", scopes: ["read"], project_id: id }),
    ),
  );
  expect(answers.map(({ status }) => status).sort()).toEqual([201, 201, 409, 409, 409, 409]);
  expect(answers.find(({ status }) => status === 409)?.body.code).toBe("API_KEY_LIMIT");
});

test("[PRJ-54] an Idempotency-Key of a key, of its creator and of another key are three", async () => {
  const id = await createProject(ada);
  const [one, two] = [await makeKey(ada, id, ["write"]), await makeKey(ada, id, ["write"])];
  const headers = { "Idempotency-Key": "same" };
  const body = { title: "T", body: "t", project_id: id };
  const post = async (token: string) => {
    const answer = await send(here, "POST", "/posts", { token, body, headers });
    return [answer.body.id, answer.headers.get("Idempotency-Replayed")] as const;
  };
  const made = [await post(one), await post(two), await post(ada.token)];
  expect(new Set(made.map(([postId]) => postId)).size).toBe(3);
  expect(made.map(([, replayed]) => replayed)).toEqual([null, null, null]);
  expect(await post(one)).toEqual([made[0]?.[0], "true"]);
});

test("[PRJ-55] the live feed takes no key", async () => {
  const id = await createProject(ada);
  const token = await makeKey(ada, id, ["write"]);
  expect((await send(here, "GET", `/projects/${id}/live`, { token })).status).toBe(401);
  expect((await send(here, "GET", `/projects/${id}/live?access_token=${token}`)).status).toBe(401);
  expect((await send(here, "POST", "/live/tickets", { token })).body.code).toBe("KEY_NOT_ALLOWED");
});

test("[PRJ-42] signing out everywhere ends no key: it belongs to the project", async () => {
  const id = await createProject(ada);
  const device = await logIn(here, ada.email);
  const token = await makeKey(device, id, ["read"]);
  await device.call("POST", "/auth/logout");
  expect(await read(here, token, id)).toBe(200);
});
