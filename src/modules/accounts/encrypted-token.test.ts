import { afterAll, beforeAll, expect, test } from "bun:test";
import {
  CompactEncrypt,
  compactDecrypt,
  createLocalJWKSet,
  decodeProtectedHeader,
  FlattenedEncrypt,
  jwtVerify,
} from "jose";
import { createTestClock } from "../../testing/clock.ts";
import { openAgain } from "../../testing/database.ts";
import { createProject, logIn, type Person, send, signUp } from "../../testing/requests.ts";
import { openTestServer, type TestServer } from "../../testing/server.ts";
import { until } from "../../testing/until.ts";

const SECRET_KEY = Buffer.alloc(32, 5).toString("base64");
const JWE = { ACCESS_TOKEN_ENCRYPTION: "jwe" };

const clock = createTestClock();
let server: TestServer;
let plain: TestServer;
let ada: Person;
let kid: string;
let key: Uint8Array;
let inner: string;
beforeAll(async () => {
  server = await openTestServer({ environment: JWE, secretKey: SECRET_KEY, clock, works: false });
  plain = await openTestServer({ db: openAgain(server.db), secretKey: SECRET_KEY, clock, works: false });
  ada = await signUp(server);
  kid = String(decodeProtectedHeader(ada.token).kid);
  key = server.kernel.secrets.derive(`access token encryption ${kid}`);
  inner = new TextDecoder().decode((await compactDecrypt(ada.token, key)).plaintext);
});
afterAll(async () => {
  await plain.stop();
  await server.stop();
});

const header = () => ({ alg: "dir", enc: "A256GCM", cty: "JWT", kid });
const seal = (text: string, change: object = {}, under = key) =>
  new CompactEncrypt(Buffer.from(text)).setProtectedHeader({ ...header(), ...change }).encrypt(under);

async function statusOf(token: string, at: TestServer = server): Promise<number> {
  const answer = await send(at, "GET", "/auth/me", { token });
  if (answer.status === 401) expect(answer.body.code).toBe("UNAUTHENTICATED");
  return answer.status;
}

test("[ACC-104] a token is a JWE around the signed one, and says nothing outside", async () => {
  expect(decodeProtectedHeader(ada.token)).toEqual(header());
  expect(Buffer.from(ada.token, "base64url").toString("latin1")).not.toContain(ada.userId);
  const published = await send(server, "GET", "/.well-known/jwks.json");
  // As view.ts describes it.
  const { keys } = published.body as { keys: { kty: "OKP" }[] };
  const set = createLocalJWKSet({ keys });
  const { payload } = await jwtVerify(inner, set, {
    algorithms: ["Ed25519"],
    typ: "at+jwt",
    audience: "stoa",
  });
  expect(payload.sub).toBe(ada.userId);
  expect(ada.token.length).toBeLessThan(1_000);
});

test("[ACC-104] it is taken, also by another process, and refreshed to another of its kind", async () => {
  const second = await openTestServer({
    db: openAgain(server.db),
    environment: JWE,
    secretKey: SECRET_KEY,
    clock,
    works: false,
  });
  expect(await statusOf(ada.token, second)).toBe(200);
  const refreshed = await send(second, "POST", "/auth/refresh", {
    body: { refresh_token: ada.refreshToken },
  });
  expect(await statusOf(String(refreshed.body.access_token))).toBe(200);
  expect(decodeProtectedHeader(String(refreshed.body.access_token)).alg).toBe("dir");
  await second.stop();
});

test("[ACC-105] one sealed anew without a change is taken, so the forging itself is right", async () => {
  expect(await statusOf(await seal(inner))).toBe(200);
});

test("[ACC-105] no other kind of encryption, nesting or spelling is taken", async () => {
  const [h = "", , iv = "", body = "", tag = ""] = ada.token.split(".");
  const changed = (text: string) => (text.startsWith("A") ? "B" : "A") + text.slice(1);
  const respelt = (text: string) => {
    const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    return text.slice(0, -1) + alphabet[alphabet.indexOf(text.at(-1) ?? "") ^ 1];
  };
  const other = Buffer.alloc(32, 1);
  const wrap = (alg: string, secret: Uint8Array) =>
    new CompactEncrypt(Buffer.from(inner)).setProtectedHeader({ ...header(), alg }).encrypt(secret);
  const flattened = await new FlattenedEncrypt(Buffer.from(inner)).setProtectedHeader(header()).encrypt(key);
  const tokens: Record<string, string> = {
    "merely signed": inner,
    "another key": await seal(inner, {}, other),
    "another key under its own name": await seal(inner, { kid: "other" }, other),
    "the key of another purpose": await seal(inner, {}, server.kernel.secrets.derive("refresh token")),
    A256KW: await wrap("A256KW", key),
    A256GCMKW: await wrap("A256GCMKW", key),
    PBES2: await wrap("PBES2-HS256+A128KW", key),
    "another content encryption": await seal(inner, { enc: "A128CBC-HS256" }),
    compressed: await seal(inner, { zip: "DEF" }),
    "a bomb": await seal("a".repeat(1_000_000), { zip: "DEF" }),
    "no content type": await seal(inner, { cty: undefined }),
    "another content type": await seal(inner, { cty: "JWE" }),
    "no key id": await seal(inner, { kid: undefined }),
    "a type": await seal(inner, { typ: "JWT" }),
    "a key address": await seal(inner, { jku: "https://evil.example/jwks.json" }),
    "a header that means the same, spelt otherwise": await new CompactEncrypt(Buffer.from(inner))
      .setProtectedHeader({ kid, cty: "JWT", enc: "A256GCM", alg: "dir" })
      .encrypt(key),
    "claims that are not signed": await seal(JSON.stringify({ iss: "stoa", aud: "stoa", sub: ada.userId })),
    "an unsigned token": await seal(
      `${Buffer.from('{"alg":"none"}').toString("base64url")}.${inner.split(".")[1]}.`,
    ),
    "a changed token": await seal(inner.replace(/.$/, (last) => (last === "A" ? "Q" : "A"))),
    "sealed twice": await seal(ada.token),
    nothing: await seal(""),
    "no UTF-8": await new CompactEncrypt(Buffer.from([0xff, 0xfe])).setProtectedHeader(header()).encrypt(key),
    "something long": await seal("a".repeat(10_000)),
    "a changed nonce": [h, "", changed(iv), body, tag].join("."),
    "a changed text": [h, "", iv, changed(body), tag].join("."),
    "a changed tag": [h, "", iv, body, changed(tag)].join("."),
    "a short tag": [h, "", iv, body, tag.slice(0, 16)].join("."),
    "a tag spelt otherwise": [h, "", iv, body, respelt(tag)].join("."),
    "an encrypted key": [h, "AAAA", iv, body, tag].join("."),
    "four parts": [h, iv, body, tag].join("."),
    "six parts": `${ada.token}.`,
    "JSON serialisation": JSON.stringify(flattened),
    "a refresh token": ada.refreshToken,
    dots: "....",
  };
  for (const [name, token] of Object.entries(tokens)) {
    expect([name, await statusOf(token)]).toEqual([name, 401]);
  }
});

test("[ACC-105] without the setting an encrypted token is refused; its session goes on", async () => {
  const bob = await signUp(server);
  expect(await statusOf(bob.token, plain)).toBe(401);
  const refreshed = await send(plain, "POST", "/auth/refresh", { body: { refresh_token: bob.refreshToken } });
  expect(await statusOf(String(refreshed.body.access_token), plain)).toBe(200);
  expect(await statusOf(String(refreshed.body.access_token))).toBe(401);
});

test("[ACC-105] it ends with its time and with its session", async () => {
  const device = await logIn(server, ada.email);
  expect(await statusOf(device.token)).toBe(200);
  await device.call("POST", "/auth/logout");
  expect(await statusOf(device.token)).toBe(401);
  clock.turn(1_801_000);
  expect(await statusOf(ada.token)).toBe(401);
  clock.turn(-1_801_000);
});

test("[ACC-106] once checked it is found again without waiting", async () => {
  // The tests before have turned the clock: memory is believed again after the next news of ended sessions.
  const { token: earlier } = await logIn(server, ada.email);
  await until("memory is believed", async () => {
    await server.kernel.http.authenticate(earlier);
    return !(server.kernel.http.authenticate(earlier) instanceof Promise);
  });
  const { token } = await logIn(server, ada.email);
  const first = server.kernel.http.authenticate(token);
  expect(first).toBeInstanceOf(Promise);
  expect(await first).toMatchObject({ userId: ada.userId });
  for (let round = 0; round < 3; round++) {
    expect(server.kernel.http.authenticate(token)).toMatchObject({ userId: ada.userId });
  }
});

test("[ACC-107] no role and no project stands in a token", async () => {
  const owner = await signUp(plain);
  await createProject(owner);
  const { token } = await logIn(plain, owner.email);
  const claims = JSON.parse(Buffer.from(token.split(".")[1] ?? "", "base64url").toString());
  expect(Object.keys(claims).sort()).toEqual(["aud", "client_id", "exp", "iat", "iss", "jti", "sid", "sub"]);
});
