import { afterAll, beforeAll, expect, test } from "bun:test";
import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import { createLocalJWKSet, jwtVerify, SignJWT } from "jose";
import { kernelMigrations } from "../../kernel/create-kernel.ts";
import { createTestClock } from "../../testing/clock.ts";
import { openTestDatabase, type TestDatabase } from "../../testing/database.ts";
import { createTestKernel, type TestKernel } from "../../testing/kernel.ts";
import { type Person, send, signUp } from "../../testing/requests.ts";
import { accountsMigrations, createAccounts } from "./index.ts";

const clock = createTestClock();
let db: TestDatabase;
let kernel: TestKernel;
let ada: Person;
/** Our own key, so that a forged token differs from a real one in one thing only. */
let ours: { kid: string; privateKey: KeyObject; publicJwk: { x: string } };
let claims: Record<string, unknown>;
beforeAll(async () => {
  db = await openTestDatabase([...kernelMigrations, accountsMigrations]);
  kernel = createTestKernel(db, { clock });
  createAccounts(kernel);
  await kernel.start();
  ada = await signUp(kernel.http);
  const [row] = await db.sql<{ id: string; sealed_private_key: Uint8Array }>`SELECT * FROM signing_keys`;
  const pkcs8 = kernel.secrets.decrypt(
    "access token signing key",
    row?.sealed_private_key ?? new Uint8Array(),
  );
  const privateKey = createPrivateKey({ key: Buffer.from(pkcs8), format: "der", type: "pkcs8" });
  ours = { kid: row?.id ?? "", privateKey, publicJwk: { x: (await keys())[0]?.x ?? "" } };
  claims = JSON.parse(Buffer.from(ada.token.split(".")[1] ?? "", "base64url").toString());
});
afterAll(async () => {
  await kernel.stop();
  await db.close();
});

async function keys() {
  const answer = await send(kernel.http, "GET", "/.well-known/jwks.json");
  // As view.ts describes it.
  return answer.body.keys as { kty: "OKP"; crv: string; x: string; kid: string; use: string; alg: string }[];
}

const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString("base64url");
const header = () => ({ alg: "Ed25519", typ: "at+jwt", kid: ours.kid });

function forge(change: { header?: object; claims?: object; key?: KeyObject }): string {
  const text = `${part({ ...header(), ...change.header })}.${part({ ...claims, ...change.claims })}`;
  return `${text}.${sign(null, Buffer.from(text), change.key ?? ours.privateKey).toString("base64url")}`;
}

async function statusOf(token: string): Promise<number> {
  const answer = await send(kernel.http, "GET", "/auth/me", { token });
  if (answer.status === 401) expect(answer.body.code).toBe("UNAUTHENTICATED");
  return answer.status;
}

test("[ACC-16] another's JWT library checks our tokens with the published keys", async () => {
  const published = await keys();
  expect(published).toEqual([
    { kty: "OKP", crv: "Ed25519", x: expect.any(String), kid: ours.kid, use: "sig", alg: "Ed25519" },
  ]);
  const { payload, protectedHeader } = await jwtVerify(ada.token, createLocalJWKSet({ keys: published }), {
    algorithms: ["Ed25519"],
    typ: "at+jwt",
    issuer: "stoa",
    audience: "stoa",
    requiredClaims: ["sub", "sid", "jti", "iat", "exp", "client_id"],
  });
  expect(protectedHeader).toEqual(header());
  expect(payload.sub).toBe(ada.userId);
  expect((payload.exp ?? 0) - (payload.iat ?? 0)).toBe(1800);
});

test("[ACC-15] a token forged without a change is taken, so the forging itself is right", async () => {
  expect(await statusOf(forge({}))).toBe(200);
});

test("[ACC-17] no token of another make is taken", async () => {
  const other = generateKeyPairSync("ed25519");
  const text = `${part(header())}.${part(claims)}`;
  const [h = "", p = "", s = ""] = ada.token.split(".");
  const now = Math.floor(Date.now() / 1000);
  const hs256 = (key: Uint8Array) =>
    new SignJWT(claims).setProtectedHeader({ ...header(), alg: "HS256" }).sign(key);
  const es256 = generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey;
  const publicKey = Buffer.from(ours.publicJwk.x, "base64url");
  const pem = createPublicKey(ours.privateKey).export({ type: "spki", format: "pem" });
  const last = s.at(-1) ?? "";
  const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

  const tokens: Record<string, string> = {
    "alg none, unsigned": `${part({ ...header(), alg: "none" })}.${part(claims)}.`,
    "alg none, signed": forge({ header: { alg: "none" } }),
    "alg None": forge({ header: { alg: "None" } }),
    "HS256 with the public key": await hs256(publicKey),
    "HS256 with the public key in PEM": await hs256(Buffer.from(pem)),
    ES256: await new SignJWT(claims).setProtectedHeader({ ...header(), alg: "ES256" }).sign(es256),
    "another key under our kid": forge({ key: other.privateKey }),
    "another key under its own kid": forge({ header: { kid: "other" }, key: other.privateKey }),
    "a key in the token": forge({
      header: { jwk: other.publicKey.export({ format: "jwk" }) },
      key: other.privateKey,
    }),
    "a key address in the token": forge({ header: { jku: "https://evil.example/jwks.json" } }),
    "a certificate address in the token": forge({ header: { x5u: "https://evil.example/cert" } }),
    "a critical header": forge({ header: { crit: ["b64"], b64: false } }),
    "a zip header": forge({ header: { zip: "DEF" } }),
    "the older name of the algorithm": forge({ header: { alg: "EdDSA" } }),
    "typ JWT": forge({ header: { typ: "JWT" } }),
    "typ of another kind": forge({ header: { typ: "logout+jwt" } }),
    "no typ": forge({ header: { typ: undefined } }),
    "no kid": forge({ header: { kid: undefined } }),
    "a header that means the same, spelt otherwise": await new SignJWT(claims)
      .setProtectedHeader({ typ: "at+jwt", alg: "Ed25519", kid: ours.kid })
      .sign(ours.privateKey),
    "another issuer": forge({ claims: { iss: "https://evil.example" } }),
    "no issuer": forge({ claims: { iss: undefined } }),
    "another audience": forge({ claims: { aud: "others" } }),
    "no audience": forge({ claims: { aud: undefined } }),
    "an audience among others": forge({ claims: { aud: ["stoa", "others"] } }),
    ended: forge({ claims: { iat: now - 1801, exp: now - 1 } }),
    "no end": forge({ claims: { exp: undefined } }),
    "an end that is no number": forge({ claims: { exp: "9999999999" } }),
    "no beginning": forge({ claims: { iat: undefined } }),
    "longer than tokens last": forge({ claims: { iat: now - 3600, exp: now + 3600 } }),
    "no subject": forge({ claims: { sub: undefined } }),
    "a subject that is no id": forge({ claims: { sub: "' OR 1=1" } }),
    "no session": forge({ claims: { sid: undefined } }),
    "claims that are no object": (() => {
      const list = `${h}.${part([claims])}`;
      return `${list}.${sign(null, Buffer.from(list), ours.privateKey).toString("base64url")}`;
    })(),
    "claims that are no JSON": (() => {
      const none = `${h}.${Buffer.from("claims").toString("base64url")}`;
      return `${none}.${sign(null, Buffer.from(none), ours.privateKey).toString("base64url")}`;
    })(),
    "changed claims": `${h}.${part({ ...claims, sub: crypto.randomUUID() })}.${s}`,
    "no signature": `${text}.`,
    "half a signature": `${text}.${s.slice(0, 43)}`,
    "a signature spelt otherwise": `${h}.${p}.${s.slice(0, -1)}${alphabet[alphabet.indexOf(last) ^ 1]}`,
    "a padded signature": `${h}.${p}.${s}==`,
    "two parts": `${h}.${p}`,
    "four parts": `${h}.${p}.${s}.${s}`,
    "five parts": `${h}.${p}.${s}.${s}.${s}`,
    "a dot before": `.${ada.token}`,
    "a dot after": `${ada.token}.`,
    "JSON serialisation": JSON.stringify({ protected: h, payload: p, signature: s }),
    "a refresh token": ada.refreshToken,
    "an empty token": "",
    dots: "..",
    garbage: "garbage",
    "something long": "a".repeat(100_000),
    "our header and something long": `${h}.${"a".repeat(100_000)}.${s}`,
  };
  for (const [name, token] of Object.entries(tokens))
    expect([name, await statusOf(token)]).toEqual([name, 401]);
});

test("[ACC-17] only a bearer token of the Authorization header counts", async () => {
  const cases: [headers: Record<string, string>, status: number][] = [
    [{}, 401],
    [{ Authorization: ada.token }, 401],
    [{ Authorization: `Basic ${ada.token}` }, 401],
    [{ Authorization: `Bearer ${ada.token}, Bearer ${ada.token}` }, 401],
    [{ Cookie: `access_token=${ada.token}` }, 401],
    [{ Authorization: `bearer ${ada.token}` }, 200],
  ];
  for (const [headers, status] of cases) {
    const answer = await send(kernel.http, "GET", "/auth/me", { headers });
    expect([headers, answer.status]).toEqual([headers, status]);
    if (status === 401) expect(answer.headers.get("WWW-Authenticate")).toStartWith("Bearer");
  }
});

test("[ACC-17] a token ends when it says, also one that is remembered", async () => {
  const { token } = await signUp(kernel.http);
  expect(await statusOf(token)).toBe(200);
  clock.turn(1_790_000);
  expect(await statusOf(token)).toBe(200);
  clock.turn(20_000);
  expect(await statusOf(token)).toBe(401);
});
