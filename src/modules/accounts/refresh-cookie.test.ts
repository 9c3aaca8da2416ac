import { afterAll, beforeAll, expect, test } from "bun:test";
import { kernelMigrations } from "../../kernel/create-kernel.ts";
import { openAgain, openTestDatabase, type TestDatabase } from "../../testing/database.ts";
import { createTestKernel, type TestKernel } from "../../testing/kernel.ts";
import { type Answer, type Person, send, signUp, TEST_PASSWORD } from "../../testing/requests.ts";
import { accountsMigrations, createAccounts } from "./index.ts";

const OURS = "https://stoa.example.org";
const APP = "https://app.example.org";
const secretKey = Buffer.alloc(32, 3).toString("base64");
let db: TestDatabase;
let secureDb: TestDatabase;
/** Without HTTPS, on http://stoa.test. */
let plain: TestKernel;
/** On https://stoa.example.org, with pages at another name of its site. */
let secure: TestKernel;
let person: Person;
beforeAll(async () => {
  db = await openTestDatabase([...kernelMigrations, accountsMigrations]);
  secureDb = openAgain(db);
  plain = createTestKernel(db, { secretKey });
  const environment = { PUBLIC_URL: OURS, ALLOWED_ORIGINS: APP };
  secure = createTestKernel(secureDb, { secretKey, environment });
  for (const kernel of [plain, secure]) {
    createAccounts(kernel);
    await kernel.start();
  }
  person = await signUp(plain.http);
});
afterAll(async () => {
  await secure.stop();
  await secureDb.close();
  await plain.stop();
  await db.close();
});

const logIn = (kernel: TestKernel, headers: Record<string, string> = {}) =>
  send(kernel.http, "POST", "/auth/login", {
    body: { email: person.email, password: TEST_PASSWORD, refresh_cookie: true },
    headers,
  });
const refresh = (
  kernel: TestKernel,
  cookie: string,
  headers: Record<string, string> = {},
  body: unknown = {},
) => send(kernel.http, "POST", "/auth/refresh", { body, headers: { Cookie: cookie, ...headers } });

/** Log-in sets the cookie of a known device beside it. */
function refreshCookieOf(answer: Answer): string | undefined {
  return answer.headers.getSetCookie().find((cookie) => cookie.includes("stoa_refresh="));
}

/** What a browser would send back. */
function cookieOf(answer: Answer): string {
  return refreshCookieOf(answer)?.split(";")[0] ?? "";
}

test("[ACC-121] the cookie can be read by no script and is sent to nobody else", async () => {
  const cases = [
    [
      plain,
      /^stoa_refresh=stoart_[\w-]{70}; Max-Age=604800; Path=\/api\/v1\/auth; HttpOnly; SameSite=Strict$/,
    ],
    [
      secure,
      /^__Secure-stoa_refresh=stoart_[\w-]{70}; Max-Age=604800; Path=\/api\/v1\/auth; HttpOnly; SameSite=Strict; Secure$/,
    ],
  ] as const;
  for (const [kernel, form] of cases) {
    const answer = await logIn(kernel);
    expect(answer.status).toBe(200);
    expect(refreshCookieOf(answer)).toMatch(form);
    expect(Object.keys(answer.body).sort()).toEqual(["access_token", "expires_in", "token_type", "user_id"]);
    expect(answer.headers.get("cache-control")).toBe("no-store");
  }
});

test("[ACC-121] over HTTPS a cookie without the prefix, which a page without HTTPS could have set, does not count", async () => {
  const [, token = ""] = cookieOf(await logIn(secure)).split("=");
  expect((await refresh(secure, `stoa_refresh=${token}`)).status).toBe(422);
  expect((await refresh(secure, `__Secure-stoa_refresh=${token}`)).status).toBe(200);
});

test("[ACC-122] the next token is in the cookie again and never in a body", async () => {
  let cookie = cookieOf(await logIn(plain));
  for (const body of [{}, { refresh_cookie: true }, { refresh_cookie: false }, {}]) {
    const answer = await refresh(plain, `other=1; ${cookie}; more=2`, {}, body);
    expect([answer.status, answer.body.refresh_token]).toEqual([200, undefined]);
    expect(JSON.stringify(answer.body)).not.toContain("stoart_");
    const me = await send(plain.http, "GET", "/auth/me", { token: String(answer.body.access_token) });
    expect(me.status).toBe(200);
    expect(cookieOf(answer)).not.toBe(cookie);
    cookie = cookieOf(answer);
  }
});

test("[ACC-122] a token of the body may move into the cookie; without either there is nothing to refresh", async () => {
  const inBody = await send(plain.http, "POST", "/auth/login", {
    body: { email: person.email, password: TEST_PASSWORD },
  });
  expect(refreshCookieOf(inBody)).toBeUndefined();
  const moved = await refresh(
    plain,
    "",
    {},
    { refresh_token: inBody.body.refresh_token, refresh_cookie: true },
  );
  expect([moved.status, moved.body.refresh_token]).toEqual([200, undefined]);
  expect((await refresh(plain, cookieOf(moved))).status).toBe(200);

  const missing = await refresh(plain, "");
  expect([missing.status, missing.body.code]).toEqual([422, "INVALID_INPUT"]);
  const signedOut = await refresh(plain, "", {}, { refresh_cookie: true });
  expect([signedOut.status, signedOut.body.code]).toEqual([401, "INVALID_REFRESH_TOKEN"]);
});

test("[ACC-122] signing out takes the cookie away, whichever way", async () => {
  const ways = [
    ["POST", "/auth/logout"],
    ["DELETE", "/auth/sessions?include_current=true"],
    ["DELETE", "current"],
  ] as const;
  for (const [method, path] of ways) {
    const answer = await logIn(plain);
    const token = String(answer.body.access_token);
    const { session_id: sessionId } = (await send(plain.http, "GET", "/auth/verify", { token })).body;
    const out = await send(plain.http, method, path === "current" ? `/auth/sessions/${sessionId}` : path, {
      token,
      headers: { Cookie: cookieOf(answer) },
    });
    expect([out.status, out.headers.get("set-cookie")]).toEqual([
      204,
      "stoa_refresh=; Max-Age=0; Path=/api/v1/auth; HttpOnly; SameSite=Strict",
    ]);
    expect((await refresh(plain, cookieOf(answer))).status).toBe(401);
  }
});

const EVIL = "https://evil.example.net";
const DIRECTIONS: [from: string, headers: Record<string, string>, isAllowed: boolean][] = [
  ["our own page", { "Sec-Fetch-Site": "same-origin", Origin: OURS }, true],
  ["our own page, without an Origin", { "Sec-Fetch-Site": "same-origin" }, true],
  ["a page of ALLOWED_ORIGINS on our site", { "Sec-Fetch-Site": "same-site", Origin: APP }, true],
  ["another page on our site", { "Sec-Fetch-Site": "same-site", Origin: "https://x.example.org" }, false],
  ["our site without an Origin", { "Sec-Fetch-Site": "same-site" }, false],
  ["another site", { "Sec-Fetch-Site": "cross-site", Origin: EVIL }, false],
  ["another site that names our origin", { "Sec-Fetch-Site": "cross-site", Origin: OURS }, false],
  ["the address bar", { "Sec-Fetch-Site": "none" }, false],
  ["a value that no browser sends", { "Sec-Fetch-Site": "same-origin, cross-site" }, false],
  ["an old browser on our page", { Origin: OURS }, true],
  ["an old browser on a page of ALLOWED_ORIGINS", { Origin: APP }, true],
  ["an old browser on another site", { Origin: EVIL }, false],
  ["an old browser in a sandbox", { Origin: "null" }, false],
  ["a program", {}, true],
];

test.each(DIRECTIONS)("[ACC-123] %s", async (_, headers, isAllowed) => {
  const cookie = cookieOf(await logIn(secure));
  const refused = { status: 403, body: { code: "ORIGIN_FORBIDDEN" } };
  const expected = isAllowed ? { status: 200 } : refused;
  expect(await refresh(secure, cookie, headers)).toMatchObject(expected);
  // Else a page of elsewhere could sign its visitor in as somebody else.
  expect(await logIn(secure, headers)).toMatchObject(expected);
  // A token in the body comes from who has it: no cookie is at work.
  const { refreshToken } = await signUp(secure.http);
  expect((await refresh(secure, "", headers, { refresh_token: refreshToken })).status).toBe(200);
  if (!isAllowed) expect((await refresh(secure, cookie)).status).toBe(200);
});

test("[ACC-123] pages of ALLOWED_ORIGINS may send the cookie and read the answer, others not", async () => {
  const cookie = cookieOf(await logIn(secure));
  const allowed = await refresh(secure, cookie, { "Sec-Fetch-Site": "same-site", Origin: APP });
  const headersOf = ({ headers }: Answer) => [
    headers.get("access-control-allow-origin"),
    headers.get("access-control-allow-credentials"),
  ];
  expect(headersOf(allowed)).toEqual([APP, "true"]);
  const preflight = await send(secure.http, "OPTIONS", "/auth/refresh", {
    headers: { Origin: APP, "Access-Control-Request-Method": "POST" },
  });
  expect(headersOf(preflight)).toEqual([APP, "true"]);
  const other = await refresh(secure, cookie, { "Sec-Fetch-Site": "cross-site", Origin: EVIL });
  expect(headersOf(other)).toEqual([null, null]);
});

test("[ACC-124] a form, a text or a body without a type is refused, and nothing is used up", async () => {
  const cookie = cookieOf(await logIn(plain));
  const url = "http://stoa.test/api/v1/auth/refresh";
  const form = new URLSearchParams({ refresh_cookie: "true" });
  const bodies = [
    form,
    "{}",
    new Blob(["{}"]),
    new Blob(["{}"], { type: "application/x-www-form-urlencoded" }),
    new Blob(["{}"], { type: "application/merge-patch+json" }),
  ];
  for (const body of bodies) {
    const request = new Request(url, { method: "POST", body, headers: { Cookie: cookie } });
    const response = await plain.http.fetch(request);
    expect([response.status, ((await response.json()) as { code: string }).code]).toEqual([
      415,
      "UNSUPPORTED_MEDIA_TYPE",
    ]);
    expect(response.headers.get("set-cookie")).toBeNull();
  }
  const right = await refresh(plain, cookie, { "Content-Type": "application/json; charset=utf-8" });
  expect(right.status).toBe(200);
});
