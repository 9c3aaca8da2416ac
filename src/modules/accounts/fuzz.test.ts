import { afterAll, beforeAll, expect, test } from "bun:test";
import { createChance } from "../../testing/chance.ts";
import { type Description, type Operation, readDescription, sampleOf } from "../../testing/description.ts";
import { type Person, signUp } from "../../testing/requests.ts";
import { openTestServer, type TestServer } from "../../testing/server.ts";
import { createMalformed, type Malformed } from "./testing/malformed.ts";

const ROUNDS = 6_000;
/** Far above the slowest, a sign-up on a machine that stalls, and far below what would hold a server up. */
const BOUND_MS = 10_000;
const CODE = /^[A-Z][A-Z_]+[A-Z]$/;
/** What a stack, a query or a path of ours would look like in an answer. */
const INSIDE = /\n\s+at |\.ts:\d|\/src\/|node_modules|postgres|\bSELECT\b|\bINSERT INTO\b|Error:/;

let server: TestServer;
let description: Description;
let person: Person;
beforeAll(async () => {
  const environment = {
    AUTH_RATE_LIMIT_PER_MINUTE: "0",
    RATE_LIMIT_PER_MINUTE: "0",
    USER_RATE_LIMIT_PER_MINUTE: "0",
  };
  server = await openTestServer({ works: false, environment });
  description = await readDescription(server);
  person = await signUp(server);
});
afterAll(() => server.stop());

/** All there are, also those that are yet to come. */
function authOperations(): Operation[] {
  return description.operations.filter(
    ({ path }) => path.startsWith("/api/v1/auth/") || path.startsWith("/api/v1/live/tickets"),
  );
}

function addressOf({ path, parameters }: Operation, malformed: Malformed): string {
  const filled = path.replace(/\{\w+\}/g, () => encodeURIComponent(clean(malformed.text())) || "%20");
  const names = [
    ...parameters.filter((each) => each.in === "query").map((each) => each.name),
    "x",
    "access_token",
  ];
  const query = malformed.pick([
    ...Array(6).fill(""),
    `?${malformed.pick(names)}=${encodeURIComponent(clean(malformed.text()))}`,
    "?%ff=%fe&&=",
    `?cursor=${encodeURIComponent(Buffer.from(JSON.stringify(malformed.value()) ?? "").toString("base64url"))}`,
  ]);
  return `http://stoa.test${filled}${query}`;
}

/** A lone surrogate has no percent-encoding. */
const clean = (text: string) => text.toWellFormed();

function headersOf(malformed: Malformed): Headers {
  const headers = new Headers();
  // Without line breaks and controls, which end at the door (HTTP-46).
  const set = (name: string, value: string) => headers.set(name, value.replace(/[^\x20-\x7e]/g, "?"));
  set(
    "Content-Type",
    malformed.pick([
      ...Array(6).fill("application/json"),
      "text/plain",
      "application/x-www-form-urlencoded",
      "application/json; charset=utf-16",
      malformed.text(),
    ]),
  );
  set("Authorization", malformed.authorization(malformed.pick([person.token, person.refreshToken])));
  set("Cookie", `stoa_refresh=${malformed.text()}; ${malformed.text()}`);
  set("Sec-Fetch-Site", malformed.pick(["same-origin", "cross-site", "none", malformed.text()]));
  set("User-Agent", malformed.text());
  set("Idempotency-Key", malformed.text());
  for (const name of ["Authorization", "Cookie", "Sec-Fetch-Site", "Content-Type", "Idempotency-Key"])
    if (malformed.pick([true, false, false])) headers.delete(name);
  return headers;
}

function requestOf(operation: Operation, malformed: Malformed): Request {
  const { method, requestBody } = operation;
  const schema = requestBody?.content["application/json"]?.schema;
  const known = { email: person.email, password: person.password, refresh_token: person.refreshToken };
  const right = schema ? sampleOf(schema, description.schemas, known) : {};
  const hasBody = method !== "GET" && method !== "HEAD";
  return new Request(addressOf(operation, malformed), {
    method,
    headers: headersOf(malformed),
    ...(hasBody ? { body: malformed.body(right) } : {}),
  });
}

test("[ACC-130] whatever is sent to the routes of accounts is answered as described: no 500, no stack, in bounded time", async () => {
  const malformed = createMalformed(createChance("malformed auth"));
  const operations = authOperations();
  expect(operations.length).toBeGreaterThan(8);
  const statuses = new Map<number, number>();
  for (let round = 0; round < ROUNDS; round++) {
    const operation = malformed.pick(operations);
    const request = requestOf(operation, malformed);
    const startedMs = performance.now();
    const response = await server.fetch(request);
    const text = await response.text();
    const what = `${request.method} ${request.url} → ${response.status} ${text}`;
    expect(performance.now() - startedMs, what).toBeLessThan(BOUND_MS);
    statuses.set(response.status, (statuses.get(response.status) ?? 0) + 1);
    expect(response.status, what).toBeLessThan(500);
    if (response.status >= 400) {
      expect(response.headers.get("content-type"), what).toBe("application/problem+json");
      expect((JSON.parse(text) as { code: unknown }).code, what).toMatch(CODE);
      expect(Object.keys(operation.responses), what).toContain(String(response.status));
    }
    expect(text, what).not.toMatch(INSIDE);
    for (const secret of [person.token, person.refreshToken, person.password])
      expect(text).not.toContain(secret);
  }
  // It got past the door: refusals of several kinds, and right requests among the wrong.
  for (const status of [200, 400, 401, 415, 422]) expect([...statuses.keys()]).toContain(status);
});

test("[ACC-131] a token with any one character changed is nobody's", async () => {
  const chance = createChance("changed tokens");
  const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  const ask = (token: string) =>
    server.fetch(
      new Request("http://stoa.test/api/v1/auth/me", { headers: { Authorization: `Bearer ${token}` } }),
    );
  const refresh = (token: string) =>
    server.fetch(
      new Request("http://stoa.test/api/v1/auth/refresh", {
        method: "POST",
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify({ refresh_token: token }),
      }),
    );
  const { token, refreshToken } = await signUp(server);
  for (const [right, show] of [
    [token, ask],
    [refreshToken, refresh],
  ] as const) {
    for (let round = 0; round < 400; round++) {
      const at = chance.below(right.length);
      const other = alphabet[chance.below(alphabet.length)] ?? "";
      const changed = right.slice(0, at) + other + right.slice(at + 1);
      if (changed === right) continue;
      expect([changed, (await show(changed)).status]).toEqual([changed, 401]);
    }
  }
  expect((await ask(token)).status).toBe(200);
  expect((await refresh(refreshToken)).status).toBe(200);
});
