import { afterAll, expect, test } from "bun:test";
import { gzipSync } from "node:zlib";
import { createBoundedFetch, OutboundError } from "./index.ts";

const KB = 1_024;
const fetchBounded = createBoundedFetch({ timeoutMs: 30_000, maxBytes: 64 * KB });
const fetchHastily = createBoundedFetch({ timeoutMs: 300, maxBytes: 64 * KB });
const drip = () => new Response(new ReadableStream({ start: (stream) => stream.enqueue(Buffer.from("a")) }));
const server = Bun.serve({
  hostname: "127.0.0.1",
  port: 0,
  async fetch(request) {
    const { pathname } = new URL(request.url);
    if (pathname === "/exact") return new Response("a".repeat(64 * KB), { headers: { "X-Kept": "yes" } });
    if (pathname === "/more") return new Response("a".repeat(64 * KB + 1));
    if (pathname === "/bomb") {
      return new Response(gzipSync("a".repeat(10_000_000)), { headers: { "Content-Encoding": "gzip" } });
    }
    if (pathname === "/redirect") return Response.redirect("/exact");
    if (pathname === "/failing") return new Response("", { status: 503 });
    if (pathname === "/nothing") return new Response(null, { status: 204 });
    if (pathname === "/echo") return Response.json({ method: request.method, body: await request.text() });
    return drip();
  },
});
afterAll(() => server.stop(true));

interface GetOptions {
  readonly signal?: AbortSignal;
  readonly fetch?: typeof fetchBounded;
}

const get = (path: string, { signal, fetch = fetchBounded }: GetOptions = {}) =>
  fetch(`http://127.0.0.1:${server.port}${path}`, { method: "GET", headers: {}, signal });

async function failureOf(path: string, options: GetOptions = {}): Promise<string> {
  const error = await get(path, options).catch((thrown) => thrown);
  expect(error).toBeInstanceOf(OutboundError);
  return error.message;
}

test("[ACC-99] an answer within its bounds is given whole", async () => {
  const answer = await get("/exact");
  expect([answer.status, answer.headers.get("x-kept"), (await answer.text()).length]).toEqual([
    200,
    "yes",
    64 * KB,
  ]);
  expect((await get("/nothing")).status).toBe(204);
  const echoed = await fetchBounded(`http://127.0.0.1:${server.port}/echo`, {
    method: "POST",
    headers: {},
    body: "x=1",
  });
  expect(await echoed.json()).toEqual({ method: "POST", body: "x=1" });
});

test("[ACC-99] one that is larger is cut off, counted after decompression", async () => {
  expect(await failureOf("/more")).toBe("it answered with more than 65536 bytes");
  expect(await failureOf("/bomb")).toBe("it answered with more than 65536 bytes");
});

test("[ACC-99] one that does not end is given up at the deadline, or when the caller gives up", async () => {
  const startedMs = performance.now();
  expect(await failureOf("/endless", { fetch: fetchHastily })).toBe("no answer within 300 ms");
  expect(performance.now() - startedMs).toBeGreaterThan(290);
  const error = await get("/endless", { signal: AbortSignal.abort() }).catch((thrown) => thrown);
  expect(error).toBeInstanceOf(OutboundError);
});

test("[ACC-99] a redirect is not followed, a failure of the other side and a closed port are told apart from an answer", async () => {
  expect((await get("/redirect")).status).toBe(302);
  expect(await failureOf("/failing")).toBe("it answered with status 503");
  const closed = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: drip });
  const address = `http://127.0.0.1:${closed.port}/`;
  await closed.stop(true);
  const error = await fetchBounded(address, { method: "GET", headers: {} }).catch((thrown) => thrown);
  expect([error.name, error.message]).toEqual(["OutboundError", "it cannot be reached"]);
});
