import { afterAll, beforeAll, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { createTestClock } from "../../testing/clock.ts";
import { openAgain } from "../../testing/database.ts";
import { type Answer, send, TEST_PASSWORD } from "../../testing/requests.ts";
import { APP, createBrowser, STOA } from "./testing/browser.ts";
import { type IssuerServer, openIssuerServer, RETURN_TO } from "./testing/issuer-server.ts";
import { openRealIssuer, REAL_CLIENT, type RealIssuer } from "./testing/real-issuer.ts";

const SECRET_KEY = Buffer.alloc(32, 9).toString("base64");
const CALLBACK = `${STOA}/api/v1/auth/acme/callback`;

let issuer: RealIssuer;
let server: IssuerServer;
beforeAll(async () => {
  issuer = await openRealIssuer([CALLBACK]);
  server = await openIssuerServer([{ name: "acme", issuer: issuer.url, ...REAL_CLIENT }], {
    secretKey: SECRET_KEY,
  });
});
afterAll(async () => {
  await server.stop();
  await issuer.stop();
});

let made = 0;
/** A person at the issuer who is nobody here yet. */
function newcomer(change: object = {}) {
  const sub = `person-${++made}`;
  const account = { sub, email: `${sub}@issuer.example`, email_verified: true, name: "Ada", ...change };
  issuer.setAccount(account);
  return account;
}

test("[ACC-80] a new person signs in with an issuer and has an account with a personal project", async () => {
  const { email } = newcomer();
  const { url } = await server.signIn("acme");
  expect(url.href).toStartWith(`${APP}/signed-in?tab=1&code=stoacode_`);
  const answer = await send(server, "POST", "/auth/exchange", {
    body: { code: url.searchParams.get("code") },
  });
  expect([answer.status, answer.body]).toEqual([
    200,
    {
      user_id: expect.any(String),
      access_token: expect.any(String),
      refresh_token: expect.any(String),
      token_type: "bearer",
      expires_in: 1800,
    },
  ]);
  expect(answer.headers.get("Cache-Control")).toBe("no-store");
  const token = String(answer.body.access_token);
  const me = await send(server, "GET", "/auth/me", { token });
  expect(me.body).toMatchObject({ id: answer.body.user_id, email, name: "Ada", email_verified: true });
  const project = await send(server, "GET", `/projects/${answer.body.user_id}`, { token });
  expect([project.status, project.body.role]).toEqual([200, "owner"]);
});

test("[ACC-80] an address that the ID token lacks comes from the userinfo endpoint, and so do its doubts", async () => {
  newcomer({ email_verified: false });
  const { url } = await server.signIn("acme");
  expect(url.searchParams.get("error")).toBe("ISSUER_EMAIL_UNVERIFIED");
  newcomer({ email: undefined, email_verified: undefined });
  expect((await server.signIn("acme")).url.searchParams.get("error")).toBe("ISSUER_EMAIL_UNVERIFIED");
  newcomer({ email: "no address", name: "two\nlines" });
  expect((await server.signIn("acme")).url.searchParams.get("error")).toBe("ISSUER_EMAIL_UNVERIFIED");
});

test("[ACC-80] an issuer of no name that is set is not there", async () => {
  for (const name of ["google", "login", "ACME", "acme.", "__proto__", "constructor"]) {
    for (const path of [`/auth/${name}`, `/auth/${name}/callback`]) {
      const answer = await send(server, "GET", path);
      expect([path, answer.status, answer.body.code]).toEqual([path, 404, "ISSUER_NOT_FOUND"]);
    }
  }
});

test("[ACC-81] the issuer is asked for a code with PKCE, a new state and nonce, for the callback under PUBLIC_URL", async () => {
  const seen: URLSearchParams[] = [];
  for (let round = 0; round < 2; round++) {
    const path = `/auth/acme?return_to=${encodeURIComponent(RETURN_TO)}`;
    const answer = await send(server, "GET", path, {
      headers: { host: "evil.example", "x-forwarded-host": "evil.example" },
    });
    const location = new URL(answer.headers.get("location") ?? "");
    expect([answer.status, location.origin]).toEqual([303, issuer.url]);
    expect(answer.headers.get("Cache-Control")).toBe("no-store");
    seen.push(location.searchParams);
  }
  for (const parameters of seen) {
    expect(Object.fromEntries(parameters)).toEqual({
      client_id: "stoa",
      response_type: "code",
      redirect_uri: CALLBACK,
      scope: "openid email profile",
      code_challenge_method: "S256",
      code_challenge: expect.stringMatching(/^[\w-]{43}$/),
      state: expect.stringMatching(/^[\w-]{40,}$/),
      nonce: expect.stringMatching(/^[\w-]{40,}$/),
    });
  }
  for (const name of ["state", "nonce", "code_challenge"])
    expect(seen[0]?.get(name)).not.toBe(seen[1]?.get(name) ?? "");
});

test("[ACC-82] a callback in another browser is refused, and signs nobody in", async () => {
  newcomer();
  const victim = createBrowser(server);
  const { url: callback } = await createBrowser(server).open(
    `${STOA}/api/v1/auth/acme?return_to=${encodeURIComponent(RETURN_TO)}`,
    { stopAt: CALLBACK },
  );
  const refused = await victim.open(callback.href);
  expect([refused.url.href, refused.status, refused.body.code]).toEqual([
    callback.href,
    403,
    "SIGN_IN_NOT_FOUND",
  ]);
  // Also when the victim has a sign-in of its own under way, whose cookie has the same name.
  await victim.open(`${STOA}/api/v1/auth/acme`, { stopAt: issuer.url });
  expect(victim.cookiesFor(STOA)).toContain("stoa-sign-in-0=");
  expect((await victim.open(callback.href)).status).toBe(403);
});

test("[ACC-82] the cookie is for this server alone, sealed, and over https for no other", async () => {
  const cookieOf = async (from: IssuerServer) => {
    const answer = await send(from, "GET", "/auth/acme");
    return [
      answer.headers.get("set-cookie") ?? "",
      new URL(answer.headers.get("location") ?? "").searchParams,
    ] as const;
  };
  const [plain, parameters] = await cookieOf(server);
  expect(plain).toMatch(/^stoa-sign-in-0=[\w-]{300,1500}; Max-Age=600; Path=\/; HttpOnly; SameSite=Lax$/);
  const value = Buffer.from(/=([\w-]+)/.exec(plain)?.[1] ?? "", "base64url").toString("latin1");
  for (const name of ["state", "nonce"]) expect(value).not.toContain(parameters.get(name) ?? "-");
  const secure = await openIssuerServer([{ name: "acme", issuer: issuer.url, ...REAL_CLIENT }], {
    environment: { PUBLIC_URL: "https://stoa.example" },
  });
  expect((await cookieOf(secure))[0]).toMatch(
    /^__Host-stoa-sign-in-0=[\w-]+; Max-Age=600; Path=\/; HttpOnly; SameSite=Lax; Secure$/,
  );
  await secure.stop();
});

test("[ACC-82] four tabs can sign in at once, and none that took more than ten minutes", async () => {
  newcomer();
  const browser = createBrowser(server);
  const begin = () =>
    browser.open(`${STOA}/api/v1/auth/acme?return_to=${encodeURIComponent(RETURN_TO)}`, { stopAt: CALLBACK });
  const tabs = [await begin(), await begin(), await begin(), await begin()];
  for (const { url } of tabs) expect((await browser.open(url.href)).url.searchParams.has("code")).toBe(true);
  expect(browser.cookiesFor(STOA)).toBe("");

  const { url } = await begin();
  const late = createTestClock();
  late.turn(600_000);
  const later = await openIssuerServer([{ name: "acme", issuer: issuer.url, ...REAL_CLIENT }], {
    db: openAgain(server.db),
    secretKey: SECRET_KEY,
    clock: late,
  });
  const cookie = browser.cookiesFor(STOA);
  const answer = await send(later, "GET", url.pathname + url.search, { headers: { cookie } });
  expect([answer.status, answer.body.code]).toEqual([403, "SIGN_IN_NOT_FOUND"]);
  await later.stop();
});

test("[ACC-83] no address but those on the list is led to", async () => {
  const forbidden = [
    "https://evil.example/",
    "//evil.example/",
    "/\\evil.example/",
    "\\\\evil.example",
    "https:evil.example",
    "https://app.example.evil.example/",
    "https://app.example@evil.example/",
    "https://user:password@app.example/",
    "https://app.example:8443/",
    "http://app.example/",
    "https://app.example./",
    "https://APP.example%2eevil.example/",
    "https://sub.app.example/",
    "javascript:alert(1)//https://app.example/",
    "data:text/html,https://app.example/",
    "https://app.example/#fragment",
    `https://app.example/${"a".repeat(2_000)}`,
  ];
  for (const text of forbidden) {
    const answer = await send(server, "GET", `/auth/acme?return_to=${encodeURIComponent(text)}`);
    expect([text, answer.status, answer.body.code]).toEqual([text, 422, "RETURN_ADDRESS_FORBIDDEN"]);
    expect(answer.headers.get("location")).toBeNull();
  }
  const twice = await send(
    server,
    "GET",
    `/auth/acme?return_to=${encodeURIComponent(RETURN_TO)}&return_to=https://evil.example`,
  );
  expect(twice.status).toBe(422);
});

test("[ACC-83] a page of an allowed origin is led to, its query kept, an outcome in it not", async () => {
  const cases: [returnTo: string | undefined, address: string][] = [
    [undefined, `${STOA}/?code=`],
    ["/welcome?x=1", `${STOA}/welcome?x=1&code=`],
    ["https://APP.example", `${APP}/?code=`],
    [`${APP}/a%2Fb?x=%26&y=1`, `${APP}/a%2Fb?x=%26&y=1&code=`],
    [`${APP}/?code=mine&error=none&x=1`, `${APP}/?x=1&code=`],
  ];
  for (const [returnTo, address] of cases) {
    newcomer();
    const query = returnTo === undefined ? "" : `?return_to=${encodeURIComponent(returnTo)}`;
    const browser = createBrowser(server);
    const { url } = await browser.open(`${STOA}/api/v1/auth/acme${query}`, { stopAt: CALLBACK });
    const headers = { cookie: browser.cookiesFor(STOA) };
    const answer = await send(server, "GET", url.pathname + url.search, { headers });
    expect([answer.status, answer.headers.get("location")]).toEqual([
      303,
      expect.stringMatching(/code=stoacode_[\w-]{43}$/),
    ]);
    expect(answer.headers.get("location")).toStartWith(address);
  }
});

test("[ACC-84] a code is good once, for a minute, and stored hashed", async () => {
  newcomer();
  const code = async () => (await server.signIn("acme")).url.searchParams.get("code") ?? "";
  const exchange = (text: string) => send(server, "POST", "/auth/exchange", { body: { code: text } });
  const first = await code();
  const parallel = await Promise.all(Array.from({ length: 8 }, () => exchange(first)));
  expect(parallel.map(({ status }) => status).sort()).toEqual([200, 401, 401, 401, 401, 401, 401, 401]);
  const second = await code();
  const [row] = await server.db.sql<{
    text: string;
  }>`SELECT string_agg(c::text, ' ') AS text FROM sign_in_codes c`;
  expect(row?.text).toContain(createHash("sha256").update(second).digest("hex"));
  expect(row?.text).not.toContain(Buffer.from(second).toString("hex"));
  await server.db.sql`UPDATE sign_in_codes SET created_at = created_at - interval '61 seconds'`;
  for (const text of [second, first, "", "stoacode_x", second.slice(0, -1), "'"]) {
    const answer = await exchange(text);
    expect([text, answer.status, answer.body.code]).toEqual([text, 401, "INVALID_SIGN_IN_CODE"]);
  }
});

test("[ACC-84] a code that was asked for with a challenge is given up only for its verifier", async () => {
  newcomer();
  const verifier = "a-verifier-of-forty-three-characters-at-least";
  const code_challenge = createHash("sha256").update(verifier).digest("base64url");
  const { url } = await server.signIn("acme", undefined, { code_challenge });
  const code = url.searchParams.get("code") ?? "";
  for (const body of [
    { code },
    { code, code_verifier: `${verifier}x` },
    { code, code_verifier: code_challenge },
  ]) {
    const answer = await send(server, "POST", "/auth/exchange", { body });
    expect([body, answer.status, answer.body.code]).toEqual([body, 401, "INVALID_SIGN_IN_CODE"]);
  }
  const answer = await send(server, "POST", "/auth/exchange", { body: { code, code_verifier: verifier } });
  expect(answer.status).toBe(200);
  const bad = await send(server, "GET", "/auth/acme?code_challenge=plain");
  expect(bad.status).toBe(422);
});

test("[ACC-98] it may begin in one process, come back to another, and be exchanged at a third", async () => {
  newcomer();
  const setup = [{ name: "acme", issuer: issuer.url, ...REAL_CLIENT }];
  const others = [
    await openIssuerServer(setup, { db: openAgain(server.db), secretKey: SECRET_KEY }),
    await openIssuerServer(setup, { db: openAgain(server.db), secretKey: SECRET_KEY }),
  ] as const;
  const browser = createBrowser(server);
  const { url } = await browser.open(`${STOA}/api/v1/auth/acme`, { stopAt: CALLBACK });
  const headers = { cookie: browser.cookiesFor(STOA) };
  const back = await send(others[0], "GET", url.pathname + url.search, { headers });
  const code = new URL(back.headers.get("location") ?? "").searchParams.get("code");
  const answer = await send(others[1], "POST", "/auth/exchange", { body: { code } });
  expect(answer.status).toBe(200);
  const me = await send(server, "GET", "/auth/me", { token: String(answer.body.access_token) });
  expect(me.status).toBe(200);
  for (const other of others) await other.stop();
});

test("[ACC-95] an account without a password looks like none at a log-in", async () => {
  const { email } = newcomer();
  expect((await server.signInAndExchange("acme")).status).toBe(200);
  const fields = ({ status, body: { request_id, ...rest } }: Answer) => ({ status, rest });
  const logIn = (address: string, password: string) =>
    send(server, "POST", "/auth/login", { body: { email: address, password } });
  const unknown = fields(await logIn("nobody@issuer.example", TEST_PASSWORD));
  expect(unknown.status).toBe(401);
  for (const password of ["", "null", TEST_PASSWORD])
    expect(fields(await logIn(email, password))).toEqual(unknown);
});

test("[ACC-95] … and takes as long, since a hash is computed for it too", async () => {
  const { email } = newcomer();
  await server.signInAndExchange("acme");
  const timeOf = async (address: string) => {
    const startedMs = performance.now();
    await send(server, "POST", "/auth/login", { body: { email: address, password: TEST_PASSWORD } });
    return performance.now() - startedMs;
  };
  const times = { without: [] as number[], unknown: [] as number[] };
  for (let round = 0; round < 15; round++) {
    times.without.push(await timeOf(email));
    times.unknown.push(await timeOf("nobody@issuer.example"));
  }
  const least = (list: number[]) => Math.min(...list);
  // Without a hash it would take a tenth.
  expect(least(times.without) / least(times.unknown)).toBeWithin(0.5, 2);
});
