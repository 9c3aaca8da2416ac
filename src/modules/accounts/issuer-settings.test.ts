import { afterAll, expect, test } from "bun:test";
import { readConfig } from "../../kernel/config/index.ts";
import { StartError } from "../../kernel/errors/index.ts";
import { send } from "../../testing/requests.ts";
import { openTestServer, type TestServer } from "../../testing/server.ts";
import { readIssuers, TAKEN_NAMES } from "./issuers/issuer.ts";

const GOOD = {
  name: "acme",
  issuer: "https://id.acme.example/realm",
  client_id: "id",
  client_secret: "top-secret",
};

const servers: TestServer[] = [];
afterAll(() => Promise.all(servers.map((each) => each.stop())));

function read(environment: Record<string, string>) {
  return readIssuers(readConfig(environment).config);
}

function sentenceFor(environment: Record<string, string>): string {
  try {
    read(environment);
  } catch (error) {
    if (error instanceof StartError) return error.message;
    throw error;
  }
  return "";
}

test("[ACC-94] Google needs its two settings, any other issuer an entry", () => {
  const issuers = read({
    GOOGLE_CLIENT_ID: "google-id",
    GOOGLE_CLIENT_SECRET: "google-secret",
    OIDC_ISSUERS: JSON.stringify([
      GOOD,
      { ...GOOD, name: "local", issuer: "http://127.0.0.1:4000", scopes: ["openid"] },
    ]),
  });
  expect([...issuers.values()]).toEqual([
    {
      name: "google",
      issuer: "https://accounts.google.com",
      clientId: "google-id",
      clientSecret: "google-secret",
      scopes: ["openid", "email", "profile"],
    },
    {
      name: "acme",
      issuer: GOOD.issuer,
      clientId: "id",
      clientSecret: "top-secret",
      scopes: ["openid", "email", "profile"],
    },
    {
      name: "local",
      issuer: "http://127.0.0.1:4000",
      clientId: "id",
      clientSecret: "top-secret",
      scopes: ["openid"],
    },
  ]);
  expect(read({}).size).toBe(0);
});

test("[ACC-94] what is wrong stops the start with one sentence that shows no secret", () => {
  const entry = (change: object) => JSON.stringify([GOOD, { ...GOOD, name: "second", ...change }]);
  const cases: [text: string, sentence: RegExp][] = [
    ["{", /^OIDC_ISSUERS must be a JSON list like \[.*\]\.$/],
    [JSON.stringify(GOOD), /^OIDC_ISSUERS must be a JSON list like \[.*\]\.$/],
    ["[7]", /in entry 1 /],
    [entry({ name: "Second" }), /in entry 2 name must be 1 to 32 small letters/],
    [entry({ name: "a/b" }), /in entry 2 name must be /],
    [entry({ name: "acme" }), /"acme" stands twice/],
    [entry({ issuer: "http://id.acme.example" }), /in entry 2 issuer must be an https:\/\/ address/],
    [entry({ issuer: "https://id.acme.example/?x=1" }), /in entry 2 issuer must be /],
    [entry({ issuer: "https://user:pass@id.acme.example" }), /in entry 2 issuer must be /],
    [entry({ issuer: "id.acme.example" }), /in entry 2 issuer must be /],
    [entry({ client_id: "" }), /in entry 2 client_id must be /],
    [entry({ client_secret: undefined }), /in entry 2 client_secret must be there/],
    [entry({ scopes: ["email"] }), /in entry 2 scopes must be a list with "openid" in it/],
    [entry({ scopes: "openid" }), /in entry 2 scopes must be there, and as in this example/],
    [entry({ secret: "top-secret" }), /in entry 2 there must be no secret/],
    [
      entry({ name: "sessions" }),
      /^OIDC_ISSUERS must not name an issuer "sessions": \/auth\/sessions is an address of its own\.$/,
    ],
  ];
  for (const [text, sentence] of cases) {
    const said = sentenceFor({ OIDC_ISSUERS: text });
    expect([text, said]).toEqual([text, expect.stringMatching(sentence)]);
    expect(said).not.toContain("top-secret");
    expect(said).not.toContain("user:pass");
  }
});

test("[ACC-94] half of Google's settings, and a second issuer of that name, are refused", () => {
  const sentence = "GOOGLE_CLIENT_ID and GOOGLE_CLIENT_SECRET go together: set both or neither.";
  expect(sentenceFor({ GOOGLE_CLIENT_ID: "id" })).toBe(sentence);
  expect(sentenceFor({ GOOGLE_CLIENT_SECRET: "secret" })).toBe(sentence);
  const twice = {
    GOOGLE_CLIENT_ID: "id",
    GOOGLE_CLIENT_SECRET: "s",
    OIDC_ISSUERS: JSON.stringify([{ ...GOOD, name: "google" }]),
  };
  expect(sentenceFor(twice)).toBe(
    'OIDC_ISSUERS must not name an issuer "google": GOOGLE_CLIENT_ID has set it already.',
  );
});

test("[ACC-94] an issuer needs an address to send browsers back to", async () => {
  const environment = { OIDC_ISSUERS: JSON.stringify([GOOD]) };
  // The tests' port is 0.
  const refused = await openTestServer({ works: false, environment }).catch((error) => error);
  expect([refused.name, refused.message]).toEqual([
    "StartError",
    "PUBLIC_URL is required with PORT=0 to sign in with an issuer: it sends browsers back to there.",
  ]);
});

test("[ACC-94] every address under /auth is a name that issuers cannot have", async () => {
  const server = await openTestServer({ works: false });
  servers.push(server);
  const taken = server.routes.flatMap(({ spec }) => /^\/api\/v1\/auth\/([a-z-]+)/.exec(spec.path)?.[1] ?? []);
  expect(taken.length).toBeGreaterThan(8);
  expect(taken.filter((name) => !TAKEN_NAMES.has(name))).toEqual([]);
});

test("[ACC-94] the settings are masked, and an answer names no issuer that is not set", async () => {
  const { lines } = readConfig({
    OIDC_ISSUERS: JSON.stringify([GOOD]),
    GOOGLE_CLIENT_ID: "id",
    GOOGLE_CLIENT_SECRET: "s3",
  });
  for (const variable of ["OIDC_ISSUERS", "GOOGLE_CLIENT_SECRET"])
    expect(lines).toContainEqual({ variable, value: "********", source: "environment" });
  const server = await openTestServer({ works: false });
  servers.push(server);
  expect((await send(server, "GET", "/auth/google")).status).toBe(404);
});
