import { afterAll, beforeAll, expect, test } from "bun:test";
import { createLogger } from "../../kernel/telemetry/index.ts";
import { type Answer, logIn, type Person, send, signUp, TEST_PASSWORD } from "../../testing/requests.ts";
import { until } from "../../testing/until.ts";
import { createBrowser, STOA } from "./testing/browser.ts";
import { type IssuerServer, openIssuerServer } from "./testing/issuer-server.ts";
import { openRealIssuer, REAL_CLIENT, type RealIssuer } from "./testing/real-issuer.ts";

let acme: RealIssuer;
let other: RealIssuer;
let server: IssuerServer;
beforeAll(async () => {
  acme = await openRealIssuer([`${STOA}/api/v1/auth/acme/callback`]);
  other = await openRealIssuer([`${STOA}/api/v1/auth/other/callback`]);
  server = await openIssuerServer([
    { name: "acme", issuer: acme.url, ...REAL_CLIENT },
    { name: "other", issuer: other.url, ...REAL_CLIENT },
  ]);
});
afterAll(async () => {
  await server.stop();
  await acme.stop();
  await other.stop();
});

let made = 0;
const newSubject = () => `person-${++made}`;
const verify = (email: string) =>
  server.db.sql`UPDATE users SET email_verified_at = now() WHERE email_key = ${email}`;
const errorOf = async (name: string) => (await server.signIn(name)).url.searchParams.get("error");

async function counts(): Promise<{ users: number; identities: number; codes: number }> {
  const [row] = await server.db.sql<{ users: number; identities: number; codes: number }>`
    SELECT (SELECT count(*)::int FROM users) AS users, (SELECT count(*)::int FROM identities) AS identities,
      (SELECT count(*)::int FROM sign_in_codes) AS codes`;
  return row ?? { users: 0, identities: 0, codes: 0 };
}

test("[ACC-85] a changed address is the same person", async () => {
  const sub = newSubject();
  acme.setAccount({ sub, email: `${sub}@before.example`, email_verified: true });
  const first = await server.signInAndExchange("acme");
  // Not even verified any more: it decides nothing now.
  acme.setAccount({ sub, email: `${sub}@after.example`, email_verified: false });
  const second = await server.signInAndExchange("acme");
  expect([first.status, second.status, second.body.user_id]).toEqual([200, 200, first.body.user_id]);
  const me = await send(server, "GET", "/auth/me", { token: String(second.body.access_token) });
  expect(me.body.email).toBe(`${sub}@before.example`);
});

test("[ACC-85] the same subject at another issuer is somebody else", async () => {
  const sub = newSubject();
  acme.setAccount({ sub, email: `${sub}@one.example`, email_verified: true });
  other.setAccount({ sub, email: `${sub}@two.example`, email_verified: true });
  const one = await server.signInAndExchange("acme");
  const two = await server.signInAndExchange("other");
  expect([one.status, two.status]).toEqual([200, 200]);
  expect(two.body.user_id).not.toBe(one.body.user_id ?? "");
});

test("[ACC-86] an account is linked when its address is verified on both sides, and keeps its password", async () => {
  const ada = await signUp(server);
  await verify(ada.email);
  acme.setAccount({ sub: newSubject(), email: ada.email.toUpperCase(), email_verified: true });
  const answer = await server.signInAndExchange("acme");
  expect([answer.status, answer.body.user_id]).toEqual([200, ada.userId]);
  expect((await logIn(server, ada.email)).userId).toBe(ada.userId);
  // A second issuer, and the first again: the same account.
  other.setAccount({ sub: newSubject(), email: ada.email, email_verified: true });
  for (const name of ["other", "acme"]) {
    expect((await server.signInAndExchange(name)).body.user_id).toBe(ada.userId);
  }
});

test("[ACC-86] an address that one side has not verified takes nothing over", async () => {
  const ada = await signUp(server);
  const before = await counts();
  acme.setAccount({ sub: newSubject(), email: ada.email, email_verified: true });
  expect(await errorOf("acme")).toBe("ACCOUNT_EMAIL_UNVERIFIED");
  await verify(ada.email);
  // Whether there is an account makes no difference to who has not shown that the address is his.
  for (const email of [ada.email, `${newSubject()}@new.example`]) {
    acme.setAccount({ sub: newSubject(), email, email_verified: false });
    expect(await errorOf("acme")).toBe("ISSUER_EMAIL_UNVERIFIED");
  }
  expect(await counts()).toEqual(before);
});

test("[ACC-87] first sign-ins of one person at the same moment make one account", async () => {
  const sub = newSubject();
  acme.setAccount({ sub, email: `${sub}@crowd.example`, email_verified: true });
  const answers = await Promise.all(Array.from({ length: 6 }, () => server.signInAndExchange("acme")));
  expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200, 200, 200]);
  expect(new Set(answers.map(({ body }) => body.user_id)).size).toBe(1);
});

test("[ACC-87] beside a sign-up with the same address there is one account, and nobody is taken over", async () => {
  for (let round = 0; round < 4; round++) {
    const sub = newSubject();
    const email = `${sub}@race.example`;
    acme.setAccount({ sub, email, email_verified: true });
    const [byIssuer, byPassword] = await Promise.all([
      server.signIn("acme"),
      send(server, "POST", "/auth/signup", { body: { email, password: TEST_PASSWORD } }),
    ]);
    const { code, error } = Object.fromEntries(byIssuer.url.searchParams);
    // Whoever came first has it.
    if (byPassword.status === 201) expect([code, error]).toEqual([undefined, "ACCOUNT_EMAIL_UNVERIFIED"]);
    else expect([byPassword.status, typeof code]).toEqual([409, "string"]);
    const [row] = await server.db.sql`SELECT count(*)::int AS n FROM users WHERE email_key = ${email}`;
    expect(row).toEqual({ n: 1 });
  }
});

/** Somebody who can only sign in with an issuer, or with both. */
async function signInWith(names: readonly ("acme" | "other")[]): Promise<{ token: string; userId: string }> {
  const sub = newSubject();
  const account = { sub, email: `${sub}@ways.example`, email_verified: true };
  acme.setAccount(account);
  other.setAccount(account);
  const answers: Answer[] = [];
  for (const name of names) answers.push(await server.signInAndExchange(name));
  const { access_token: token, user_id: userId } = answers.at(-1)?.body ?? {};
  return { token: String(token), userId: String(userId) };
}

// As view.ts describes it.
const listOf = async (token: string) =>
  (await send(server, "GET", "/auth/identities", { token })).body.items as {
    id: string;
    issuer: string;
    email: string;
  }[];

test("[ACC-96] I see my identities and take one away, but not the last way in", async () => {
  const { token } = await signInWith(["acme", "other"]);
  const [newer, older] = await listOf(token);
  expect([newer?.issuer, older?.issuer]).toEqual([other.url, acme.url]);
  const remove = (id = "") => send(server, "DELETE", `/auth/identities/${id}`, { token });
  expect((await remove(older?.id)).status).toBe(204);
  expect((await listOf(token)).map(({ id }) => id)).toEqual([newer?.id ?? ""]);
  const last = await remove(newer?.id);
  expect([last.status, last.body.code]).toEqual([409, "LAST_WAY_IN"]);
  expect(await listOf(token)).toHaveLength(1);
  const gone = await remove(older?.id);
  expect([gone.status, gone.body.code]).toEqual([404, "IDENTITY_NOT_FOUND"]);
});

test("[ACC-96] who has a password may take all away; those of others are not there", async () => {
  const ada: Person = await signUp(server);
  await verify(ada.email);
  acme.setAccount({ sub: newSubject(), email: ada.email, email_verified: true });
  await server.signInAndExchange("acme");
  const [identity] = await listOf(ada.token);
  const stranger = await signUp(server);
  const refused = await stranger.call("DELETE", `/auth/identities/${identity?.id}`);
  expect([refused.status, refused.body.code]).toEqual([404, "IDENTITY_NOT_FOUND"]);
  expect((await ada.call("DELETE", `/auth/identities/${identity?.id}`)).status).toBe(204);
  expect(await listOf(ada.token)).toEqual([]);
});

test("[ACC-96] two removals at once leave one way in", async () => {
  const { token, userId } = await signInWith(["acme", "other"]);
  const ids = (await listOf(token)).map(({ id }) => id);
  let through = 0;
  const remove = async (id: string) => {
    const { status } = await send(server, "DELETE", `/auth/identities/${id}`, { token });
    through++;
    return status;
  };
  // Held, so that both have begun before either has ended.
  const removals = await server.db.transaction(async (tx) => {
    await tx`SELECT FROM users WHERE id = ${userId} FOR UPDATE`;
    const begun = ids.map(remove);
    await until("both to wait for their turn, or to be through", async () => {
      const waiting = await server.db.sql`SELECT FROM pg_stat_activity
        WHERE datname = current_database() AND wait_event_type = 'Lock'`;
      return waiting.length === 2 || through === 2;
    });
    // In an object: a promise would be awaited before the row is let go.
    return { begun };
  });
  expect((await Promise.all(removals.begun)).sort()).toEqual([204, 409]);
  expect(await listOf(token)).toHaveLength(1);
});

test("[ACC-97] the trail says who was linked and signed in with which issuer", async () => {
  const start = server.recorded.length;
  const { userId, token } = await signInWith(["acme", "other"]);
  const [newer, older] = await listOf(token);
  await send(server, "DELETE", `/auth/identities/${older?.id}`, { token });
  const entry = (action: string, subject: string | undefined, issuer: string) => ({
    action,
    projectId: null,
    actorId: userId,
    subject: subject ?? "",
    address: expect.any(String),
    data: { issuer },
  });
  const entries = server.recorded.slice(start);
  // Of a new person the address is known to be verified from the start.
  expect(entries[0]).toMatchObject({ action: "account.created", actorId: userId, subject: userId });
  expect(entries[1]).toMatchObject({ action: "email.verified", actorId: userId, subject: userId });
  expect(entries.slice(2)).toEqual([
    entry("identity.linked", older?.id, acme.url),
    entry("session.created", expect.any(String), acme.url),
    entry("identity.linked", newer?.id, other.url),
    entry("session.created", expect.any(String), other.url),
    entry("identity.removed", older?.id, acme.url),
  ]);
  const sessions = await send(server, "GET", "/auth/sessions", { token });
  expect(JSON.stringify(sessions.body)).toContain(entries[5]?.subject ?? "-");
});

test("[ACC-97] neither the trail nor the log has a secret", async () => {
  const lines: string[] = [];
  const output = { write: (line: string) => void lines.push(line), flush: () => {} };
  const log = createLogger({ level: "debug", process: "test", output });
  const loud = await openIssuerServer([{ name: "acme", issuer: acme.url, ...REAL_CLIENT }], {
    log,
  });
  const sub = newSubject();
  acme.setAccount({ sub, email: `${sub}@quiet.example`, email_verified: true });
  const browser = createBrowser(loud);
  const { url: callback } = await browser.open(`${STOA}/api/v1/auth/acme`, {
    stopAt: `${STOA}/api/v1/auth/acme/callback`,
  });
  const cookie = browser.cookiesFor(STOA);
  const back = await send(loud, "GET", callback.pathname + callback.search, { headers: { cookie } });
  const code = new URL(back.headers.get("location") ?? "").searchParams.get("code") ?? "";
  const answer = await send(loud, "POST", "/auth/exchange", { body: { code } });
  // A replay and a wrong answer are logged with their reason.
  await send(loud, "GET", callback.pathname + callback.search, { headers: { cookie } });
  await loud.stop();
  const written = lines.join("");
  expect(answer.status).toBe(200);
  expect(written).toContain("a sign-in with an issuer was refused");
  const secrets = [
    REAL_CLIENT.client_secret,
    code,
    callback.searchParams.get("code"),
    callback.searchParams.get("state"),
    cookie.split("=")[1],
    answer.body.access_token,
    answer.body.refresh_token,
    `${sub}@quiet.example`,
  ].map(String);
  for (const secret of secrets) {
    expect(secret.length).toBeGreaterThan(15);
    expect(written).not.toContain(secret);
    expect(JSON.stringify(loud.recorded)).not.toContain(secret);
  }
});
