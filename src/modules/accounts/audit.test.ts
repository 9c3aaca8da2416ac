import { afterAll, beforeAll, expect, test } from "bun:test";
import { TIME } from "../../testing/expectations.ts";
import { logIn, type Person, send, signUp } from "../../testing/requests.ts";
import { openTestServer, type TestServer } from "../../testing/server.ts";
import { until } from "../../testing/until.ts";

let server: TestServer;
let ada: Person;
let ben: Person;
beforeAll(async () => {
  server = await openTestServer({ works: false });
  [ada, ben] = [await signUp(server), await signUp(server)];
});
afterAll(() => server.stop());

interface Entry {
  readonly action: string;
  readonly actor_id: string | null;
  readonly subject: string;
  readonly address: string | null;
  readonly data: Record<string, unknown>;
}

async function trailOf(person: Person, query = ""): Promise<Entry[]> {
  const answer = await person.call("GET", `/auth/audit?limit=100${query}`);
  expect(answer.status).toBe(200);
  // As auditEntryView describes them.
  return answer.body.items as Entry[];
}

async function sessionOf(person: Person): Promise<string> {
  return String((await person.call("GET", "/auth/verify")).body.session_id);
}

/** The newest of what a new person's doing has left, once there is as much as expected. */
async function expectNewest(
  person: Person,
  expected: (Pick<Entry, "action"> & Partial<Entry>)[],
): Promise<void> {
  const entries = await until(`${expected.length} entries`, async () => {
    const found = await trailOf(person);
    return found.length >= expected.length ? found : undefined;
  });
  expect(entries.slice(0, expected.length)).toEqual(
    expected.map((entry) => ({
      id: expect.any(String),
      at: TIME,
      actor_id: person.userId,
      subject: person.userId,
      address: "127.0.0.1",
      data: {},
      ...entry,
    })),
  );
}

test("[AUD-20] signing up, in and out, by oneself or from another device, is recorded", async () => {
  const cleo = await signUp(server);
  const [first, second] = [await sessionOf(cleo), await sessionOf(await logIn(server, cleo.email))];
  await cleo.call("DELETE", `/auth/sessions/${second}`);
  const again = await logIn(server, cleo.email);
  const third = await sessionOf(again);
  await again.call("POST", "/auth/logout");
  await expectNewest(cleo, [
    { action: "session.ended", data: { session_id: third, reason: "logout" } },
    { action: "login.succeeded", data: { session_id: third } },
    { action: "session.ended", data: { session_id: second, reason: "removed" } },
    { action: "login.succeeded", data: { session_id: second } },
    { action: "login.succeeded", data: { session_id: first } },
    { action: "account.created" },
  ]);
});

test("[AUD-20] a used refresh token shown again is recorded once, by nobody that is known", async () => {
  const cleo = await signUp(server);
  const sessionId = await sessionOf(cleo);
  const refresh = () => send(server, "POST", "/auth/refresh", { body: { refresh_token: cleo.refreshToken } });
  expect((await refresh()).status).toBe(200);
  await until("the receipt of the answer", async () => {
    const rows = await server.db
      .sql`SELECT FROM sessions WHERE id = ${sessionId} AND answered_counter = counter`;
    return rows.length > 0;
  });
  await server.db.sql`UPDATE sessions SET rotated_at = now() - interval '11 seconds' WHERE id = ${sessionId}`;
  expect([(await refresh()).status, (await refresh()).status]).toEqual([401, 401]);
  await expectNewest(await logIn(server, cleo.email), [
    { action: "login.succeeded", data: { session_id: expect.any(String) } },
    { action: "session.reuse_detected", actor_id: null, data: { session_id: sessionId } },
    { action: "login.succeeded", data: { session_id: sessionId } },
  ]);
});

test("[AUD-20] a failed log-in of an account that there is, is recorded by nobody that is known", async () => {
  const cleo = await signUp(server);
  const body = { email: cleo.email, password: "wrong wrong wrong" };
  const failed = await send(server, "POST", "/auth/login", { body });
  expect(failed.status).toBe(401);
  await until("the entry", async () => (await trailOf(cleo)).length === 3);
  await expectNewest(cleo, [{ action: "login.failed", actor_id: null }]);
});

test("[AUD-22] a failed log-in is answered while nothing can be recorded, and recorded afterwards", async () => {
  const cleo = await signUp(server);
  const body = { email: cleo.email, password: "wrong wrong wrong" };
  await server.db.transaction(async (tx) => {
    await tx.unsafe("LOCK TABLE audit_entries IN EXCLUSIVE MODE");
    expect((await send(server, "POST", "/auth/login", { body })).status).toBe(401);
  });
  await until("the entry", async () => (await trailOf(cleo)).length === 3);
});

test("[AUD-20] what failed for other reasons is recorded of nobody", async () => {
  const before = await trailOf(ben);
  await send(server, "POST", "/auth/login", { body: { email: "nobody@example.org", password: "wrong" } });
  await ben.call("DELETE", `/auth/sessions/${crypto.randomUUID()}`);
  await send(server, "POST", "/auth/signup", { body: { email: ben.email, password: "another marble" } });
  expect(await trailOf(ben)).toEqual(before);
});

test("[AUD-21] the trail is the caller's own, whatever he asks for", async () => {
  const entries = await trailOf(ada);
  expect(entries.length).toBeGreaterThan(0);
  for (const { actor_id, subject } of entries) expect([actor_id, subject]).toContain(ada.userId);
  for (const query of [`actor_id=${ben.userId}`, `user_id=${ben.userId}`, `project_id=${ben.userId}`]) {
    expect((await ada.call("GET", `/auth/audit?${query}`)).status).toBe(422);
  }
  expect(await trailOf(ada, "&action=login.succeeded")).toEqual(
    entries.filter(({ action }) => action === "login.succeeded"),
  );
  const { items } = (await ada.call("GET", "/auth/audit?limit=1")).body;
  expect(items).toEqual(entries.slice(0, 1));
});

test("[AUD-21] all of it can be taken away as CSV", async () => {
  const answer = await server.fetch(
    new Request("http://stoa.test/api/v1/auth/audit", {
      headers: { Authorization: `Bearer ${ada.token}`, Accept: "text/csv" },
    }),
  );
  const [head, ...lines] = (await answer.text()).trimEnd().split("\r\n");
  expect(head).toBe('"id","at","action","actor_id","subject","address","data"');
  expect(lines.length).toBe((await trailOf(ada)).length);
});
