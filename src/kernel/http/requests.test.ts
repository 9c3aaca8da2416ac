import { afterAll, afterEach, beforeAll, expect, test } from "bun:test";
import { until } from "../../testing/until.ts";
import { route } from "./index.ts";
import { openTestHttp, send, type TestHttp, thing, thingErrors, thingRoutes } from "./test-http.ts";

const ID = "01a1fc20-f4eb-75a9-88eb-117be1537933";
let server: TestHttp;
let aborted = 0;

beforeAll(async () => {
  server = await openTestHttp((db) => [
    ...thingRoutes(),
    route({ ...thing, method: "GET", path: "/away", operationId: "away", access: "public" }, async () => {
      // What PostgreSQL says to every connection when it is stopped.
      await db.sql.unsafe("DO $$ BEGIN RAISE EXCEPTION 'stopping' USING ERRCODE = '57P01'; END $$");
      return { status: 200 };
    }),
    route({ ...thing, method: "GET", path: "/busy", operationId: "busy", access: "public" }, async () => {
      await db.transaction(async (tx) => {
        await tx`SET LOCAL statement_timeout = 20`;
        await tx`SELECT pg_sleep(10)`;
      });
      return { status: 200 };
    }),
    route({ ...thing, method: "GET", path: "/wait", operationId: "wait", access: "public" }, ({ signal }) => {
      const { promise, reject } = Promise.withResolvers<never>();
      signal.addEventListener("abort", () => {
        aborted++;
        reject(signal.reason);
      });
      return promise;
    }),
    route(
      { ...thing, method: "GET", path: "/refused", operationId: "refused", access: "public" },
      async () => {
        throw thingErrors.THING_TAKEN({ cause: new Error("the real reason"), retryAfterSeconds: 0.2 });
      },
    ),
  ]);
  await server.http.start();
});
afterAll(() => server.close());
afterEach(() => void server.lines.splice(0));

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}$/;

for (const [given, isKept] of [
  ["abc-1.2_3", true],
  ["x".repeat(128), true],
  ["x".repeat(129), false],
  ["with space", false],
  ['quote"quote', false],
  ["<script>", false],
  ["", false],
] as const) {
  test(`[HTTP-1] the request id ${JSON.stringify(given.slice(0, 20))} is ${isKept ? "kept" : "replaced"}`, async () => {
    const answer = await send(server.http, "GET", "/nowhere", { headers: { "X-Request-Id": given } });
    const id = answer.headers.get("x-request-id") ?? "";
    if (isKept) expect(id).toBe(given);
    else expect(id).toMatch(UUID);
    expect(answer.body.request_id).toBe(id);
    expect(server.lines).toEqual([expect.objectContaining({ msg: "request", request_id: id, status: 404 })]);
  });
}

test("[HTTP-1] two X-Request-Id headers are none", async () => {
  const headers = new Headers([
    ["X-Request-Id", "a"],
    ["X-Request-Id", "b"],
  ]);
  const answer = await server.http.fetch(new Request("http://stoa.test/open", { headers }));
  expect(answer.headers.get("x-request-id")).toMatch(UUID);
});

test("[HTTP-2] a refusal is problem+json, its cause logged and not sent", async () => {
  const answer = await send(server.http, "GET", "/refused");
  expect(answer.headers.get("content-type")).toBe("application/problem+json");
  expect(answer.headers.get("retry-after")).toBe("1");
  expect(answer.body).toEqual({
    type: "/docs/errors#THING_TAKEN",
    title: "Thing taken",
    status: 409,
    detail: thingErrors.THING_TAKEN.detail,
    code: "THING_TAKEN",
    request_id: answer.headers.get("x-request-id"),
  });
  expect(JSON.stringify(server.lines)).toContain("the real reason");
});

for (const path of [
  "/",
  "/nowhere",
  "/things/",
  "//things/top",
  "/things/top/",
  "/THINGS/top",
  `/things/${ID}/x`,
  "/%74hings",
  "/../things/top/..",
  "/things/%2e%2e/%2e%2e/etc/passwd",
]) {
  test(`[HTTP-3] ${path} is not there`, async () => {
    const answer = await send(server.http, "GET", path, { as: "ada" });
    expect([answer.status, answer.body.code]).toEqual([404, "NOT_FOUND"]);
  });
}

for (const [method, path, allow] of [
  ["DELETE", "/things/top", "GET, HEAD, OPTIONS"],
  ["GET", "/things", "POST, OPTIONS"],
  ["HEAD", "/things", "POST, OPTIONS"],
  ["PUT", `/things/${ID}`, "GET, HEAD, OPTIONS"],
] as const) {
  test(`[HTTP-4] ${method} ${path.slice(0, 12)} is answered with the methods it takes`, async () => {
    const answer = await send(server.http, method, path);
    expect([answer.status, answer.headers.get("allow")]).toEqual([405, allow]);
    if (method !== "HEAD") expect(answer.body.code).toBe("METHOD_NOT_ALLOWED");
  });
}

test("[HTTP-5] HEAD gives GET's status and headers over the socket, its length, and no body", async () => {
  const url = `${server.http.address()}/things/${ID}`;
  const headers = { Authorization: "Bearer ada", "Accept-Encoding": "identity", "X-Request-Id": "same" };
  const get = await fetch(url, { headers });
  const head = await fetch(url, { method: "HEAD", headers });
  const body = await get.text();
  expect([head.status, await head.text()]).toEqual([200, ""]);
  expect(head.headers.get("content-length")).toBe(String(body.length));
  const without = (all: Headers) => [...all].filter(([name]) => name !== "date" && name !== "content-length");
  expect(without(head.headers)).toEqual(without(get.headers));
});

test("[HTTP-5] HEAD of what is refused has no body either", async () => {
  const answer = await send(server.http, "HEAD", "/nowhere");
  expect([answer.status, answer.text]).toEqual([404, ""]);
});

test("[HTTP-5] OPTIONS says which methods an address takes, to anyone", async () => {
  const answer = await send(server.http, "OPTIONS", "/things");
  expect([answer.status, answer.text, answer.headers.get("allow")]).toEqual([204, "", "POST, OPTIONS"]);
  expect((await send(server.http, "OPTIONS", "/nowhere")).status).toBe(404);
});

test("[HTTP-6] a fixed path goes before a parameter, whichever was mounted first", async () => {
  const answer = await send(server.http, "GET", "/things/top", { as: "ada" });
  expect(answer.body).toEqual({ top: true });
});

for (const [sent, name] of [
  ["a%20b", "a b"],
  ["caf%C3%A9", "café"],
  ["a%2Fb", "a/b"],
  ["a+b", "a+b"],
  ["%F0%9F%8F%9B", "🏛"],
] as const) {
  test(`[HTTP-6] the parameter ${sent} is ${name}`, async () => {
    const answer = await send(server.http, "GET", `/text/${sent}`, { as: "ada" });
    expect(answer.body).toEqual({ name, repeat: null });
  });
}

for (const id of ["1", "x".repeat(36), `${ID}0`, "%zz", "%C3", "%ED%A0%80", "%00", ID.replace("f", "%00")]) {
  test(`[HTTP-7] the id ${id.slice(0, 12)} is a thing that is not there`, async () => {
    const answer = await send(server.http, "GET", `/things/${id}`, { as: "ada" });
    expect([answer.status, answer.body.code]).toEqual([404, "THING_NOT_FOUND"]);
  });
}

test("[HTTP-7] a NUL in a parameter that is plain text is not passed on", async () => {
  const answer = await send(server.http, "GET", "/text/a%00b", { as: "ada" });
  expect([answer.status, answer.body.code]).toEqual([404, "NOT_FOUND"]);
});

test("[HTTP-8] a crash is 500 with the request id; stack in the log, nothing of it in the answer", async () => {
  const answer = await send(server.http, "GET", "/crash", { headers: { "X-Request-Id": "r1" } });
  expect([answer.status, answer.body.code, answer.body.request_id]).toEqual([500, "INTERNAL", "r1"]);
  expect(answer.text).not.toContain("secret detail");
  const errors = server.lines.filter((line) => line.level === 50);
  expect(errors).toHaveLength(1);
  expect(errors[0]).toMatchObject({ request_id: "r1", route: "/crash", err: { message: "secret detail" } });
  expect(JSON.stringify(errors[0])).toContain("test-http.ts");
});

test("[HTTP-8] a failing authenticator is our crash, not the caller's fault", async () => {
  const answer = await send(server.http, "GET", `/things/${ID}`, { as: "boom" });
  expect([answer.status, answer.body.code]).toEqual([500, "INTERNAL"]);
});

test("[HTTP-9] a database that is too busy is 503 with Retry-After", async () => {
  const answer = await send(server.http, "GET", "/busy");
  expect([answer.status, answer.body.code]).toEqual([503, "DATABASE_BUSY"]);
  expect(Number(answer.headers.get("retry-after"))).toBeGreaterThan(0);
});

test("[HTTP-9] a database that is away is 503 with Retry-After", async () => {
  const answer = await send(server.http, "GET", "/away");
  expect([answer.status, answer.body.code]).toEqual([503, "DATABASE_UNAVAILABLE"]);
  expect(Number(answer.headers.get("retry-after"))).toBeGreaterThan(0);
});

test("[HTTP-10] a client that leaves aborts the handler; the log says 499 and no error", async () => {
  const leaving = new AbortController();
  const request = fetch(`${server.http.address()}/wait`, { signal: leaving.signal });
  const left = request.catch((error: Error) => error.name);
  await until("the request is running", async () =>
    /^stoa_http_requests_in_flight [1-9]/m.test(await server.metrics.render()),
  );
  leaving.abort();
  expect(await left).toBe("AbortError");
  await until("the handler is aborted", () => aborted === 1);
  const line = await until("its line", () => server.lines.find((found) => found.msg === "request"));
  expect(line).toMatchObject({ route: "/wait", status: 499 });
  expect(server.lines.filter((found) => Number(found.level) > 20 && found !== line)).toEqual([]);
});

test("[HTTP-11] the line of a request has all that is asked for and nothing secret", async () => {
  const token = "ada.session-secret";
  const path = "/text/invitation-secret?repeat=query-secret";
  const answer = await send(server.http, "GET", path, { as: token, headers: { "X-Request-Id": "r9" } });
  expect(server.lines).toHaveLength(1);
  expect(server.lines[0]).toEqual({
    level: 30,
    time: expect.any(String),
    process: "test",
    request_id: "r9",
    method: "GET",
    route: "/text/{name}",
    status: 200,
    duration_ms: expect.any(Number),
    bytes: answer.text.length,
    user_id: "ada",
    address: "127.0.0.1",
    msg: "request",
  });
});

test("[HTTP-11] an unknown path is shown, bounded, without its query", async () => {
  await send(server.http, "GET", `/no"where/${"x/".repeat(250)}y?access_token=secret`);
  const [line] = server.lines;
  expect(line).toMatchObject({ route: null, status: 404 });
  expect(String(line?.path)).toMatch(/^\/no("|%22)where\/(x\/)+x?$/);
  expect(String(line?.path).length).toBe(200);
});

test("[HTTP-12] requests are timed by method, route and status", async () => {
  await send(server.http, "GET", "/things/top", { as: "ada" });
  const text = await server.metrics.render();
  const labels = 'method="GET",route="/things/top",status="200"';
  expect(text).toMatch(new RegExp(`stoa_http_request_duration_seconds_count{${labels}} [1-9]`));
  expect(text).toContain("# TYPE stoa_http_request_duration_seconds histogram");
});

test("[HTTP-12] strangers cannot make new series", async () => {
  const count = async () => (await server.metrics.render()).split("\n").length;
  await send(server.http, "GET", "/unknown-1");
  const before = await count();
  for (let n = 0; n < 50; n++) await send(server.http, "GET", `/unknown-${n}`);
  await send(server.http, "GET", `/things/${crypto.randomUUID()}`, { as: "someone-else" });
  await send(server.http, "GET", `/things/${crypto.randomUUID()}`, { as: "yet-another" });
  for (const method of ["PROPFIND", "MKCOL", "LOCK", "SEARCH", "PURGE", "REPORT"]) {
    expect((await send(server.http, method, "/open")).status).toBe(405);
  }
  // A series of a histogram has 17 lines; these are the known route's, and other methods together.
  expect((await count()) - before).toBeLessThan(40);
});
