import { afterAll, beforeAll, expect, test } from "bun:test";
import { randomBytes } from "node:crypto";
import type { AuditEntry } from "../../kernel/audit/index.ts";
import { kernelMigrations } from "../../kernel/create-kernel.ts";
import type { Mail } from "../../kernel/mail/index.ts";
import { openAgain, openTestDatabase, type TestDatabase } from "../../testing/database.ts";
import { ID, TIME } from "../../testing/expectations.ts";
import { createTestKernel, type TestKernel } from "../../testing/kernel.ts";
import { type Answer, logIn, type Person, send, signUp, TEST_PASSWORD } from "../../testing/requests.ts";
import { until } from "../../testing/until.ts";
import { createSessionEndings, type SessionEndings } from "./actions/session-endings.ts";
import { accountsMigrations, createAccounts } from "./index.ts";

const secretKey = randomBytes(32).toString("base64");
const mails: Mail[] = [];
const entries: AuditEntry[] = [];
let db: TestDatabase;
let kernel: TestKernel;
let endings: SessionEndings;
beforeAll(async () => {
  db = await openTestDatabase([...kernelMigrations, accountsMigrations]);
  kernel = createTestKernel(db, { secretKey });
  createAccounts(recording(kernel));
  await kernel.start();
  endings = createSessionEndings({ announce: () => {} });
});
afterAll(async () => {
  await kernel.stop();
  await db.close();
});

/** What goes to the mail and the audit trail, seen instead of done. */
function recording(own: TestKernel): TestKernel {
  return {
    ...own,
    mail: { send: async (_tx, mail) => void mails.push(mail) },
    audit: { ...own.audit, record: async (_tx, entry) => void entries.push(entry) },
  };
}

const refresh = (token: string, userAgent = "curl/8") =>
  send(kernel.http, "POST", "/auth/refresh", {
    body: { refresh_token: token },
    headers: { "User-Agent": userAgent },
  });
const tokenOf = (answer: Answer) => String(answer.body.refresh_token);
const statusOf = async ({ call }: Person) => (await call("GET", "/auth/me")).status;

async function sessionIdOf({ call }: Person): Promise<string> {
  return String((await call("GET", "/auth/verify")).body.session_id);
}

async function reasonOf(sessionId: string): Promise<unknown> {
  const [row] = await db.sql<{ end_reason: string | null }>`
    SELECT end_reason FROM sessions WHERE id = ${sessionId}`;
  return row?.end_reason;
}

test("[ACC-111] a reuse ends one session; the user's others, before and after, go on", async () => {
  const before = await signUp(kernel.http);
  const stolen = await logIn(kernel.http, before.email);
  const after = await logIn(kernel.http, before.email);
  await refresh(tokenOf(await refresh(stolen.refreshToken)));
  expect((await refresh(stolen.refreshToken)).status).toBe(401);
  expect(await Promise.all([before, stolen, after].map(statusOf))).toEqual([200, 401, 200]);
  for (const { refreshToken } of [before, after]) expect((await refresh(refreshToken)).status).toBe(200);
});

test("[ACC-112] a reuse is audited and mailed to the owner, once, however often the token is shown", async () => {
  const owner = await signUp(kernel.http);
  const login = await send(kernel.http, "POST", "/auth/login", {
    body: { email: owner.email, password: TEST_PASSWORD },
    headers: { "User-Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:144.0) Gecko/20100101 Firefox/144.0" },
  });
  const verified = await send(kernel.http, "GET", "/auth/verify", { token: String(login.body.access_token) });
  mails.length = 0;
  entries.length = 0;
  await refresh(tokenOf(await refresh(tokenOf(login))));
  const evil = "https://evil.example/ call 0900";
  const replays = await Promise.all(Array.from({ length: 5 }, () => refresh(tokenOf(login), evil)));
  expect(replays.map(({ status }) => status)).toEqual([401, 401, 401, 401, 401]);
  expect(entries).toEqual([
    {
      action: "session.reuse_detected",
      projectId: null,
      actorId: null,
      subject: owner.userId,
      address: "127.0.0.1",
      data: { session_id: verified.body.session_id },
    },
  ]);
  expect(mails).toEqual([{ to: owner.email, subject: expect.any(String), text: expect.any(String) }]);
  const text = mails[0]?.text ?? "";
  expect(text).toMatch(/Firefox on Linux, signed in \d{4}-\d\d-\d\d \d\d:\d\d UTC/);
  expect(text).toContain("127.0.0.1");
  // Nothing of what the thief can write, and nothing to click on.
  expect(text).not.toMatch(/evil|0900|https?:/);
});

test("[ACC-112] when the mail cannot be handed in, nothing is half done", async () => {
  const own = createTestKernel(openAgain(db), { secretKey });
  let isFailing = false;
  const send_ = async () => {
    if (isFailing) throw new Error("no mail today");
  };
  createAccounts({ ...own, mail: { send: send_ } });
  await own.start();
  const person = await signUp(own.http);
  isFailing = true;
  const again = () =>
    send(own.http, "POST", "/auth/refresh", { body: { refresh_token: person.refreshToken } });
  await refresh(tokenOf(await refresh(person.refreshToken)));
  expect((await again()).status).toBe(500);
  expect(await reasonOf(await sessionIdOf(person))).toBeNull();
  isFailing = false;
  expect((await again()).status).toBe(401);
  await own.stop();
  await own.db.close();
});

test("[ACC-117] a device is listed with its name, address, beginning and last use", async () => {
  const person = await signUp(kernel.http);
  await db.sql`UPDATE sessions SET user_agent = 'curl/8.14.1', address = '192.0.2.7',
    created_at = created_at - interval '1 day' WHERE user_id = ${person.userId}`;
  await refresh(person.refreshToken);
  expect((await person.call("GET", "/auth/sessions")).body).toEqual({
    items: [
      {
        id: ID,
        device: "curl",
        user_agent: "curl/8.14.1",
        address: "192.0.2.7",
        created_at: TIME,
        last_used_at: TIME,
        is_current: true,
      },
    ],
    next_cursor: null,
  });
});

test("[ACC-118] all other devices are signed out, or all with this one, and nobody else's", async () => {
  const bystander = await signUp(kernel.http);
  const person = await signUp(kernel.http);
  const others = [await logIn(kernel.http, person.email), await logIn(kernel.http, person.email)];
  for (let round = 0; round < 2; round++) {
    expect((await person.call("DELETE", "/auth/sessions")).status).toBe(204);
    expect(await Promise.all([person, ...others].map(statusOf))).toEqual([200, 401, 401]);
  }
  for (const { refreshToken } of others) expect((await refresh(refreshToken)).status).toBe(401);
  const last = await logIn(kernel.http, person.email);
  for (const query of ["?include_current=yes", "?include_current=", "?all=true"])
    expect((await person.call("DELETE", `/auth/sessions${query}`)).status).toBe(422);
  expect((await person.call("DELETE", "/auth/sessions?include_current=true")).status).toBe(204);
  expect(await Promise.all([person, last, bystander].map(statusOf))).toEqual([401, 401, 200]);
});

test("[ACC-118] many ends of one statement each have a number of their own in the log, without gaps", async () => {
  const person = await signUp(kernel.http);
  await Promise.all(Array.from({ length: 8 }, () => logIn(kernel.http, person.email)));
  await Promise.all([
    person.call("DELETE", "/auth/sessions"),
    person.call("DELETE", "/auth/sessions"),
    (await signUp(kernel.http)).call("POST", "/auth/logout"),
  ]);
  const rows = await db.sql<{ n: number; session_id: string }>`
    SELECT n::int, session_id FROM session_endings ORDER BY n`;
  expect(rows.map((row) => row.n)).toEqual(rows.map((_, index) => index + 1));
  expect(new Set(rows.map((row) => row.session_id)).size).toBe(rows.length);
});

test("[ACC-119] a session that is over by age is ended, with its tokens, on every process", async () => {
  const [idle, old, young] = [
    await signUp(kernel.http),
    await signUp(kernel.http),
    await signUp(kernel.http),
  ];
  const ids = [await sessionIdOf(idle), await sessionIdOf(old), await sessionIdOf(young)];
  await db.sql`UPDATE sessions SET last_used_at = now() - interval '7 days 1 second',
    created_at = now() - interval '8 days' WHERE id = ${ids[0] ?? ""}`;
  await db.sql`UPDATE sessions SET created_at = now() - interval '30 days 1 second' WHERE id = ${ids[1] ?? ""}`;
  await db.sql`UPDATE sessions SET created_at = now() - interval '29 days',
    last_used_at = now() - interval '6 days' WHERE id = ${ids[2] ?? ""}`;
  // Every process looks every ten seconds, and one that starts at once.
  const other = createTestKernel(openAgain(db), { secretKey });
  createAccounts(other);
  await other.start();
  for (const person of [idle, old]) {
    await until("the token's end", async () => (await statusOf(person)) === 401);
  }
  expect(await statusOf(young)).toBe(200);
  expect(await Promise.all(ids.map(reasonOf))).toEqual(["expired", "expired", null]);
  await other.stop();
  await other.db.close();
});

test("[ACC-120] all sessions but one end in the transaction of what ends them, and come back with it", async () => {
  const person = await signUp(kernel.http);
  const other = await logIn(kernel.http, person.email);
  const [kept, ended] = [await sessionIdOf(person), await sessionIdOf(other)];
  const end = (tx: Parameters<SessionEndings["endSessions"]>[0]) =>
    endings.endSessions(tx, person.userId, { except: kept, reason: "password_changed" });
  const undone = db.transaction(async (tx) => {
    expect(await end(tx)).toBe(1);
    throw new Error("undone");
  });
  expect(await undone.catch((error: Error) => error.message)).toBe("undone");
  expect(await reasonOf(ended)).toBeNull();
  expect(await db.transaction(end)).toBe(1);
  expect(await Promise.all([kept, ended].map(reasonOf))).toEqual([null, "password_changed"]);
  expect(await db.transaction(end)).toBe(0);
});
