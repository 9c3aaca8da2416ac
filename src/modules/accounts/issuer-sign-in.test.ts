import { afterAll, beforeAll, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { send, signUp } from "../../testing/requests.ts";
import { APP, createBrowser, STOA } from "./testing/browser.ts";
import { type IssuerServer, openIssuerServer, RETURN_TO } from "./testing/issuer-server.ts";
import { openRealIssuer, REAL_CLIENT, type RealIssuer } from "./testing/real-issuer.ts";

const CALLBACK = `${STOA}/api/v1/auth/acme/callback`;

let issuer: RealIssuer;
let server: IssuerServer;
beforeAll(async () => {
  issuer = await openRealIssuer([CALLBACK]);
  server = await openIssuerServer([{ name: "acme", issuer: issuer.url, ...REAL_CLIENT }]);
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
  const answer = await send(server, "POST", "/auth/exchange", { body: { code: url.searchParams.get("code") } });
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
  expect(me.body).toMatchObject({ id: answer.body.user_id, email, name: "Ada" });
  const project = await send(server, "GET", `/projects/${answer.body.user_id}`, { token });
  expect([project.status, project.body.role]).toEqual([200, "owner"]);
});
