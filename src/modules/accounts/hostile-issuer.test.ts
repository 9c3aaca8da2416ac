import { afterAll, beforeAll, beforeEach, expect, test } from "bun:test";
import { generateKeyPairSync } from "node:crypto";
import { SignJWT } from "jose";
import { createTestClock } from "../../testing/clock.ts";
import { send } from "../../testing/requests.ts";
import { createBrowser, STOA } from "./testing/browser.ts";
import {
  HOSTILE_CLIENT,
  type HostileIssuer,
  type Lies,
  openHostileIssuer,
  SUBJECT,
  signWith,
} from "./testing/hostile-issuer.ts";
import { type IssuerServer, openIssuerServer } from "./testing/issuer-server.ts";

const CALLBACK = `${STOA}/api/v1/auth/hostile/callback`;
/** Past the time that metadata and keys are kept. */
const KEPT_MS = 600_000;

const clock = createTestClock();
let hostile: HostileIssuer;
let honest: HostileIssuer;
let server: IssuerServer;
beforeAll(async () => {
  hostile = openHostileIssuer();
  honest = openHostileIssuer();
  server = await openIssuerServer(
    [
      { name: "hostile", issuer: hostile.url, ...HOSTILE_CLIENT },
      { name: "honest", issuer: honest.url, ...HOSTILE_CLIENT },
    ],
    { clock },
  );
});
afterAll(async () => {
  await server.stop();
  await hostile.stop();
  await honest.stop();
});
beforeEach(() => {
  hostile.lies = {};
  // So that its metadata are read anew.
  clock.turn(KEPT_MS);
});

async function outcome(lies: Lies, name = "hostile"): Promise<string> {
  hostile.lies = lies;
  const { url, status, body } = await server.signIn(name);
  if (status !== undefined) return String(body.code);
  return url.searchParams.get("error") ?? (url.searchParams.has("code") ? "code" : "nothing");
}

async function countPeople(): Promise<number> {
  const [row] = await server.db.sql<{ n: number }>`SELECT count(*)::int AS n FROM users`;
  return row?.n ?? -1;
}

/** Each is refused so, and nobody comes of it. */
async function expectRefused(code: string, attacks: Readonly<Record<string, Lies>>): Promise<void> {
  const before = await countPeople();
  for (const [name, lies] of Object.entries(attacks)) {
    expect([name, await outcome(lies)]).toEqual([name, code]);
    clock.turn(KEPT_MS);
  }
  expect(await countPeople()).toBe(before);
}

test("[ACC-88] an answer without a lie is taken, so the lying itself is right", async () => {
  expect(await outcome({ claims: { sub: "somebody", email: "somebody@hostile.example" } })).toBe("code");
});

test("[ACC-88] an ID token with a wrong claim is refused", () =>
  expectRefused("ISSUER_ANSWER_REFUSED", {
    "another issuer": { claims: { iss: honest.url } },
    "the issuer with a slash": { claims: { iss: `${hostile.url}/` } },
    "no issuer": { claims: { iss: undefined } },
    "another audience": { claims: { aud: "others" } },
    "no audience": { claims: { aud: undefined } },
    "several audiences and no azp": { claims: { aud: [HOSTILE_CLIENT.client_id, "others"] } },
    "another azp": { claims: { aud: [HOSTILE_CLIENT.client_id, "others"], azp: "others" } },
    "another nonce": { claims: { nonce: "another" } },
    "no nonce": { claims: { nonce: undefined } },
    ended: { claims: { iat: seconds() - 7_200, exp: seconds() - 3_600 } },
    "no end": { claims: { exp: undefined } },
    "an end that is text": { claims: { exp: String(seconds() + 60) } },
    "not valid yet": { claims: { nbf: seconds() + 3_600 } },
    "no subject": { claims: { sub: undefined } },
    "an empty subject": { claims: { sub: "" } },
    "a subject that is no text": { claims: { sub: 7 } },
    "a subject without end": { claims: { sub: "a".repeat(256) } },
  }));

test("[ACC-88] an ID token with a wrong signature is refused", () => {
  const stranger = { kid: hostile.key.kid, ...generateKeyPairSync("rsa", { modulusLength: 2048 }) };
  const ec = { kid: hostile.key.kid, ...generateKeyPairSync("ec", { namedCurve: "P-256" }) };
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const pem = String(hostile.key.publicKey.export({ type: "spki", format: "pem" }));
  const shared = (key: string) => (claims: Record<string, unknown>) =>
    new SignJWT(claims)
      .setProtectedHeader({ alg: "HS256", kid: hostile.key.kid })
      .sign(Buffer.from(key.padEnd(32)));
  return expectRefused("ISSUER_ANSWER_REFUSED", {
    "alg none": { idToken: (claims) => `${part({ alg: "none" })}.${part(claims)}.` },
    "alg none, announced": {
      metadata: { id_token_signing_alg_values_supported: ["none", "RS256"] },
      idToken: (claims) => `${part({ alg: "none" })}.${part(claims)}.`,
    },
    "another key under its kid": { idToken: (claims) => signWith(stranger, claims) },
    "another key under another kid": { idToken: (claims) => signWith({ ...stranger, kid: "k2" }, claims) },
    "a key in the token": {
      idToken: (claims) =>
        new SignJWT(claims)
          .setProtectedHeader({
            alg: "RS256",
            jwk: stranger.publicKey.export({ format: "jwk" }) as { kty: "RSA" },
          })
          .sign(stranger.privateKey),
    },
    "another algorithm": { idToken: (claims) => signWith(ec, claims, "ES256") },
    "HS256 with the public key": { idToken: shared(pem) },
    "HS256 with the client secret": { idToken: shared(HOSTILE_CLIENT.client_secret) },
    "changed claims": {
      idToken: async (claims) => {
        const [header, , signature] = (await signWith(hostile.key, claims)).split(".");
        return `${header}.${part({ ...claims, sub: "admin" })}.${signature}`;
      },
    },
    "no signature": {
      idToken: async (claims) => (await signWith(hostile.key, claims)).replace(/[^.]*$/, ""),
    },
    "no ID token": { idToken: () => "" },
    "no token": { idToken: () => "nonsense" },
    "no keys": { jwks: () => Response.json({ keys: [] }) },
  });
});

test("[ACC-89] an answer with a wrong state or issuer is refused", async () => {
  await expectRefused("SIGN_IN_NOT_FOUND", {
    "another state": { answer: { state: "0another" } },
    "no state": { answer: { state: undefined } },
    "an empty state": { answer: { state: "" } },
  });
  await expectRefused("ISSUER_ANSWER_REFUSED", {
    "another issuer": { answer: { iss: honest.url } },
    "no issuer, though announced": { answer: { iss: undefined } },
    "another issuer, though not announced": {
      metadata: { authorization_response_iss_parameter_supported: false },
      answer: { iss: honest.url },
    },
    "no code": { answer: { code: undefined } },
  });
});

test("[ACC-89] answers of two issuers cannot be mixed up", async () => {
  // The browser begins with the hostile one, which sends it on to the honest one under its own registration there.
  const browser = createBrowser(server);
  hostile.lies = { metadata: { authorization_endpoint: `${honest.url}/authorize` } };
  const asked = hostile.asked.length;
  const mixed = await server.signIn("hostile", browser);
  // RFC 9207: the answer names the honest issuer. The code never reaches the hostile one's token endpoint.
  expect(mixed.url.searchParams.get("error")).toBe("ISSUER_ANSWER_REFUSED");
  expect(hostile.asked.slice(asked)).not.toContain("/token");

  // Begun with one, answered at the other's callback.
  const begun = await browser.open(`${STOA}/api/v1/auth/honest`, {
    stopAt: `${STOA}/api/v1/auth/honest/callback`,
  });
  const moved = begun.url.href.replace("/auth/honest/", "/auth/hostile/");
  const refused = await browser.open(moved);
  expect([refused.url.href, refused.status, refused.body.code]).toEqual([moved, 403, "SIGN_IN_NOT_FOUND"]);
});

test("[ACC-90] a callback called again gives no second code, though the issuer takes its code again", async () => {
  hostile.lies = { claims: { sub: "again", email: "again@hostile.example" } };
  const browser = createBrowser(server);
  const { url } = await browser.open(`${STOA}/api/v1/auth/hostile`, { stopAt: CALLBACK });
  // A thief of the browser's cookies has them from before they were taken away.
  const headers = { cookie: browser.cookiesFor(STOA) };
  const call = () => send(server, "GET", url.pathname + url.search, { headers });
  const answers = await Promise.all([call(), call(), call()]);
  const locations = answers.map(
    ({ headers: given }) => new URL(given.get("location") ?? "", STOA).searchParams,
  );
  expect(locations.filter((each) => each.has("code"))).toHaveLength(1);
  expect(locations.filter((each) => each.get("error") === "SIGN_IN_NOT_FOUND")).toHaveLength(2);
  expect((await call()).headers.get("location")).toContain("error=SIGN_IN_NOT_FOUND");
});

test("[ACC-91] metadata are asked for once, also by requests of one moment, and again after ten minutes", async () => {
  const asked = () => hostile.asked.filter((path) => path.startsWith("/.well-known/")).length;
  const before = asked();
  const begin = () => send(server, "GET", "/auth/hostile");
  const answers = await Promise.all(Array.from({ length: 10 }, begin));
  expect(answers.map(({ status }) => status)).toEqual(Array(10).fill(303));
  clock.turn(KEPT_MS - 5_000);
  await begin();
  expect(asked()).toBe(before + 1);
  clock.turn(5_000);
  await begin();
  expect(asked()).toBe(before + 2);
});

test("[ACC-91] metadata that are another's, or lead astray, are not believed", () =>
  expectRefused("ISSUER_UNAVAILABLE", {
    "another issuer": { metadata: { issuer: honest.url } },
    "the issuer with a slash": { metadata: { issuer: `${hostile.url}/` } },
    "no issuer": { metadata: { issuer: undefined } },
    "no authorization endpoint": { metadata: { authorization_endpoint: undefined } },
    "a script as endpoint": { metadata: { authorization_endpoint: "javascript:alert(1)" } },
    "no JSON": { discovery: () => new Response("<html>", { headers: { "Content-Type": "text/html" } }) },
  }));

test("[ACC-92] an issuer that is down, fails or sends elsewhere is 503 at the beginning, and is tried again", async () => {
  const elsewhere = `${honest.url}/.well-known/openid-configuration`;
  const failing: Record<string, Lies> = {
    failing: { discovery: () => new Response("", { status: 500 }) },
    redirecting: { discovery: () => Response.redirect(elsewhere) },
    huge: { discovery: () => huge() },
  };
  for (const [name, lies] of Object.entries(failing)) {
    hostile.lies = lies;
    const answer = await send(server, "GET", "/auth/hostile");
    expect([name, answer.status, answer.body.code]).toEqual([name, 503, "ISSUER_UNAVAILABLE"]);
    expect(Number(answer.headers.get("Retry-After"))).toBeGreaterThan(0);
    expect(answer.headers.get("set-cookie")).toBeNull();
  }
  hostile.lies = {};
  expect((await send(server, "GET", "/auth/hostile")).status).toBe(303);
  const gone = openHostileIssuer();
  await gone.stop();
  const alone = await openIssuerServer([{ name: "gone", issuer: gone.url, ...HOSTILE_CLIENT }]);
  expect((await send(alone, "GET", "/auth/gone")).body.code).toBe("ISSUER_UNAVAILABLE");
  await alone.stop();
});

test("[ACC-92] what fails at the end is told to the page that waits", async () => {
  const endings: Record<string, [lies: Lies, code: string]> = {
    "a failing token endpoint": [{ token: () => new Response("", { status: 502 }) }, "ISSUER_UNAVAILABLE"],
    "a failing one that explains itself": [
      { token: () => Response.json({ error: "server_error" }, { status: 500 }) },
      "ISSUER_UNAVAILABLE",
    ],
    "huge tokens": [{ token: () => huge() }, "ISSUER_UNAVAILABLE"],
    "huge keys": [{ jwks: () => huge() }, "ISSUER_UNAVAILABLE"],
    "a redirecting token endpoint": [{ token: () => Response.redirect(honest.url) }, "ISSUER_ANSWER_REFUSED"],
    "a refused code": [
      { token: () => Response.json({ error: "invalid_grant" }, { status: 400 }) },
      "ISSUER_ANSWER_REFUSED",
    ],
    "tokens that are no JSON": [{ token: () => new Response("tokens") }, "ISSUER_ANSWER_REFUSED"],
    "tokens that are a list": [{ token: () => Response.json([]) }, "ISSUER_ANSWER_REFUSED"],
  };
  for (const [name, [lies, code]] of Object.entries(endings)) {
    expect([name, await outcome(lies)]).toEqual([name, code]);
    clock.turn(KEPT_MS);
  }
});

test("[ACC-92] one that never ends its answer holds nobody for long", async () => {
  const drip = () => new Response(new ReadableStream({ start: (stream) => stream.enqueue("{") }));
  // Of one the metadata are there by now, and its tokens never end; of the other the metadata do not.
  expect((await send(server, "GET", "/auth/hostile")).status).toBe(303);
  const startedMs = performance.now();
  const token = outcome({ token: drip });
  const beginning = (async () => {
    honest.lies = { discovery: drip };
    return (await send(server, "GET", "/auth/honest")).status;
  })();
  expect([await token, await beginning]).toEqual(["ISSUER_UNAVAILABLE", 503]);
  expect(performance.now() - startedMs).toBeLessThan(25_000);
  honest.lies = {};
});

test("[ACC-93] a refusal at the issuer comes back as the code of ours, whatever text came with it", async () => {
  const answers: [error: string, code: string][] = [
    ["access_denied", "SIGN_IN_DENIED"],
    ["temporarily_unavailable", "ISSUER_UNAVAILABLE"],
    ["server_error", "ISSUER_UNAVAILABLE"],
    ["<script>", "ISSUER_ANSWER_REFUSED"],
  ];
  for (const [error, code] of answers) {
    hostile.lies = { answer: { code: undefined, error, error_description: "<script>alert(1)</script>" } };
    const { url } = await server.signIn("hostile");
    expect(Object.fromEntries(url.searchParams)).toEqual({ tab: "1", error: code });
  }
});

test("[ACC-93] a refusal that is not of this sign-in leads nowhere", async () => {
  const path = "/auth/hostile/callback?error=access_denied&state=0x&return_to=https://evil.example";
  const answer = await send(server, "GET", path);
  expect([answer.status, answer.body.code]).toEqual([403, "SIGN_IN_NOT_FOUND"]);
  expect(answer.headers.get("location")).toBeNull();
});

test("[ACC-81] the code is exchanged with its verifier, the callback to the letter and the client's secret", async () => {
  for (const [ways, isHeader] of [
    [undefined, true],
    [["client_secret_post"], false],
  ] as const) {
    const lies = { metadata: { token_endpoint_auth_methods_supported: ways } };
    expect(await outcome({ ...lies, claims: { sub: SUBJECT, email: "ways@hostile.example" } })).toBe("code");
    const { form, authorization } = hostile.lastToken;
    expect(form.get("redirect_uri")).toBe(CALLBACK);
    expect(form.get("code_verifier")).toMatch(/^[\w-]{43}$/);
    expect(form.get("client_secret")).toBe(isHeader ? null : HOSTILE_CLIENT.client_secret);
    const [, given = ""] = (authorization ?? "").split(" ");
    const [, secret = ""] = Buffer.from(given, "base64").toString().split(":");
    // RFC 6749 section 2.3.1: encoded as a form's field is.
    expect(new URLSearchParams(`s=${secret}`).get("s")).toBe(isHeader ? HOSTILE_CLIENT.client_secret : "");
    clock.turn(KEPT_MS);
  }
});

function huge(): Response {
  return Response.json({ issuer: hostile.url, padding: "a".repeat(1_000_000) });
}

function seconds(): number {
  return Math.floor(Date.now() / 1000);
}
