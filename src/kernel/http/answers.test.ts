import { afterAll, beforeAll, expect, test } from "bun:test";
import { gunzipSync, zstdDecompressSync } from "node:zlib";
import { type Route, route } from "./index.ts";
import { openTestHttp, send, type TestHttp, thing, thingRoutes } from "./test-http.ts";

const LONG = "word ".repeat(400);
const HUGE = "It is a truth universally acknowledged. ".repeat(20_000);
const ORIGIN = "https://app.example.com";

function routes(): Route[] {
  const open = { ...thing, method: "GET", access: "public" } as const;
  return [
    ...thingRoutes(),
    route({ ...open, path: "/long", operationId: "long" }, async () => ({
      status: 200,
      body: { text: LONG },
    })),
    route({ ...open, path: "/huge", operationId: "huge" }, async () => ({
      status: 200,
      body: { text: HUGE },
    })),
    route({ ...open, path: "/kept", operationId: "kept" }, async () => ({
      status: 200,
      body: {},
      headers: { "cache-control": "public, max-age=60" },
    })),
    route({ ...open, path: "/own", operationId: "own" }, async () => {
      const headers = { "Content-Type": "text/html", "Content-Security-Policy": "default-src 'self'" };
      return new Response("<p>own</p>", { headers });
    }),
    route({ ...thing, method: "DELETE", path: "/kept", operationId: "drop" }, async () => ({ status: 204 })),
  ];
}

let server: TestHttp;
beforeAll(async () => {
  server = await openTestHttp(routes, { ALLOWED_ORIGINS: `${ORIGIN}, http://localhost:3000` });
  await server.http.start();
});
afterAll(() => server.close());

const SECURITY = {
  "x-content-type-options": "nosniff",
  "referrer-policy": "no-referrer",
  "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
  "cross-origin-resource-policy": "same-origin",
};

for (const [method, path, status] of [
  ["GET", "/things/top", 200],
  ["GET", "/nowhere", 404],
  ["GET", "/crash", 500],
  ["POST", "/things", 422],
  ["DELETE", "/kept", 204],
  ["DELETE", "/things/top", 405],
  ["OPTIONS", "/things", 204],
] as const) {
  test(`[HTTP-24] ${method} ${path} has the security headers`, async () => {
    const url = `${server.http.address()}${path}`;
    const headers = { Authorization: "Bearer ada", "Content-Type": "application/json" };
    const answer = await fetch(url, { method, headers, ...(method === "POST" ? { body: "{}" } : {}) });
    expect(answer.status).toBe(status);
    expect(Object.fromEntries(answer.headers)).toMatchObject(SECURITY);
    for (const banned of ["server", "x-powered-by", "strict-transport-security"]) {
      expect(answer.headers.has(banned)).toBe(false);
    }
    await answer.text();
  });
}

test("[HTTP-24] a page of our own has its own policy beside the other headers", async () => {
  const answer = await send(server.http, "GET", "/own");
  expect(answer.headers.get("content-security-policy")).toBe("default-src 'self'");
  expect(answer.headers.get("x-content-type-options")).toBe("nosniff");
  expect(answer.headers.get("content-type")).toBe("text/html");
  expect(answer.text).toBe("<p>own</p>");
});

for (const [environment, isSent] of [
  [{ PUBLIC_URL: "https://stoa.example.com" }, true],
  [{ PUBLIC_URL: "http://stoa.example.com" }, false],
  [{ PUBLIC_URL: "https://localhost:8443" }, false],
  [{ TLS_CERT_FILE: "a", TLS_KEY_FILE: "b" }, true],
  [{ PUBLIC_URL: "https://localhost", TLS_CERT_FILE: "a", TLS_KEY_FILE: "b" }, false],
] as const) {
  test(`[HTTP-25] ${JSON.stringify(environment)} ${isSent ? "promises" : "does not promise"} HTTPS`, async () => {
    const own = await openTestHttp(routes, environment);
    try {
      const answer = await send(own.http, "GET", "/open");
      expect(answer.headers.get("strict-transport-security")).toBe(isSent ? "max-age=31536000" : null);
    } finally {
      await own.close();
    }
  });
}

test("[HTTP-26] answers and refusals are not stored, unless the route says so", async () => {
  for (const [path, expected] of [
    ["/things/top", "no-store"],
    ["/nowhere", "no-store"],
    ["/kept", "public, max-age=60"],
  ]) {
    const answer = await send(server.http, "GET", path ?? "", { as: "ada" });
    expect(answer.headers.get("cache-control")).toBe(expected ?? "");
  }
});

for (const [accept, encoding] of [
  ["gzip, deflate, br, zstd", "zstd"],
  ["gzip", "gzip"],
  ["zstd", "zstd"],
  ["*", "zstd"],
  ["zstd;q=0.5, gzip", "gzip"],
  ["ZSTD ; q=0, GZIP;q=0.1", "gzip"],
  ["br", null],
  ["identity", null],
  ["gzip;q=0", null],
  ["*;q=0", null],
  ["", null],
] as const) {
  test(`[HTTP-27] Accept-Encoding ${JSON.stringify(accept)} gets ${encoding ?? "the plain answer"}`, async () => {
    for (const [path, text] of [
      ["/long", LONG],
      ["/huge", HUGE],
    ] as const) {
      const headers = { "Accept-Encoding": accept };
      const answer = await server.http.fetch(new Request(`http://stoa.test${path}`, { headers }));
      expect(answer.headers.get("content-encoding")).toBe(encoding);
      expect(answer.headers.get("vary")).toContain("Accept-Encoding");
      const bytes = Buffer.from(await answer.arrayBuffer());
      if (encoding) expect(bytes.length).toBeLessThan(text.length / 2);
      const plain =
        encoding === "gzip" ? gunzipSync(bytes) : encoding === "zstd" ? zstdDecompressSync(bytes) : bytes;
      expect(JSON.parse(plain.toString())).toEqual({ text });
    }
  });
}

test("[HTTP-27] a short answer stays as it is", async () => {
  const answer = await send(server.http, "GET", "/open", { headers: { "Accept-Encoding": "gzip" } });
  expect(answer.headers.has("content-encoding")).toBe(false);
});

test("[HTTP-27] over the socket a client gets what it asked for, length included", async () => {
  const answer = await fetch(`${server.http.address()}/long`, { headers: { "Accept-Encoding": "gzip" } });
  expect(answer.headers.get("content-encoding")).toBe("gzip");
  expect(await answer.json()).toEqual({ text: LONG });
});

for (const path of ["/open", "/nowhere", "/crash", "/things/top", "/own"]) {
  test(`[HTTP-28] a page of an allowed origin may read the answer of ${path}`, async () => {
    const answer = await send(server.http, "GET", path, { headers: { Origin: ORIGIN } });
    expect(answer.headers.get("access-control-allow-origin")).toBe(ORIGIN);
    expect(answer.headers.get("access-control-expose-headers")).toContain("X-Request-Id");
    expect(answer.headers.get("vary")).toContain("Origin");
    expect(answer.headers.get("access-control-allow-credentials")).toBe("true");
  });
}

for (const origin of [
  "https://evil.example.com",
  "https://app.example.com.evil.com",
  "http://app.example.com",
  "https://app.example.com:444",
  "https://APP.example.com",
  "null",
  "*",
  "",
]) {
  test(`[HTTP-28] a page of ${JSON.stringify(origin)} may not`, async () => {
    for (const method of ["GET", "OPTIONS"]) {
      const headers = { Origin: origin, "Access-Control-Request-Method": "GET" };
      const answer = await send(server.http, method, "/open", { headers });
      for (const name of answer.headers.keys()) expect(name).not.toStartWith("access-control-");
      expect(answer.headers.get("vary")).toContain("Origin");
    }
  });
}

test("[HTTP-28] a preflight is answered with the methods and headers that may be used", async () => {
  const headers = {
    Origin: ORIGIN,
    "Access-Control-Request-Method": "POST",
    "Access-Control-Request-Headers": "authorization,content-type,idempotency-key",
  };
  const answer = await send(server.http, "OPTIONS", "/things", { headers });
  expect(answer.status).toBe(204);
  expect(answer.headers.get("access-control-allow-origin")).toBe(ORIGIN);
  expect(answer.headers.get("access-control-allow-methods")).toBe("POST, OPTIONS");
  const allowed = answer.headers.get("access-control-allow-headers")?.toLowerCase().split(", ");
  for (const name of ["authorization", "content-type", "idempotency-key", "x-request-id"]) {
    expect(allowed).toContain(name);
  }
  expect(answer.headers.get("access-control-max-age")).toBe("7200");
});

test("[HTTP-28] without ALLOWED_ORIGINS no answer speaks of origins", async () => {
  const own = await openTestHttp(routes);
  try {
    const answer = await send(own.http, "GET", "/open", { headers: { Origin: ORIGIN } });
    for (const name of answer.headers.keys()) expect(name).not.toStartWith("access-control-");
    expect(answer.headers.get("vary")).toBe("Accept-Encoding");
  } finally {
    await own.close();
  }
});
