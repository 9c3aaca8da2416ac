import { afterAll, beforeAll, expect, test } from "bun:test";
import { randomBytes } from "node:crypto";
import { kernelMigrations } from "../../kernel/create-kernel.ts";
import type { Database } from "../../kernel/db/index.ts";
import { newId } from "../../kernel/ids/index.ts";
import { bestOf, msOf } from "../../testing/best-of.ts";
import { createTestClock, type TestClock } from "../../testing/clock.ts";
import { openAgain, openTestDatabase, type TestDatabase } from "../../testing/database.ts";
import { createTestKernel, type TestKernel } from "../../testing/kernel.ts";
import { logIn, type Person, send, signUp } from "../../testing/requests.ts";
import { until } from "../../testing/until.ts";
import { createAccessTokens, type VerifiedToken } from "./access-token.ts";
import { createAuthenticator } from "./authenticator.ts";
import { createEndedSessions } from "./ended-sessions.ts";
import { accountsMigrations, createAccounts } from "./index.ts";
import { createSigningKeys } from "./signing-keys.ts";

/** A process of an installation: its own connections, bus, clock and memory. */
interface Process {
  readonly kernel: TestKernel;
  readonly db: Database;
  readonly clock: TestClock;
}

const secretKey = randomBytes(32).toString("base64");
let db: TestDatabase;
let here: Process;
let there: Process;
beforeAll(async () => {
  db = await openTestDatabase([...kernelMigrations, accountsMigrations]);
  [here, there] = await Promise.all([startProcess(), startProcess()]);
});
afterAll(async () => {
  for (const each of [here, there]) {
    await each.kernel.stop();
    await each.db.close();
  }
  await db.close();
});

async function startProcess(): Promise<Process> {
  const own = openAgain(db);
  const clock = createTestClock();
  const kernel = createTestKernel(own, { clock, secretKey });
  createAccounts(kernel);
  await kernel.start();
  return { kernel, db: own, clock };
}

async function statusAt({ kernel }: Process, { token }: Pick<Person, "token">): Promise<number> {
  return (await send(kernel.http, "GET", "/auth/me", { token })).status;
}

/** Milliseconds until the process refuses the token. */
function deathAt(process: Process, person: Person): Promise<number> {
  return msOf(() => until("the token's death", async () => (await statusAt(process, person)) === 401));
}

test("[ACC-27] a log-out here ends the tokens there within a second", async () => {
  const person = await signUp(here.kernel.http);
  let hints = 0;
  there.kernel.bus.subscribe("accounts.session_ended", () => hints++);
  const tookMs = await bestOf(1_000, async (round) => {
    const device = round === 0 ? person : await signUp(here.kernel.http);
    expect(await statusAt(there, device)).toBe(200);
    await device.call("POST", "/auth/logout");
    expect(await statusAt(here, device)).toBe(401);
    const ms = await deathAt(there, device);
    // So that they need not wait for their next look.
    await until("the hint to the others", () => hints === round + 1);
    return ms;
  });
  expect(tookMs).toBeLessThan(1_000);
  const refreshed = await send(there.kernel.http, "POST", "/auth/refresh", {
    body: { refresh_token: person.refreshToken },
  });
  expect(refreshed.status).toBe(401);
});

test("[ACC-27] also when every message between the processes is lost", async () => {
  await here.kernel.bus.stop();
  await there.kernel.bus.stop();
  const tookMs = await bestOf(1_000, async () => {
    const people = [await signUp(here.kernel.http), await signUp(there.kernel.http)];
    for (const person of people) expect(await statusAt(there, person)).toBe(200);
    await Promise.all(people.map((person) => person.call("POST", "/auth/logout")));
    return Math.max(...(await Promise.all(people.map((person) => deathAt(there, person)))));
  });
  expect(tookMs).toBeLessThan(1_000);
  await here.kernel.bus.start();
  await there.kernel.bus.start();
});

test("[ACC-27] of many log-outs of one moment none is missed anywhere", async () => {
  const person = await signUp(here.kernel.http);
  const devices = await Promise.all(
    Array.from({ length: 30 }, (_, index) => logIn((index % 2 ? here : there).kernel.http, person.email)),
  );
  for (const device of devices)
    expect([await statusAt(here, device), await statusAt(there, device)]).toEqual([200, 200]);
  await Promise.all(devices.map((device) => device.call("POST", "/auth/logout")));
  for (const device of devices) {
    await deathAt(here, device);
    await deathAt(there, device);
  }
  expect(await statusAt(there, person)).toBe(200);
  const numbers = await db.sql<{ n: number }>`SELECT n::int FROM session_endings ORDER BY n`;
  expect(numbers.map((row) => row.n)).toEqual(numbers.map((_, index) => index + 1));
});

test("[ACC-27] a process that starts later knows the sessions that ended before", async () => {
  const person = await signUp(here.kernel.http);
  await person.call("POST", "/auth/logout");
  const late = await startProcess();
  expect(await statusAt(late, person)).toBe(401);
  await late.kernel.stop();
  await late.db.close();
});

test("[ACC-27] a process that was cut off for longer than a token lasts hears of what ended meanwhile", async () => {
  const clock = createTestClock();
  const own = openAgain(db);
  const bus = { publish: () => {}, subscribe: () => () => {} };
  const ended = createEndedSessions({ db: own, bus, clock, log: here.kernel.log, tokenSeconds: 60 });
  await ended.start();
  await ended.stop();
  const person = await signUp(here.kernel.http);
  const { body: verified } = await person.call("GET", "/auth/verify");
  await person.call("POST", "/auth/logout");
  const sessionId = String(verified.session_id);
  await db.sql`UPDATE session_endings SET at = now() - interval '2 hours' WHERE session_id = ${sessionId}`;
  clock.turn(3 * 3_600_000);
  const heard: string[] = [];
  ended.onEnded((sessionIds) => heard.push(...sessionIds));
  await ended.start();
  expect(heard).toContain(sessionId);
  await ended.stop();
  await own.close();
});

test("[ACC-27] log-outs count on after the database was set back to a backup", async () => {
  const [before, after] = [await signUp(here.kernel.http), await signUp(here.kernel.http)];
  await before.call("POST", "/auth/logout");
  await deathAt(there, before);
  expect(await statusAt(there, after)).toBe(200);
  await db.sql`DELETE FROM session_endings`;
  await db.sql`UPDATE session_ending_head SET n = 0`;
  await after.call("POST", "/auth/logout");
  await deathAt(there, after);
});

test("[ACC-29] without news for three seconds a process asks the database about each token", async () => {
  const [ended, alive] = [await signUp(here.kernel.http), await signUp(here.kernel.http)];
  for (const person of [ended, alive]) expect(await statusAt(there, person)).toBe(200);
  await db.sql`ALTER TABLE session_endings RENAME TO session_endings_away`;
  const sessionId = String((await ended.call("GET", "/auth/verify")).body.session_id);
  await db.sql`UPDATE sessions SET ended_at = now(), end_reason = 'logout' WHERE id = ${sessionId}`;

  // Within the three seconds memory is believed: this is what makes it fast.
  expect(await statusAt(there, ended)).toBe(200);
  there.clock.turn(3_500);
  expect([await statusAt(there, ended), await statusAt(there, alive)]).toEqual([401, 200]);
  // A clock set back says nothing about how old the news is.
  there.clock.turn(-3_600_000);
  expect([await statusAt(there, ended), await statusAt(there, alive)]).toEqual([401, 200]);

  there.clock.turn(3_596_500);
  await db.sql`ALTER TABLE session_endings_away RENAME TO session_endings`;
  await alive.call("POST", "/auth/logout");
  await deathAt(there, alive);
});

/** An authenticator whose checks are counted, on real keys. */
async function createCounted(clock: TestClock) {
  const keys = createSigningKeys({ ...here.kernel, db: here.db, rotationDays: 90 });
  await keys.refresh();
  const tokens = createAccessTokens({ issuer: "stoa", lifeSeconds: 1_800, keys });
  const counted = { checks: 0 };
  const hearers: ((ids: ReadonlySet<string>) => void)[] = [];
  const authenticate = createAuthenticator({
    db: here.db,
    clock,
    tokens: {
      sign: tokens.sign,
      verify(token, nowMs): VerifiedToken | undefined {
        counted.checks++;
        return tokens.verify(token, nowMs);
      },
    },
    ended: { has: () => false, isFresh: () => true, onEnded: (hear) => void hearers.push(hear) },
  });
  const sign = (sessionId: string) => tokens.sign({ userId: newId(), sessionId }, clock.now());
  return { authenticate, counted, hearers, sign };
}

test("[ACC-31] a token is checked once and then found at once, without waiting", async () => {
  const { authenticate, counted, sign } = await createCounted(createTestClock());
  const sessionId = newId();
  const token = sign(sessionId);
  const actor = authenticate(token);
  expect(actor).toMatchObject({ kind: "user", sessionId });
  for (let round = 0; round < 100; round++) expect(authenticate(token)).toBe(actor);
  expect(counted.checks).toBe(1);
});

test("[ACC-31] what is remembered goes with its session, with its time, and past 10,000 with its age", async () => {
  const clock = createTestClock();
  const { authenticate, counted, hearers, sign } = await createCounted(clock);
  const sessionIds = Array.from({ length: 10_001 }, () => newId());
  const all = sessionIds.map(sign);
  const [first = "", second = ""] = all;
  for (const token of all) authenticate(token);
  expect(counted.checks).toBe(10_001);
  authenticate(all.at(-1) ?? "");
  authenticate(second);
  expect(counted.checks).toBe(10_001);
  authenticate(first);
  expect(counted.checks).toBe(10_002);

  for (const hear of hearers) hear(new Set([sessionIds.at(-1) ?? ""]));
  authenticate(all.at(-1) ?? "");
  expect(counted.checks).toBe(10_003);

  clock.turn(1_800_001);
  expect(authenticate(first)).toBeUndefined();
});
