import { afterAll, beforeAll, expect, test } from "bun:test";
import { z } from "zod";
import { openAgain, type TestDatabase } from "../../testing/database.ts";
import { createLimits } from "../limits/index.ts";
import { createMetrics, silentLogger } from "../telemetry/index.ts";
import { createHttp, type Http, type Route, route, type SocketHandler } from "./index.ts";
import { converse, openTestHttp, send, type TestHttp, thing, thingRoutes } from "./test-http.ts";

/** Time stands still, so that no minute ends in the midst of a test. */
const NOW = Date.parse("2026-01-01T00:00:10Z");
const clock = { now: () => NOW };
const LIMITS = {
  AUTH_RATE_LIMIT_PER_MINUTE: "3",
  RATE_LIMIT_PER_MINUTE: "6",
  USER_RATE_LIMIT_PER_MINUTE: "9",
  TRUSTED_PROXIES: "127.0.0.1",
};
const SILENT: SocketHandler = { opened: () => {}, received: () => {}, closed: () => {} };
let bodiesRead = 0;

function routes(): Route[] {
  const open = { ...thing, access: "public" } as const;
  const body = z.strictObject({ name: z.string() }).transform((value) => {
    bodiesRead++;
    return value;
  });
  return [
    ...thingRoutes(),
    route(
      { ...open, method: "POST", path: "/enter", operationId: "enter", body, limit: "sign-in" },
      async () => ({ status: 200, body: {} }),
    ),
    route({ ...open, method: "POST", path: "/leave", operationId: "leave", body }, async () => ({
      status: 200,
      body: {},
    })),
    route({ ...open, method: "GET", path: "/free", operationId: "free", limit: "none" }, async () => ({
      status: 200,
      body: {},
    })),
    route({ ...open, method: "GET", path: "/socket", operationId: "socket" }, async ({ upgrade }) =>
      upgrade(SILENT),
    ),
  ];
}

let server: TestHttp;
let otherDb: TestDatabase;
let other: Http;
beforeAll(async () => {
  server = await openTestHttp(routes, LIMITS, clock);
  // A second process on the same database.
  otherDb = openAgain(server.db);
  const limits = createLimits({ db: otherDb, clock, log: silentLogger });
  const deps = { ...server.deps, db: otherDb, metrics: createMetrics(), limits };
  other = createHttp(deps);
  other.mount(routes());
});
afterAll(async () => {
  await otherDb.close();
  await server.close();
});

let addresses = 0;
/** An address that nobody has used. */
const someAddress = () => `198.51.100.${++addresses}`;
const from = (address: string) => ({ headers: { "X-Forwarded-For": address } });
const statuses = async (times: number, ask: () => Promise<{ status: number }>): Promise<number[]> => {
  const found: number[] = [];
  for (let n = 0; n < times; n++) found.push((await ask()).status);
  return found;
};

test("[LIM-12] each answer says what is left, and the one too many when to come back", async () => {
  const address = someAddress();
  const minuteEnd = Date.parse("2026-01-01T00:01:00Z") / 1000;
  for (let left = 5; left >= 0; left--) {
    const { headers } = await send(server.http, "GET", "/open", from(address));
    expect(headers.get("x-ratelimit-limit")).toBe("6");
    expect(headers.get("x-ratelimit-remaining")).toBe(String(left));
    expect(headers.get("x-ratelimit-reset")).toBe(String(minuteEnd));
  }
  const refused = await send(server.http, "GET", "/open", from(address));
  expect(refused).toMatchObject({
    status: 429,
    body: { code: "RATE_LIMITED", request_id: expect.any(String) },
  });
  expect(refused.headers.get("content-type")).toStartWith("application/problem+json");
  expect(refused.headers.get("retry-after")).toBe("51");
  expect(refused.headers.get("x-ratelimit-remaining")).toBe("0");
  expect(refused.headers.get("x-ratelimit-reset")).toBe(String(minuteEnd + 1));
});

test("[LIM-13] without a token an address is counted over all paths, also those that are not there", async () => {
  const address = someAddress();
  const asked: [method: string, path: string, status: number][] = [
    ["GET", "/open", 200],
    ["GET", "/things/top", 401],
    ["GET", "/nowhere", 404],
    ["DELETE", "/open", 405],
    ["OPTIONS", "/open", 204],
    ["HEAD", "/open", 200],
    ["GET", "/crash", 500],
    ["GET", "/open", 429],
    ["GET", "/nowhere", 429],
    ["GET", "/things/top", 429],
    ["OPTIONS", "/open", 204],
  ];
  for (const [method, path, status] of asked)
    expect([method, path, (await send(server.http, method, path, from(address))).status]).toEqual([
      method,
      path,
      status,
    ]);
  expect((await send(server.http, "GET", "/open", from(someAddress()))).status).toBe(200);
  expect((await send(server.http, "GET", "/things/top", { as: "neighbour", ...from(address) })).status).toBe(
    200,
  );
});

test("[LIM-10] an IPv6 network and its spellings are one client of the server", async () => {
  const spellings = ["2001:db8:1:2::1", "2001:DB8:1:2:0::1", "2001:db8:1:2:ffff::9"];
  let asked = 0;
  const ask = () => send(server.http, "GET", "/open", from(spellings[asked++ % 3] ?? ""));
  expect(await statuses(7, ask)).toEqual([200, 200, 200, 200, 200, 200, 429]);
  expect((await send(server.http, "GET", "/open", from("2001:db8:1:3::1"))).status).toBe(200);
});

test("[LIM-11] a forged header wins nothing, and the log has the client's address", async () => {
  const address = someAddress();
  let forged = 0;
  const ask = () => send(server.http, "GET", "/open", from(`203.0.113.${forged++}, ${address}`));
  expect((await statuses(7, ask)).at(-1)).toBe(429);
  expect(server.lines.at(-1)).toMatchObject({ address, status: 429 });
});

test("[LIM-11] a header from somebody who is no trusted proxy is not read", async () => {
  const own = await openTestHttp(routes, { ...LIMITS, TRUSTED_PROXIES: "" }, clock);
  let forged = 0;
  const ask = () => send(own.http, "GET", "/open", from(`203.0.113.${forged++}`));
  expect((await statuses(7, ask)).at(-1)).toBe(429);
  expect(own.lines.at(-1)).toMatchObject({ address: "127.0.0.1" });
  await own.close();
});

test("[LIM-14] a user is counted over addresses and devices, and no other user with him", async () => {
  let asked = 0;
  const ask = () =>
    send(server.http, "GET", "/things/top", { as: `grace.device${asked++}`, ...from(someAddress()) });
  expect(await statuses(10, ask)).toEqual([...Array(9).fill(200), 429]);
  const refused = await ask();
  expect(refused.headers.get("x-ratelimit-limit")).toBe("9");
  expect((await send(server.http, "GET", "/things/top", { as: "linus" })).status).toBe(200);
});

test("[LIM-15] sign-in calls are counted exactly over two processes, apart from all others", async () => {
  const address = someAddress();
  const ask = (http: Http) => send(http, "POST", "/enter", { body: { name: "x" }, ...from(address) });
  const answers = await Promise.all(Array.from({ length: 20 }, (_, n) => ask(n % 2 ? server.http : other)));
  expect(answers.filter(({ status }) => status === 200).length).toBe(3);
  const refused = answers.find(({ status }) => status === 429);
  expect(refused?.body).toMatchObject({ code: "RATE_LIMITED" });
  expect(Number(refused?.headers.get("retry-after"))).toBeWithin(40, 62);
  expect(refused?.headers.get("x-ratelimit-limit")).toBe("3");
  expect(answers.map(({ headers }) => headers.get("x-ratelimit-remaining"))).toContain("2");
  expect((await send(server.http, "POST", "/leave", { body: { name: "x" }, ...from(address) })).status).toBe(
    200,
  );
  expect((await ask(other)).status).toBe(429);
});

test("[LIM-4] while the database is away signing in is 503 and the rest goes on", async () => {
  const own = await openTestHttp(routes, LIMITS, clock);
  await own.db.close();
  const body = { name: "x" };
  const entered = await send(own.http, "POST", "/enter", { body });
  expect(entered).toMatchObject({ status: 503, body: { code: "DATABASE_UNAVAILABLE" } });
  expect(await statuses(7, () => send(own.http, "GET", "/open"))).toEqual([...Array(6).fill(200), 429]);
  await own.close();
});

test("[LIM-16] what is under no limit has no headers of it", async () => {
  const address = someAddress();
  for (const path of ["/free", "/openapi.json", "/docs", "/docs/errors", "/docs/style.css"]) {
    for (const { status, headers } of await Promise.all(
      Array.from({ length: 8 }, () => send(server.http, "GET", path, from(address))),
    )) {
      expect([path, status, headers.get("x-ratelimit-limit")]).toEqual([path, 200, null]);
    }
  }
  expect((await send(server.http, "GET", "/open", from(address))).headers.get("x-ratelimit-remaining")).toBe(
    "5",
  );
});

test("[LIM-17] what is refused has its body unread and its token unchecked", async () => {
  const own = await openTestHttp(routes, LIMITS, clock);
  let checked = 0;
  const known = new Set(["good"]);
  const authenticate = (token: string) => {
    checked++;
    if (token !== "good" && token !== "fresh") return undefined;
    known.add(token);
    return { kind: "user", userId: token, sessionId: "s", expiresAt: NOW + 60_000 } as const;
  };
  own.http.useAuthenticator(Object.assign(authenticate, { isKnown: (token: string) => known.has(token) }));
  const address = someAddress();
  let tried = 0;
  const guess = () => send(own.http, "GET", "/things/top", { as: `guess${tried++}`, ...from(address) });
  expect(await statuses(8, guess)).toEqual([401, 401, 401, 401, 401, 401, 429, 429]);
  expect(checked).toBe(6);
  const ask = (as: string, at = address) => send(own.http, "GET", "/things/top", { as, ...from(at) });
  expect((await ask("good")).status).toBe(200);
  expect((await ask("fresh")).status).toBe(429);
  expect((await ask("fresh", someAddress())).status).toBe(200);
  // Known by now, wherever it was first seen.
  expect((await ask("fresh")).status).toBe(200);

  bodiesRead = 0;
  await statuses(6, () => send(own.http, "GET", "/open", from(address)));
  const post = { body: { name: "x" }, ...from(address) };
  expect((await send(own.http, "POST", "/leave", post)).status).toBe(429);
  expect(await statuses(4, () => send(own.http, "POST", "/enter", post))).toEqual([200, 200, 200, 429]);
  expect(bodiesRead).toBe(3);
  await own.close();
});

test("[LIM-17] a token known already asks as its user on a route that is open to all", async () => {
  const own = await openTestHttp(routes, LIMITS, clock);
  const actor = { kind: "user", userId: "ada", sessionId: "s", expiresAt: NOW + 60_000 } as const;
  for (const answer of [actor, Promise.resolve(actor)]) {
    own.http.useAuthenticator(Object.assign(() => answer, { isKnown: () => true }));
    const { headers } = await send(own.http, "GET", "/open", { as: "token" });
    expect(headers.get("x-ratelimit-limit")).toBe("9");
  }
  expect((await send(own.http, "GET", "/open")).headers.get("x-ratelimit-limit")).toBe("6");
  await own.close();
});

test("[LIM-18] a limit of 0 is off, alone or all of them", async () => {
  const off = {
    AUTH_RATE_LIMIT_PER_MINUTE: "0",
    RATE_LIMIT_PER_MINUTE: "0",
    USER_RATE_LIMIT_PER_MINUTE: "0",
  };
  const body = { name: "x" };
  for (const name of [
    "AUTH_RATE_LIMIT_PER_MINUTE",
    "RATE_LIMIT_PER_MINUTE",
    "USER_RATE_LIMIT_PER_MINUTE",
    "",
  ]) {
    const own = await openTestHttp(routes, name === "" ? off : { ...LIMITS, [name]: "0" }, clock);
    const last = async (ask: () => ReturnType<typeof send>) => {
      await statuses(12, ask);
      const { status, headers } = await ask();
      return [status, headers.get("x-ratelimit-limit")];
    };
    const isOff = (setting: string) => name === "" || name === setting;
    const expected = (setting: string, limit: string) => (isOff(setting) ? [200, null] : [429, limit]);
    expect(await last(() => send(own.http, "POST", "/enter", { body }))).toEqual(
      expected("AUTH_RATE_LIMIT_PER_MINUTE", "3"),
    );
    expect(await last(() => send(own.http, "GET", "/open"))).toEqual(expected("RATE_LIMIT_PER_MINUTE", "6"));
    expect(await last(() => send(own.http, "GET", "/things/top", { as: "ada" }))).toEqual(
      expected("USER_RATE_LIMIT_PER_MINUTE", "9"),
    );
    await own.close();
  }
});

test("[LIM-19] opening a WebSocket counts as one request", async () => {
  const own = await openTestHttp(routes, { ...LIMITS, TRUSTED_PROXIES: "" }, clock);
  await own.http.start();
  const url = own.http.address() ?? "";
  const open = async (): Promise<boolean> => {
    const socket = new WebSocket(`${url.replace("http", "ws")}/socket`);
    const opened = await new Promise<boolean>((resolve) => {
      socket.onopen = () => resolve(true);
      socket.onerror = () => resolve(false);
    });
    for (let n = 0; opened && n < 20; n++) socket.send("hello");
    socket.close();
    return opened;
  };
  const opened: boolean[] = [];
  for (let n = 0; n < 7; n++) opened.push(await open());
  expect(opened).toEqual([true, true, true, true, true, true, false]);
  const refused = await converse(
    own.http,
    "GET /socket HTTP/1.1\r\nHost: x\r\nConnection: close, Upgrade\r\nUpgrade: websocket\r\n\r\n",
  );
  expect(refused).toStartWith("HTTP/1.1 429");
  const headers = "Host: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n";
  const key = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
  own.http.useAuthenticator(
    Object.assign(() => ({ kind: "user", userId: "a", sessionId: "s", expiresAt: NOW + 60_000 }) as const, {
      isKnown: () => true,
    }),
  );
  // A close frame of its own ends the conversation.
  const close = new Uint8Array([0x88, 0x80, 0, 0, 0, 0]);
  const opening = `GET /socket HTTP/1.1\r\n${headers}${key}Authorization: Bearer a\r\n\r\n`;
  expect(await converse(own.http, opening, [close])).toMatch(/^HTTP\/1\.1 101 .*X-RateLimit-Remaining: 8/is);
  await own.close();
});
