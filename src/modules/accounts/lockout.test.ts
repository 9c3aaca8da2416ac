import { afterAll, beforeAll, expect, test } from "bun:test";
import type { AuditEntry } from "../../kernel/audit/index.ts";
import { kernelMigrations } from "../../kernel/create-kernel.ts";
import { newId } from "../../kernel/ids/index.ts";
import { openAgain, openTestDatabase, type TestDatabase } from "../../testing/database.ts";
import { createTestKernel, type TestKernel } from "../../testing/kernel.ts";
import {
  type Answer,
  type Answering,
  type Person,
  send,
  signUp,
  TEST_PASSWORD,
} from "../../testing/requests.ts";
import { accountsMigrations, createAccounts } from "./index.ts";
import { createKnownDevices } from "./known-device.ts";
import { createLockout } from "./lockout.ts";
import { deleteOldAttempts, resetPasswordFailures } from "./store/attempts.ts";

const SECRET_KEY = Buffer.alloc(32, 7).toString("base64");
const ENVIRONMENT = { LOGIN_WAIT_SECONDS: "60", TRUSTED_PROXIES: "127.0.0.1" };
const WRONG = "not the password at all";

let db: TestDatabase;
let otherDb: TestDatabase;
let kernel: TestKernel;
let other: TestKernel;
const entries: AuditEntry[] = [];
/** Of what is recorded, what is about guessing. */
const audit = {
  async record(_tx: unknown, entry: AuditEntry) {
    if (/^(login\.locked|password\.disabled)$/.test(entry.action)) entries.push(entry);
  },
};

beforeAll(async () => {
  db = await openTestDatabase([...kernelMigrations, accountsMigrations]);
  otherDb = openAgain(db);
  kernel = createTestKernel(db, { environment: ENVIRONMENT, secretKey: SECRET_KEY });
  other = createTestKernel(otherDb, { environment: ENVIRONMENT, secretKey: SECRET_KEY });
  createAccounts({ ...kernel, audit: { ...kernel.audit, ...audit } });
  createAccounts({ ...other, audit: { ...other.audit, ...audit } });
  await kernel.start();
  await other.start();
});
afterAll(async () => {
  await kernel.stop();
  await other.stop();
  await otherDb.close();
  await db.close();
});

let addresses = 0;
const someAddress = () => `198.51.${100 + (addresses >> 8)}.${addresses++ & 255}`;

interface Try {
  readonly email: string;
  readonly password?: string;
  readonly address: string;
  readonly cookie?: string | undefined;
  readonly at?: Answering;
}

function tryLogin({ email, password = WRONG, address, cookie, at = kernel.http }: Try): Promise<Answer> {
  const headers = { "X-Forwarded-For": address, ...(cookie === undefined ? {} : { Cookie: cookie }) };
  return send(at, "POST", "/auth/login", { body: { email, password }, headers });
}

async function tryTimes(times: number, attempt: Try): Promise<number[]> {
  const statuses: number[] = [];
  for (let n = 0; n < times; n++) statuses.push((await tryLogin(attempt)).status);
  return statuses;
}

const right = (person: Person, address: string, cookie?: string) =>
  tryLogin({ email: person.email, password: TEST_PASSWORD, address, cookie });

/** The cookie of a device that has signed in. */
const cookieOf = (answer: Answer) => answer.headers.get("set-cookie")?.split(";")[0];

/** Lets time pass for all attempts, as the database sees it. */
async function age(seconds: number): Promise<void> {
  const by = db.sql`make_interval(secs => ${seconds}::int)`;
  await db.sql`UPDATE login_identities SET strange_at = strange_at - ${by}, tried_at = tried_at - ${by}`;
  await db.sql`UPDATE login_addresses SET since = since - ${by}`;
  await db.sql`UPDATE login_sources SET tried_at = tried_at - ${by}`;
}

test("[ACC-60] after five wrong passwords in a row an address waits a minute for this account, then twice as long", async () => {
  const { email } = await signUp(kernel.http);
  const address = someAddress();
  expect(await tryTimes(7, { email, address })).toEqual([401, 401, 401, 401, 401, 429, 429]);
  // 60 s, doubling, and no more than 15 minutes.
  for (const wait of [60, 120, 240, 480, 900, 900]) {
    const locked = await tryLogin({ email, address });
    expect(locked).toMatchObject({ status: 429, body: { code: "LOGIN_LOCKED" } });
    expect(Number(locked.headers.get("retry-after"))).toBeWithin(wait - 9, wait + 1);
    await age(wait - 10);
    expect((await tryLogin({ email, address, password: TEST_PASSWORD })).status).toBe(429);
    await age(11);
    expect((await tryLogin({ email, address })).status).toBe(401);
  }
});

test("[ACC-60] other accounts at the address and other addresses of the account do not wait", async () => {
  const [victim, neighbour] = [await signUp(kernel.http), await signUp(kernel.http)];
  const address = someAddress();
  await tryTimes(6, { email: victim.email, address });
  expect((await right(victim, address)).status).toBe(429);
  expect((await right(neighbour, address)).status).toBe(200);
  expect((await right(victim, someAddress())).status).toBe(200);
});

test("[ACC-60] an IPv6 network of 64 bits is one source", async () => {
  const { email } = await signUp(kernel.http);
  const statuses: number[] = [];
  for (let n = 1; n <= 6; n++) {
    statuses.push((await tryLogin({ email, address: `2001:db8:0:42:${n}::${n}` })).status);
  }
  expect(statuses).toEqual([401, 401, 401, 401, 401, 429]);
});

test("[ACC-61] whatever the names, an address has twenty failures in ten minutes", async () => {
  const owner = await signUp(kernel.http);
  const address = someAddress();
  const statuses: number[] = [];
  for (let n = 0; n < 21; n++)
    statuses.push((await tryLogin({ email: `name${n}@stuffing.example`, address })).status);
  expect(statuses).toEqual([...Array(20).fill(401), 429]);
  const locked = await right(owner, address);
  expect(locked.body.code).toBe("LOGIN_LOCKED");
  expect(Number(locked.headers.get("retry-after"))).toBeWithin(560, 601);
  await age(601);
  expect((await right(owner, address)).status).toBe(200);
});

test("[ACC-61] who signs in is not counted towards his address", async () => {
  const owner = await signUp(kernel.http);
  const address = someAddress();
  for (let n = 0; n < 25; n++) expect((await right(owner, address)).status).toBe(200);
});

test("[ACC-62] after ten failures from everywhere strange devices wait, known ones do not", async () => {
  const owner = await signUp(kernel.http);
  const cookie = cookieOf(await right(owner, someAddress()));
  for (let n = 0; n < 10; n++) await tryLogin({ email: owner.email, address: someAddress() });
  const strange = await right(owner, someAddress());
  expect(strange.body.code).toBe("LOGIN_LOCKED");
  expect(Number(strange.headers.get("retry-after"))).toBeWithin(40, 61);
  expect((await right(owner, someAddress(), cookie)).status).toBe(200);
  // His success is no reason to let strangers guess again.
  expect((await right(owner, someAddress())).status).toBe(429);
  await age(3_601);
  expect((await right(owner, someAddress())).status).toBe(200);
});

test("[ACC-63] a known device is known to its account alone, and a changed cookie to none", async () => {
  const [owner, thief] = [await signUp(kernel.http), await signUp(kernel.http)];
  const [cookie = "", thiefs] = [
    cookieOf(await right(owner, someAddress())),
    cookieOf(await right(thief, someAddress())),
  ];
  for (let n = 0; n < 10; n++) await tryLogin({ email: owner.email, address: someAddress() });
  const [name, token = ""] = cookie.split("=");
  const flipped = `${name}=${token.slice(0, 5)}${token[5] === "A" ? "B" : "A"}${token.slice(6)}`;
  for (const bad of [thiefs, flipped, `${name}=`, `${name}=${"A".repeat(4_000)}`, `other=${token}`, "%%%"])
    expect([bad, (await right(owner, someAddress(), bad)).status]).toEqual([bad, 429]);
  expect((await right(owner, someAddress(), `a=b; ${cookie}; c=d`)).status).toBe(200);
});

test("[ACC-63] a stolen device cookie has its own five tries, wherever it is used", async () => {
  const owner = await signUp(kernel.http);
  const cookie = cookieOf(await right(owner, someAddress()));
  const statuses: number[] = [];
  for (let n = 0; n < 6; n++)
    statuses.push((await tryLogin({ email: owner.email, address: someAddress(), cookie })).status);
  expect(statuses).toEqual([401, 401, 401, 401, 401, 429]);
  expect((await right(owner, someAddress())).status).toBe(200);
});

test("[ACC-64] the device cookie is for the log-in alone and out of reach of pages", async () => {
  const owner = await signUp(kernel.http);
  const first = await right(owner, someAddress());
  const set = first.headers.get("set-cookie");
  expect(set).toMatch(
    /^stoa_device=[\w-]{60,80}; Path=\/api\/v1\/auth\/login; Max-Age=15552000; HttpOnly; SameSite=Strict$/,
  );
  const again = await right(owner, someAddress(), cookieOf(first));
  expect(again.headers.get("set-cookie")).toBeNull();
  const wrong = await tryLogin({ email: owner.email, address: someAddress() });
  expect(wrong.headers.get("set-cookie")).toBeNull();
});

test("[ACC-64] where users come by HTTPS the cookie is Secure, and it ends after 180 days", async () => {
  let now = Date.parse("2026-01-01T00:00:00Z");
  const devices = createKnownDevices({ key: new Uint8Array(32), isSecure: true, nowMs: () => now });
  const set = devices.makeCookie("ada");
  expect(set).toMatch(/^__Secure-stoa_device=[^;]+; .*; Secure$/);
  const cookie = set.split(";")[0] ?? "";
  now += 179 * 86_400_000;
  expect(devices.find(cookie, "ada")).toMatch(/^[0-9a-f]{32}$/);
  now += 86_400_000;
  expect(devices.find(cookie, "ada")).toBeUndefined();
});

test("[ACC-65] after a hundred failures in a row the password is disabled, the sessions are not", async () => {
  const owner = await signUp(kernel.http);
  await db.sql`UPDATE login_identities SET in_row = 99 WHERE identity = ${owner.userId}`;
  entries.length = 0;
  // The hundredth try may still be right.
  expect((await right(owner, someAddress())).status).toBe(200);
  await db.sql`UPDATE login_identities SET in_row = 99 WHERE identity = ${owner.userId}`;
  await tryLogin({ email: owner.email, address: someAddress() });
  expect(entries.map(({ action, subject }) => [action, subject])).toEqual([
    ["password.disabled", owner.userId],
  ]);
  const refused = await right(owner, someAddress());
  expect(refused).toMatchObject({ status: 401, body: { code: "INVALID_CREDENTIALS" } });
  expect((await owner.call("GET", "/auth/me")).status).toBe(200);
  const refreshed = await send(kernel.http, "POST", "/auth/refresh", {
    body: { refresh_token: owner.refreshToken },
  });
  expect(refreshed.status).toBe(200);
});

test("[ACC-65] a disabled password stays so however long one waits, until it is reset", async () => {
  const owner = await signUp(kernel.http);
  await tryLogin({ email: owner.email, address: someAddress() });
  await db.sql`UPDATE login_identities SET in_row = 100 WHERE identity = ${owner.userId}`;
  await age(400 * 86_400);
  await db.transaction(deleteOldAttempts);
  expect((await right(owner, someAddress())).status).toBe(401);
  await db.transaction((tx) => resetPasswordFailures(tx, owner.userId));
  expect((await right(owner, someAddress())).status).toBe(200);
});

test("[ACC-66] the right password ends the row", async () => {
  const owner = await signUp(kernel.http);
  const address = someAddress();
  const rows = () => db.sql`SELECT in_row FROM login_identities WHERE identity = ${owner.userId}`;
  for (let round = 0; round < 2; round++) {
    expect(await tryTimes(4, { email: owner.email, address })).toEqual([401, 401, 401, 401]);
    expect(await rows()).toEqual([{ in_row: 4 }]);
    expect((await right(owner, address)).status).toBe(200);
    expect(await rows()).toEqual([{ in_row: 0 }]);
  }
});

test("[ACC-67] of 50 guesses at one moment on two processes five are checked", async () => {
  const owner = await signUp(kernel.http);
  const address = someAddress();
  const guesses = Array.from({ length: 50 }, (_, n) => {
    const password = n === 49 ? TEST_PASSWORD : `guess number ${n}`;
    return tryLogin({ email: owner.email, password, address, at: n % 2 ? other.http : kernel.http });
  });
  const statuses = (await Promise.all(guesses)).map(({ status }) => status);
  expect(statuses.filter((status) => status === 429).length).toBe(45);
});

test("[ACC-67] of guesses at one moment from many addresses none passes the hundredth", async () => {
  const owner = await signUp(kernel.http);
  // Long ago, so that no wait is in the way.
  await tryLogin({ email: owner.email, address: someAddress() });
  await db.sql`UPDATE login_identities SET in_row = 95, strange = 0 WHERE identity = ${owner.userId}`;
  const guesses = Array.from({ length: 9 }, () => tryLogin({ email: owner.email, address: someAddress() }));
  await Promise.all(guesses);
  const [row] = await db.sql`SELECT in_row FROM login_identities WHERE identity = ${owner.userId}`;
  expect(row).toEqual({ in_row: 104 });
  await db.sql`UPDATE login_identities SET strange = 0 WHERE identity = ${owner.userId}`;
  expect((await right(owner, someAddress())).status).toBe(401);
});

test("[ACC-68] an address that is nobody's waits as an account does, with the same answers", async () => {
  const { email } = await signUp(kernel.http);
  const seen: unknown[][] = [[], []];
  for (const [index, each] of [email, "nobody@stuffing.example"].entries()) {
    const address = someAddress();
    for (let n = 0; n < 7; n++) {
      const { status, body, headers } = await tryLogin({ email: each, address });
      const names = [...headers.keys()].sort();
      seen[index]?.push([status, { ...body, request_id: "" }, names, headers.get("retry-after")]);
    }
    // Spelling makes no other account of it.
    seen[index]?.push((await tryLogin({ email: ` ${each.toUpperCase()}`, address })).status);
  }
  expect(seen[1]).toEqual(seen[0] ?? []);
  expect(seen[0]?.at(-1)).toBe(429);
});

test("[ACC-68] what is no address at all waits too", async () => {
  const address = someAddress();
  const statuses = await tryTimes(6, { email: "not an address", address });
  expect(statuses).toEqual([401, 401, 401, 401, 401, 429]);
});

test("[ACC-69] what was typed as an address is nowhere to be read", async () => {
  const typed = "my secret passphrase";
  await tryTimes(6, { email: typed, address: someAddress() });
  const tables = ["login_identities", "login_addresses", "login_sources"];
  for (const table of tables) {
    const rows = await db.sql.unsafe(`SELECT ${table}::text AS row FROM ${table}`);
    expect(JSON.stringify(rows)).not.toContain(typed);
  }
  expect(JSON.stringify(entries)).not.toContain(typed);
});

test("[ACC-70] refreshing counts nothing and is never locked", async () => {
  const owner = await signUp(kernel.http);
  const address = someAddress();
  await tryTimes(6, { email: owner.email, address });
  const before = await db.sql`SELECT * FROM login_sources ORDER BY identity, source`;
  const headers = { "X-Forwarded-For": address };
  for (let n = 0; n < 12; n++) {
    const body = { refresh_token: "stoart_nonsense" };
    const refused = await send(kernel.http, "POST", "/auth/refresh", { body, headers });
    expect(refused.body.code).toBe("INVALID_REFRESH_TOKEN");
  }
  const body = { refresh_token: owner.refreshToken };
  expect((await send(kernel.http, "POST", "/auth/refresh", { body, headers })).status).toBe(200);
  expect(await db.sql`SELECT * FROM login_sources ORDER BY identity, source`).toEqual(before);
});

test("[ACC-71] a check that did not happen is no failure", async () => {
  const devices = { find: () => undefined };
  const tellDisabled = async () => {};
  const deps = {
    db,
    tellDisabled,
    log: kernel.log,
    audit,
    devices,
    key: new Uint8Array(32),
    firstWaitSeconds: 60,
  };
  const lockout = createLockout(deps);
  const given = { userId: newId(), address: someAddress() };
  const busy = async () => {
    throw new Error("busy");
  };
  for (let n = 0; n < 8; n++) await expect(lockout.guard(given, busy)).rejects.toThrow("busy");
  const wrong = async () => ({ isRight: false, isOutdated: false });
  for (let n = 0; n < 5; n++) expect(await lockout.guard(given, wrong)).toMatchObject({ isRight: false });
  await expect(lockout.guard(given, wrong)).rejects.toMatchObject({ code: "LOGIN_LOCKED" });
});

test("[ACC-72] one entry of the audit tells of a row of failures, not one for each", async () => {
  const { email, userId } = await signUp(kernel.http);
  const address = someAddress();
  entries.length = 0;
  await tryTimes(9, { email, address });
  const data = { failures_in_row: 5, is_account: true };
  expect(entries).toEqual([
    { action: "login.locked", projectId: null, actorId: null, subject: userId, address, data },
  ]);
});

test("[ACC-73] attempts of yesterday are deleted, but not what an account has in a row", async () => {
  await age(86_400 + 3_600);
  const owner = await signUp(kernel.http);
  await tryLogin({ email: owner.email, address: someAddress() });
  await tryLogin({ email: "nobody.old@stuffing.example", address: someAddress() });
  await age(86_400 + 1);
  const fresh = someAddress();
  await tryLogin({ email: "nobody.new@stuffing.example", address: fresh });
  await db.transaction(deleteOldAttempts);
  const identities =
    await db.sql`SELECT identity, in_row FROM login_identities WHERE is_account AND identity = ${owner.userId}`;
  expect(identities).toEqual([{ identity: owner.userId, in_row: 1 }]);
  const [counts] =
    await db.sql`SELECT (SELECT count(*)::int FROM login_identities WHERE NOT is_account) AS nobodies,
    (SELECT count(*)::int FROM login_addresses) AS addresses, (SELECT count(*)::int FROM login_sources) AS sources`;
  expect(counts).toEqual({ nobodies: 1, addresses: 1, sources: 1 });
});

test("[ACC-74] while the database is away nobody signs in: 503", async () => {
  const away = openAgain(db);
  const own = createTestKernel(away, { environment: ENVIRONMENT, secretKey: SECRET_KEY });
  createAccounts({ ...own, audit: { ...own.audit, ...audit } });
  await away.close();
  const answer = await tryLogin({ email: "a@b.example", address: someAddress(), at: own.http });
  expect(answer).toMatchObject({ status: 503, body: { code: "DATABASE_UNAVAILABLE" } });
});
