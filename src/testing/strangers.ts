// Whoever has no good token: every way in which a bearer token can be wrong, made of a person whose own would be right.
import { createHmac, generateKeyPairSync, sign } from "node:crypto";
import type { TestClock } from "./clock.ts";
import { type Answering, logIn, type Person, send } from "./requests.ts";

const TOKEN_LIFE_MS = 1_800_000;

/** Values of the Authorization header by what is wrong with them; undefined for none. */
export type BadAuthorizations = Readonly<Record<string, string | undefined>>;

const toPart = (value: unknown) => Buffer.from(JSON.stringify(value)).toString("base64url");

/** @param clock of the server, which is turned back and forth to get a token that has expired. */
export async function makeBadAuthorizations(
  server: Answering,
  person: Person,
  clock: TestClock,
): Promise<BadAuthorizations> {
  clock.turn(-TOKEN_LIFE_MS - 1_000);
  const expired = (await logIn(server, person.email)).token;
  clock.turn(TOKEN_LIFE_MS + 1_000);
  const ended = await logIn(server, person.email);
  await ended.call("POST", "/auth/logout");
  const { token, refreshToken } = person;
  const [header = "", payload = "", signature = ""] = token.split(".");
  const { keys } = (await send(server, "GET", "/.well-known/jwks.json")).body as { keys: { x: string }[] };
  const { kid } = JSON.parse(Buffer.from(header, "base64url").toString()) as { kid: string };
  const { privateKey } = generateKeyPairSync("ed25519");
  const bySecret = `${toPart({ alg: "HS256", typ: "at+jwt", kid })}.${payload}`;
  const otherUser = toPart({
    ...JSON.parse(Buffer.from(payload, "base64url").toString()),
    sub: crypto.randomUUID(),
  });
  const bearers = {
    garbage: "garbage",
    "cut off": token.slice(0, -1),
    "with a part too many": `${token}.${signature}`,
    "without a signature": `${header}.${payload}.`,
    "for another user": `${header}.${otherUser}.${signature}`,
    expired,
    "of another key": `${header}.${payload}.${sign(null, Buffer.from(`${header}.${payload}`), privateKey).toString("base64url")}`,
    "of no algorithm": `${toPart({ alg: "none", typ: "at+jwt", kid })}.${payload}.`,
    "of no algorithm, signed": `${toPart({ alg: "none", typ: "at+jwt", kid })}.${payload}.${signature}`,
    "signed with the public key": `${bySecret}.${createHmac("sha256", keys[0]?.x ?? "")
      .update(bySecret)
      .digest("base64url")}`,
    "of an ended session": ended.token,
    "a refresh token": refreshToken,
  };
  return {
    nobody: undefined,
    "no token": "Bearer",
    "two tokens": `Bearer ${token}, Bearer ${token}`,
    "another scheme": `Basic ${Buffer.from(`${person.email}:${person.password}`).toString("base64")}`,
    ...Object.fromEntries(Object.entries(bearers).map(([what, text]) => [what, `Bearer ${text}`])),
  };
}
