import { afterAll, beforeAll, expect, test } from "bun:test";
import { openTestHttp, send, type TestHttp, thingRoutes } from "./test-http.ts";

const PATH = "/things/top";
let server: TestHttp;
beforeAll(async () => {
  server = await openTestHttp(thingRoutes);
});
afterAll(() => server.close());

test("[HTTP-13] without a token a route is closed, and says how to open it", async () => {
  const answer = await send(server.http, "GET", PATH);
  expect([answer.status, answer.body.code]).toEqual([401, "UNAUTHENTICATED"]);
  // RFC 6750 section 3.1: no error code when nothing was sent.
  expect(answer.headers.get("www-authenticate")).toBe('Bearer realm="stoa"');
});

test("[HTTP-13] a token that is not valid is told apart from none", async () => {
  const answer = await send(server.http, "GET", PATH, { as: "bad" });
  expect([answer.status, answer.body.code]).toEqual([401, "UNAUTHENTICATED"]);
  expect(answer.headers.get("www-authenticate")).toBe('Bearer realm="stoa", error="invalid_token"');
});

test("[HTTP-13] a public route knows no caller, token or not", async () => {
  for (const as of ["ada", "bad", undefined]) {
    const answer = await send(server.http, "GET", "/open", as === undefined ? {} : { as });
    expect(answer.body).toEqual({ actor: null });
  }
});

test("[HTTP-13] a stranger learns neither about ids nor about input", async () => {
  for (const [method, path, body] of [
    ["GET", "/things/not-an-id", undefined],
    ["POST", "/things", { wrong: true }],
    ["GET", "/text/x?unknown=1", undefined],
  ] as const) {
    expect((await send(server.http, method, path, { body })).status).toBe(401);
  }
});

for (const authorization of [
  "ada",
  "Basic YWRhOnNlY3JldA==",
  "Bearer",
  "Bearer ",
  "Bearer ada bob",
  "Bearer ada, Bearer bob",
  "Bearer ädä",
  "Bearer a=b",
  "Token ada",
  "Bearer\tada",
]) {
  test(`[HTTP-14] ${JSON.stringify(authorization)} is no token`, async () => {
    const answer = await send(server.http, "GET", PATH, { headers: { Authorization: authorization } });
    expect(answer.status).toBe(401);
  });
}

test("[HTTP-14] two Authorization headers are none", async () => {
  const headers = new Headers([
    ["Authorization", "Bearer ada"],
    ["Authorization", "Bearer ada"],
  ]);
  expect((await server.http.fetch(new Request(`http://stoa.test${PATH}`, { headers }))).status).toBe(401);
});

test("[HTTP-14] neither query, nor cookie, nor body carries a token", async () => {
  const query = await send(server.http, "GET", `${PATH}?access_token=ada`);
  const cookie = await send(server.http, "GET", PATH, { headers: { Cookie: "access_token=ada" } });
  const body = await send(server.http, "POST", "/things", { body: { access_token: "ada", name: "x" } });
  expect([query.status, cookie.status, body.status]).toEqual([401, 401, 401]);
});

for (const authorization of ["Bearer ada", "bearer ada", "BEARER  ada", "Bearer ada "]) {
  test(`[HTTP-14] ${JSON.stringify(authorization)} is a token`, async () => {
    const answer = await send(server.http, "GET", PATH, { headers: { Authorization: authorization } });
    expect(answer.status).toBe(200);
  });
}
