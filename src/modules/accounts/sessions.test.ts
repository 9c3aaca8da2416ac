import { afterAll, beforeAll, expect, test } from "bun:test";
import { kernelMigrations } from "../../kernel/create-kernel.ts";
import { type Logger, silentLogger } from "../../kernel/telemetry/index.ts";
import { openTestDatabase, type TestDatabase } from "../../testing/database.ts";
import { createTestKernel, type TestKernel } from "../../testing/kernel.ts";
import { type Answer, logIn, type Person, send, signUp } from "../../testing/requests.ts";
import { until } from "../../testing/until.ts";
import { accountsMigrations, createAccounts } from "./index.ts";
import { sessionLife } from "./model.ts";
import { createRefreshTokens } from "./refresh-token.ts";
import { deleteOldSessions } from "./store/sessions.ts";

let db: TestDatabase;
let kernel: TestKernel;
const warnings: object[] = [];
const log: Logger = { ...silentLogger, warn: (fields) => void warnings.push(fields), child: () => log };
beforeAll(async () => {
  db = await openTestDatabase([...kernelMigrations, accountsMigrations]);
  kernel = createTestKernel(db, { log });
  createAccounts(kernel);
  await kernel.start();
});
afterAll(async () => {
  await kernel.stop();
  await db.close();
});

const refresh = (token: unknown) =>
  send(kernel.http, "POST", "/auth/refresh", { body: { refresh_token: token } });
const refreshTokenOf = (answer: Answer) => String(answer.body.refresh_token);
const statusOf = async (token: unknown) =>
  (await send(kernel.http, "GET", "/auth/me", { token: String(token) })).status;

async function sessionIdOf(person: Pick<Person, "call">): Promise<string> {
  return String((await person.call("GET", "/auth/verify")).body.session_id);
}

/** The answer has left the server, and that is written down. */
async function answered(sessionId: string): Promise<void> {
  await until("the receipt", async () => {
    const rows = await db.sql`SELECT FROM sessions WHERE id = ${sessionId} AND answered_counter = counter`;
    return rows.length > 0;
  });
}

/** Moves what has happened to a session into the past. */
async function age(sessionId: string, seconds: number): Promise<void> {
  await db.sql`UPDATE sessions SET created_at = created_at - make_interval(secs => ${seconds}::int),
    last_used_at = last_used_at - make_interval(secs => ${seconds}::int),
    rotated_at = rotated_at - make_interval(secs => ${seconds}::int) WHERE id = ${sessionId}`;
}

test("[ACC-21] a refresh token gives a new pair of the same session, again and again", async () => {
  const person = await signUp(kernel.http);
  let token = person.refreshToken;
  for (let round = 0; round < 5; round++) {
    const answer = await refresh(token);
    expect(answer.status).toBe(200);
    expect(answer.body).toMatchObject({ user_id: person.userId, token_type: "bearer", expires_in: 1800 });
    expect(answer.headers.get("Cache-Control")).toBe("no-store");
    expect(refreshTokenOf(answer)).not.toBe(token);
    expect(await statusOf(answer.body.access_token)).toBe(200);
    token = refreshTokenOf(answer);
  }
  expect((await person.call("GET", "/auth/sessions")).body.items).toHaveLength(1);
});

test("[ACC-21] no token lies in the database", async () => {
  const person = await signUp(kernel.http);
  const next = refreshTokenOf(await refresh(person.refreshToken));
  const rows = await db.sql<{ text: string }>`SELECT sessions::text AS text FROM sessions
    UNION ALL SELECT users::text FROM users UNION ALL SELECT signing_keys::text FROM signing_keys`;
  const stored = rows.map((row) => row.text).join("\n");
  expect(stored).toContain(await sessionIdOf(person));
  for (const token of [person.refreshToken, next, person.token]) {
    expect(stored).not.toContain(token.slice(-40));
    expect(stored).not.toContain(Buffer.from(token.slice(-43), "base64url").toString("hex"));
  }
});

test("[ACC-22] twenty refreshes of one moment get one successor", async () => {
  for (let round = 0; round < 5; round++) {
    const person = await signUp(kernel.http);
    const answers = await Promise.all(Array.from({ length: 20 }, () => refresh(person.refreshToken)));
    expect(new Set(answers.map((each) => each.status))).toEqual(new Set([200]));
    const successors = new Set(answers.map(refreshTokenOf));
    expect(successors.size).toBe(1);
    const [row] = await db.sql<{ counter: number }>`
      SELECT counter FROM sessions WHERE id = ${await sessionIdOf(person)}`;
    expect(row?.counter).toBe(1);
    expect((await refresh([...successors][0])).status).toBe(200);
  }
});

test("[ACC-22] an answer that got lost is given again within ten seconds", async () => {
  const person = await signUp(kernel.http);
  const first = await refresh(person.refreshToken);
  await age(await sessionIdOf(person), 9);
  const again = await refresh(person.refreshToken);
  expect(again.status).toBe(200);
  expect(refreshTokenOf(again)).toBe(refreshTokenOf(first));
});

test("[ACC-23] a used token shown after ten seconds ends the session and is logged", async () => {
  const person = await signUp(kernel.http);
  const sessionId = await sessionIdOf(person);
  const next = await refresh(person.refreshToken);
  await answered(sessionId);
  await age(sessionId, 11);
  warnings.length = 0;
  expect(await refresh(person.refreshToken)).toMatchObject({
    status: 401,
    body: { code: "INVALID_REFRESH_TOKEN" },
  });
  expect((await refresh(refreshTokenOf(next))).status).toBe(401);
  expect(await statusOf(person.token)).toBe(401);
  expect(await statusOf(next.body.access_token)).toBe(401);
  expect(warnings).toEqual([{ session_id: sessionId, user_id: person.userId }]);
  const [row] = await db.sql`SELECT end_reason FROM sessions WHERE id = ${sessionId}`;
  expect(row).toEqual({ end_reason: "reuse" });
});

test("[ACC-23] a token older than the last one ends the session at once", async () => {
  const person = await signUp(kernel.http);
  const second = refreshTokenOf(await refresh(person.refreshToken));
  const third = refreshTokenOf(await refresh(second));
  expect((await refresh(person.refreshToken)).status).toBe(401);
  expect((await refresh(third)).status).toBe(401);
});

test("[ACC-24] other sessions of the user go on", async () => {
  const person = await signUp(kernel.http);
  const other = await logIn(kernel.http, person.email);
  await refresh(refreshTokenOf(await refresh(person.refreshToken)));
  expect((await refresh(person.refreshToken)).status).toBe(401);
  expect(await statusOf(person.token)).toBe(401);
  expect(await statusOf(other.token)).toBe(200);
  expect((await refresh(other.refreshToken)).status).toBe(200);
});

test("[ACC-25] a session ends when it was not refreshed for the days set, and 30 days after the log-in", async () => {
  const day = 86_400;
  const idle = await signUp(kernel.http);
  await age(await sessionIdOf(idle), 7 * day + 1);
  expect((await refresh(idle.refreshToken)).status).toBe(401);

  const busy = await signUp(kernel.http);
  const id = await sessionIdOf(busy);
  let token = busy.refreshToken;
  for (let days = 0; days < 24; days += 6) {
    await age(id, 6 * day);
    const answer = await refresh(token);
    expect(answer.status).toBe(200);
    token = refreshTokenOf(answer);
  }
  await age(id, 6 * day + 1);
  expect((await refresh(token)).status).toBe(401);
});

test("[ACC-25] a longer idle time makes sessions last as long", () => {
  expect(sessionLife(7)).toMatchObject({ idleDays: 7, absoluteDays: 30 });
  expect(sessionLife(90)).toMatchObject({ idleDays: 90, absoluteDays: 90 });
});

test("[ACC-26] what is no refresh token of ours is refused, and ends nothing", async () => {
  const person = await signUp(kernel.http);
  const claim = { sessionId: await sessionIdOf(person), counter: 0 };
  const foreign = createRefreshTokens(Buffer.alloc(32, 1));
  const own = createRefreshTokens(kernel.secrets.derive("refresh token"));
  expect(own.make(claim)).toBe(person.refreshToken);
  const flipped = Buffer.from(person.refreshToken.slice(7), "base64url");
  flipped[19] = 1;
  const tokens = [
    "",
    "stoart_",
    "garbage",
    person.token,
    person.refreshToken.slice(7),
    person.refreshToken.slice(0, -1),
    `${person.refreshToken}AAAA`,
    foreign.make(claim),
    `stoart_${flipped.toString("base64url")}`,
    own.make({ sessionId: crypto.randomUUID(), counter: 0 }),
    // Of a database that was set back to a backup: nobody has stolen anything.
    own.make({ ...claim, counter: 1 }),
  ];
  for (const token of tokens) {
    const answer = await refresh(token);
    expect([token, answer.status, answer.body.code]).toEqual([token, 401, "INVALID_REFRESH_TOKEN"]);
  }
  for (const token of [null, 5, ["a"], "x".repeat(2_000)]) expect((await refresh(token)).status).toBe(422);
  expect((await refresh(person.refreshToken)).status).toBe(200);
});

test("[ACC-27] a log-out ends the session's tokens at once", async () => {
  const person = await signUp(kernel.http);
  const next = await refresh(person.refreshToken);
  const logOut = await person.call("POST", "/auth/logout");
  expect([logOut.status, logOut.body]).toEqual([204, {}]);
  expect(await statusOf(person.token)).toBe(401);
  expect(await statusOf(next.body.access_token)).toBe(401);
  expect((await refresh(refreshTokenOf(next))).status).toBe(401);
  expect((await person.call("POST", "/auth/logout")).status).toBe(401);
});

test("[ACC-28] a refresh and a log-out of one moment leave no token that works", async () => {
  for (let round = 0; round < 15; round++) {
    const person = await signUp(kernel.http);
    const requests = [
      () => person.call("POST", "/auth/logout"),
      ...Array(4).fill(() => refresh(person.refreshToken)),
    ];
    const order = round % 2 ? requests : requests.reverse();
    const answers: Answer[] = await Promise.all(order.map((request) => request()));
    for (const answer of answers) expect([200, 204, 401]).toContain(answer.status);
    for (const answer of answers.filter((each) => each.status === 200)) {
      expect(await statusOf(answer.body.access_token)).toBe(401);
      expect((await refresh(refreshTokenOf(answer))).status).toBe(401);
    }
    expect((await refresh(person.refreshToken)).status).toBe(401);
  }
});

test("[ACC-32] sessions and endings that can serve nobody are deleted, and no others", async () => {
  const life = sessionLife(7);
  const old = await signUp(kernel.http);
  const young = await signUp(kernel.http);
  const [oldId, youngId] = [await sessionIdOf(old), await sessionIdOf(young)];
  await age(oldId, 31 * 86_400 + 60);
  await age(youngId, 30 * 86_400);
  await old.call("POST", "/auth/logout");
  await db.sql`UPDATE session_endings SET at = now() - interval '49 hours' WHERE session_id = ${oldId}`;
  const gone = await logIn(kernel.http, young.email);
  const goneId = await sessionIdOf(gone);
  await gone.call("POST", "/auth/logout");
  await db.transaction((tx) => deleteOldSessions(tx, life));
  const left = await db.sql<{
    id: string;
  }>`SELECT id FROM sessions WHERE id IN (${oldId}, ${youngId}, ${goneId})`;
  expect(left.map((row) => row.id).sort()).toEqual([youngId, goneId].sort());
  const endings = await db.sql<{ session_id: string }>`
    SELECT session_id FROM session_endings WHERE session_id IN (${oldId}, ${goneId})`;
  expect(endings.map((row) => row.session_id)).toEqual([goneId]);
});
