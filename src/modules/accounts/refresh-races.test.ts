import { afterAll, beforeAll, expect, onTestFinished, test } from "bun:test";
import { randomBytes } from "node:crypto";
import { kernelMigrations } from "../../kernel/create-kernel.ts";
import { createChance } from "../../testing/chance.ts";
import { createTestClock, type TestClock } from "../../testing/clock.ts";
import { openAgain, openTestDatabase, type TestDatabase } from "../../testing/database.ts";
import { createTestKernel, type TestKernel } from "../../testing/kernel.ts";
import { type Answer, logIn, type Person, send, signUp } from "../../testing/requests.ts";
import { until } from "../../testing/until.ts";
import { accountsMigrations, createAccounts } from "./index.ts";
import { spawnRefreshProcess } from "./testing/spawn-refresh-process.ts";

const secretKey = randomBytes(32).toString("base64");
const clock: TestClock = createTestClock();
let db: TestDatabase;
let here: TestKernel;
let there: TestKernel;
let thereDb: TestDatabase;
beforeAll(async () => {
  db = await openTestDatabase([...kernelMigrations, accountsMigrations]);
  thereDb = openAgain(db);
  here = createTestKernel(db, { secretKey, clock });
  there = createTestKernel(thereDb, { secretKey });
  for (const kernel of [here, there]) {
    createAccounts(kernel);
    await kernel.start();
  }
});
afterAll(async () => {
  await there.stop();
  await thereDb.close();
  await here.stop();
  await db.close();
});

const at = (index: number) => (index % 2 ? here : there).http;
const refresh = (token: string, process = here.http, signal?: AbortSignal) =>
  send(
    {
      fetch: (request) => process.fetch(signal ? new Request(request, { signal }) : request),
    },
    "POST",
    "/auth/refresh",
    { body: { refresh_token: token } },
  );
const tokenOf = (answer: Answer) => String(answer.body.refresh_token);
const statusOf = async (token: unknown, process = here.http) =>
  (await send(process, "GET", "/auth/me", { token: String(token) })).status;

async function sessionIdOf(person: Pick<Person, "call">): Promise<string> {
  return String((await person.call("GET", "/auth/verify")).body.session_id);
}

async function answered(sessionId: string): Promise<void> {
  await until("the receipt", async () => {
    const rows = await db.sql`SELECT FROM sessions WHERE id = ${sessionId} AND answered_counter = counter`;
    return rows.length > 0;
  });
}

/** Moves the last refresh of a session into the past. */
async function age(sessionId: string, seconds: number): Promise<void> {
  await db.sql`UPDATE sessions SET last_used_at = last_used_at - make_interval(secs => ${seconds}::int),
    rotated_at = rotated_at - make_interval(secs => ${seconds}::int) WHERE id = ${sessionId}`;
}

test.each([
  ["one process", () => here.http],
  ["two processes", at],
])("[ACC-110] fifty refreshes of one moment on %s: one successor, nobody signed out", async (_, process) => {
  for (let round = 0; round < 4; round++) {
    const person = await signUp(here.http);
    const asked = Array.from({ length: 50 }, (_, index) => refresh(person.refreshToken, process(index)));
    const answers = await Promise.all(asked);
    expect(answers.map((each) => each.status)).toEqual(answers.map(() => 200));
    const successors = new Set(answers.map(tokenOf));
    expect(successors.size).toBe(1);
    for (const [index, answer] of answers.entries())
      expect(await statusOf(answer.body.access_token, process(index))).toBe(200);
    const rows = await db.sql`SELECT counter, end_reason FROM sessions WHERE user_id = ${person.userId}`;
    expect(rows.map((row) => ({ ...row }))).toEqual([{ counter: 1, end_reason: null }]);
    expect((await refresh([...successors][0] ?? "")).status).toBe(200);
  }
});

test("[ACC-110] a replay after the grace ends the session, on whichever process it comes", async () => {
  for (const process of [here.http, there.http]) {
    const person = await signUp(here.http);
    const asked = Array.from({ length: 50 }, (_, index) => refresh(person.refreshToken, at(index)));
    const [first] = await Promise.all(asked);
    const sessionId = await sessionIdOf(person);
    await answered(sessionId);
    await age(sessionId, 11);
    const replay = await refresh(person.refreshToken, process);
    expect([replay.status, replay.body.code]).toEqual([401, "INVALID_REFRESH_TOKEN"]);
    for (const each of [here.http, there.http]) {
      expect((await refresh(first ? tokenOf(first) : "", each)).status).toBe(401);
      await until("the tokens' end", async () => (await statusOf(person.token, each)) === 401);
    }
  }
});

test("[ACC-113] an answer that never left may be asked for again, for as long as it takes", async () => {
  const person = await signUp(here.http);
  const sessionId = await sessionIdOf(person);
  const gone = new AbortController();
  const lost = await refresh(person.refreshToken, here.http, gone.signal);
  gone.abort();
  // A later refresh of the same process whose receipt is written shows that the first one's would have been.
  const other = await logIn(here.http, person.email);
  await refresh(other.refreshToken);
  await answered(await sessionIdOf(other));
  await age(sessionId, 6 * 86_400);
  const again = await refresh(person.refreshToken, there.http);
  expect([again.status, tokenOf(again)]).toEqual([200, tokenOf(lost)]);
  // This answer has left: who shows the token now is one of two.
  await answered(sessionId);
  expect((await refresh(person.refreshToken)).status).toBe(401);
  expect((await refresh(tokenOf(again))).status).toBe(401);
});

test("[ACC-113] once the successor was used, the token before is a stolen one", async () => {
  const person = await signUp(here.http);
  const gone = new AbortController();
  const lost = await refresh(person.refreshToken, here.http, gone.signal);
  gone.abort();
  const next = await refresh(tokenOf(lost));
  expect(next.status).toBe(200);
  expect((await refresh(person.refreshToken)).status).toBe(401);
  expect((await refresh(tokenOf(next))).status).toBe(401);
});

test("[ACC-114] a process killed in the middle of refreshes makes nobody a thief", async () => {
  const chance = createChance("killed refreshes");
  const owner = await signUp(here.http);
  const devices = await Promise.all(Array.from({ length: 11 }, () => logIn(here.http, owner.email)));
  const sessions = await Promise.all(
    [owner, ...devices].map(async (device) => ({
      id: await sessionIdOf(device),
      token: device.refreshToken,
    })),
  );
  const processes = await Promise.all(Array.from({ length: 5 }, () => spawnRefreshProcess(db, secretKey)));
  onTestFinished(() => Promise.all(processes.map((process) => process.kill())));
  let unanswered = 0;
  for (const { address, kill } of processes) {
    const asked = sessions.map(async (session) => {
      const response = await fetch(`${address}/api/v1/auth/refresh`, {
        method: "POST",
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify({ refresh_token: session.token }),
      });
      const { refresh_token: next } = (await response.json()) as { refresh_token: string };
      return { session, next };
    });
    // From before the first to after the last of them: a first request takes some milliseconds.
    const patience = unanswered === 0 ? 1 : chance.below(sessions.length + 1);
    await Promise.race([Promise.allSettled(asked), enough(asked, patience)]);
    await kill();
    for (const outcome of await Promise.allSettled(asked)) {
      if (outcome.status === "fulfilled") outcome.value.session.token = outcome.value.next;
      else unanswered++;
    }
    // An hour later, and whether it was answered or not.
    for (const session of sessions) {
      await age(session.id, 3_600);
      const answer = await refresh(session.token);
      expect([answer.status, answer.body.code]).toEqual([200, undefined]);
      session.token = tokenOf(answer);
    }
  }
  expect(unanswered).toBeGreaterThan(0);
  const ended =
    await db.sql`SELECT id FROM sessions WHERE user_id = ${owner.userId} AND ended_at IS NOT NULL`;
  expect(ended).toEqual([]);
});

/** Resolves when so many of them have their answer. */
async function enough(asked: readonly Promise<unknown>[], count: number): Promise<void> {
  let answers = 0;
  for (const each of asked) each.then(() => answers++).catch(() => {});
  await until("the answers", () => answers >= count, { everyMs: 1 });
}

test("[ACC-115] of refreshes and ends of one moment on two processes nothing is left that works", async () => {
  const ends = ["POST /auth/logout", "DELETE /auth/sessions?include_current=true", "DELETE /auth/sessions"];
  for (let round = 0; round < 12; round++) {
    const person = await signUp(here.http);
    const other = await logIn(there.http, person.email);
    const [method = "", path = ""] = (ends[round % ends.length] ?? "").split(" ");
    // The last of the three signs out all but the one who asks.
    const [asking, victim] = path === "/auth/sessions" ? [other, person] : [person, person];
    const requests: (() => Promise<Answer>)[] = Array.from(
      { length: 6 },
      (_, index) => () => refresh(victim.refreshToken, at(index)),
    );
    requests.splice((round * 5) % 7, 0, () => send(at(round), method, path, { token: asking.token }));
    const answers = await Promise.all(requests.map((request) => request()));
    for (const answer of answers) expect([200, 204, 401]).toContain(answer.status);
    for (const answer of answers.filter((each) => each.status === 200)) {
      for (const process of [here.http, there.http]) {
        const isDead = async () => (await statusOf(answer.body.access_token, process)) === 401;
        await until("the access token's end", isDead);
        expect((await refresh(tokenOf(answer), process)).status).toBe(401);
      }
    }
    expect((await refresh(victim.refreshToken)).status).toBe(401);
  }
});

test("[ACC-116] a process's wrong clock neither shortens nor lengthens anything of a session", async () => {
  const person = await signUp(there.http);
  const sessionId = await sessionIdOf(person);
  // The clock of this process is a year ahead, then a year behind.
  for (const year of [1, -1]) {
    clock.turn(year * 365 * 86_400_000);
    const mine = await logIn(there.http, person.email);
    const first = await refresh(mine.refreshToken);
    const again = await refresh(mine.refreshToken);
    expect([first.status, again.status, tokenOf(again)]).toEqual([200, 200, tokenOf(first)]);
    clock.turn(-year * 365 * 86_400_000);
  }
  await refresh(person.refreshToken);
  await answered(sessionId);
  await age(sessionId, 11);
  clock.turn(-60_000);
  expect((await refresh(person.refreshToken)).status).toBe(401);
  clock.turn(60_000);
});
