import { afterAll, expect, test } from "bun:test";
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { AddressRefusedError, createAddressGuard } from "./address-guard.ts";
import { createGuardedFetch, type GuardedRequest } from "./guarded-fetch.ts";
import { OutboundError } from "./index.ts";

// On this machine 127.0.0.2 plays the public network, and 127.0.0.1 is what must not be reached.
const PUBLIC = "127.0.0.2";
const INSIDE = "127.0.0.1";

/** Every request that reached a server, by its path. */
const reached: { where: string; path: string; headers: Headers; body: string; method: string }[] = [];
const never = () => new Response(new ReadableStream({ start: (stream) => stream.enqueue(Buffer.from("a")) }));

async function answer(where: string, request: Request): Promise<Response> {
  const { pathname, searchParams } = new URL(request.url);
  const { headers, method } = request;
  reached.push({ where, path: pathname, headers, method, body: await request.text() });
  const to = searchParams.get("to");
  if (to)
    return new Response(null, {
      status: Number(searchParams.get("status") ?? 302),
      headers: { Location: to },
    });
  if (pathname === "/exact") return new Response("a".repeat(5_000));
  if (pathname === "/more") return new Response("a".repeat(5_001));
  if (pathname === "/bomb")
    return new Response(gzipSync(Buffer.alloc(50_000_000)), { headers: { "Content-Encoding": "gzip" } });
  if (pathname === "/endless") return never();
  if (pathname === "/mute") return new Promise(() => {});
  return new Response("hello");
}

const out = Bun.serve({ hostname: PUBLIC, port: 0, fetch: (request) => answer("public", request) });
const port = out.port ?? 0;
const inside = Bun.serve({ hostname: INSIDE, port, fetch: (request) => answer("inside", request) });
const directory = mkdtempSync(join(tmpdir(), "stoa-tls-"));
const [key, cert] = [join(directory, "key.pem"), join(directory, "cert.pem")];
spawnSync("openssl", [
  ..."req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=good.test".split(
    " ",
  ),
  ...["-addext", "subjectAltName=DNS:good.test", "-keyout", key, "-out", cert],
]);
const ca = readFileSync(cert, "utf8");
const secure = Bun.serve({
  hostname: PUBLIC,
  port: 0,
  tls: { key: readFileSync(key, "utf8"), cert: ca },
  fetch: (request) => answer("secure", request),
});
afterAll(async () => {
  await Promise.all([out.stop(true), inside.stop(true), secure.stop(true)]);
  rmSync(directory, { recursive: true });
});

/** Its DNS: each name gives its answers one after the other, the last one again and again. */
function caller(names: Record<string, readonly (readonly string[])[]> = {}) {
  const asked: string[] = [];
  const guard = createAddressGuard({
    allowedHosts: [],
    ports: [port, secure.port ?? 0],
    isPublic: (address) => address === PUBLIC,
    async resolve(name) {
      const answers = names[name] ?? [[PUBLIC]];
      const turn = asked.filter((each) => each === name).length;
      asked.push(name);
      return answers[Math.min(turn, answers.length - 1)] ?? [];
    },
  });
  const fetchGuarded = createGuardedFetch({ guard, userAgent: "Stoa/test (+https://stoa.test)", ca });
  async function get(address: string, request?: GuardedRequest) {
    const { status, url, body } = await fetchGuarded(address, request);
    let text = "";
    for await (const chunk of body) text += Buffer.from(chunk).toString();
    return { status, url, text };
  }
  return { asked, fetchGuarded, get };
}
const { get } = caller();
const at = (path: string, host = "public.test") => `http://${host}:${port}${path}`;
const to = (target: string, status = 302) => at(`/hop?status=${status}&to=${encodeURIComponent(target)}`);
const insideCalls = () => reached.filter(({ where }) => where === "inside");
const failureOf = (call: Promise<unknown>): Promise<Error> =>
  call.then(
    () => new Error("it did not fail"),
    (error) => error,
  );

test("[OUT-22] a call goes to the address that was looked at, under the name that was asked for", async () => {
  const { asked, get: getNamed } = caller();
  expect(await getNamed(at("/named"))).toEqual({ status: 200, url: at("/named"), text: "hello" });
  expect(reached.at(-1)?.headers.get("host")).toBe(`public.test:${port}`);
  expect(asked).toEqual(["public.test"]);
});

test("[OUT-22] over TLS the certificate must be of the name, at whatever address", async () => {
  expect((await get(`https://good.test:${secure.port}/tls`)).status).toBe(200);
  expect(reached.at(-1)?.headers.get("host")).toBe(`good.test:${secure.port}`);
  const wrong = await failureOf(get(`https://bad.test:${secure.port}/tls`));
  expect([wrong.name, wrong.message]).toEqual(["OutboundError", "it cannot be reached"]);
  expect(reached.filter(({ path }) => path === "/tls")).toHaveLength(1);
});

test("[OUT-22] DNS that changes its answer: the call stays with what was looked at, the next one is refused", async () => {
  const { asked, get: getRebound } = caller({ "rebind.test": [[PUBLIC], [INSIDE]] });
  expect((await getRebound(at("/rebind", "rebind.test"))).text).toBe("hello");
  expect(asked).toEqual(["rebind.test"]);
  expect(await failureOf(getRebound(at("/rebind", "rebind.test")))).toBeInstanceOf(AddressRefusedError);
  const both = caller({ "both.test": [[PUBLIC, INSIDE]] });
  expect(await failureOf(both.get(at("/both", "both.test")))).toBeInstanceOf(AddressRefusedError);
  expect(insideCalls()).toEqual([]);
});

test("[OUT-21] loopback in any form, private, link-local, mapped: refused, and nothing is sent", async () => {
  const hosts =
    `127.0.0.1 2130706433 0x7f000001 0177.0.0.1 127.1 [::1] [::ffff:127.0.0.1] 10.0.0.1 169.254.169.254 inside.test
    localhost.`.split(/\s+/);
  const closed = caller({ "inside.test": [[INSIDE]], "localhost.": [["127.0.0.1", "::1"]] });
  for (const host of hosts) {
    const error = await failureOf(closed.get(at("/direct", host)));
    expect([host, error.name, error.message]).toEqual([
      host,
      "AddressRefusedError",
      "The address does not lead to a public server.",
    ]);
  }
  expect(insideCalls()).toEqual([]);
});

test("[OUT-23] redirects to what is closed are refused like the address itself", async () => {
  const closed = caller({ "inside.test": [[INSIDE]], "later.test": [[PUBLIC], [INSIDE]] });
  const targets = [
    at("/in", "127.0.0.1"),
    at("/in", "2130706433"),
    at("/in", "[::ffff:127.0.0.1]"),
    at("/in", "inside.test"),
    "http://public.test:22/",
    "file:///etc/passwd",
    `http://user:pass@public.test:${port}/`,
    `//127.0.0.1:${port}/in`,
  ];
  for (const target of targets)
    expect([target, (await failureOf(closed.get(to(target)))).name]).toEqual([target, "AddressRefusedError"]);
  // The same name, whose answer changes between the address and its redirect.
  const self = at(`/hop?to=${encodeURIComponent("/in")}`, "later.test");
  expect((await failureOf(closed.get(self))).name).toBe("AddressRefusedError");
  expect(insideCalls()).toEqual([]);
});

test("[OUT-23] three redirects are followed, a fourth is not, nor one from https to http", async () => {
  const chain = (length: number): string => (length === 0 ? at("/end") : to(chain(length - 1)));
  expect(await get(chain(3))).toEqual({ status: 200, url: at("/end"), text: "hello" });
  expect((await failureOf(get(chain(4)))).message).toBe("it redirected more than 3 times");
  const downgrade = `https://good.test:${secure.port}/hop?to=${encodeURIComponent(at("/end"))}`;
  expect((await failureOf(get(downgrade))).message).toBe("The address redirects from https to http.");
  expect((await failureOf(get(to("http://")))).message).toBe("it redirected to what is no address");
});

test("[OUT-24] what is sent along stays with its origin", async () => {
  const request = {
    method: "POST",
    headers: {
      Authorization: "Bearer s3cret",
      "X-Api-Key": "s3cret",
      "webhook-signature": "v1,s3cret",
      Accept: "a/b",
    },
    body: "s3cret",
  };
  await get(to(at("/same"), 307), request);
  expect(reached.at(-1)).toMatchObject({ path: "/same", method: "POST", body: "s3cret" });
  expect(reached.at(-1)?.headers.get("authorization")).toBe("Bearer s3cret");
  await get(to(at("/other", "other.test"), 303), request);
  const other = reached.at(-1);
  expect([other?.path, other?.method, other?.headers.get("accept")]).toEqual(["/other", "GET", "a/b"]);
  expect(JSON.stringify([...(other?.headers ?? [])]) + other?.body).not.toContain("s3cret");
  const error = await failureOf(get(to(at("/other", "other.test"), 307), request));
  expect(error.message).toBe("The address redirects a request with a body to another server.");
  expect(reached.at(-1)?.path).toBe("/hop");
});

test("[OUT-25] an answer is read to its bound, counted after decompression", async () => {
  const maxBytes = 5_000;
  expect((await get(at("/exact"), { maxBytes })).text).toHaveLength(5_000);
  for (const path of ["/more", "/bomb"]) {
    const error = await failureOf(get(at(path), { maxBytes }));
    expect([path, error.message]).toEqual([path, "it answered with more than 5000 bytes"]);
  }
  expect((await failureOf(get(at("/bomb")))).message).toBe("it answered with more than 5000000 bytes");
});

test("[OUT-25] a call ends at its deadline, in silence, or when its caller gives up", async () => {
  const messages = await Promise.all([
    failureOf(get(at("/mute"), { timeoutMs: 100 })),
    failureOf(get(at("/endless"), { timeoutMs: 100 })),
    failureOf(get(at("/mute"), { silenceMs: 100 })),
    failureOf(get(at("/endless"), { silenceMs: 100, timeoutMs: null })),
  ]);
  expect(messages.map(({ message }) => message)).toEqual([
    "no answer within 100 ms",
    "no answer within 100 ms",
    "it was silent for 100 ms",
    "it was silent for 100 ms",
  ]);
  const reason = new Error("enough");
  expect(await failureOf(get(at("/mute"), { signal: AbortSignal.abort(reason) }))).toBe(reason);
  const abort = new AbortController();
  const call = failureOf(get(at("/endless"), { signal: abort.signal }));
  abort.abort(reason);
  expect(await call).toBe(reason);
});

test("[OUT-25] a resolver that does not answer is not waited for", async () => {
  const guard = createAddressGuard({ allowedHosts: [], resolve: () => new Promise(() => {}) });
  const slow = createGuardedFetch({ guard, userAgent: "Stoa/test" });
  const error = await failureOf(slow("http://slow.test/", { timeoutMs: 50 }));
  expect([error.name, error.message]).toEqual(["OutboundError", "no answer within 50 ms"]);
});

test("[OUT-26] the other side is told who calls", async () => {
  await get(at("/agent"));
  expect(reached.at(-1)?.headers.get("user-agent")).toBe("Stoa/test (+https://stoa.test)");
});

test("[OUT-22] where the first address takes no connection the next one is called", async () => {
  const guard = createAddressGuard({
    allowedHosts: [],
    ports: [port],
    isPublic: () => true,
    resolve: async () => ["127.0.0.3", PUBLIC],
  });
  const answered = await createGuardedFetch({ guard, userAgent: "Stoa/test" })(at("/second"));
  await answered.close();
  expect([answered.status, reached.at(-1)?.path]).toEqual([200, "/second"]);
  const closed = Bun.serve({ hostname: PUBLIC, port: 0, fetch: never });
  const host = `127.0.0.2:${closed.port}`;
  await closed.stop(true);
  const open = createAddressGuard({ allowedHosts: [host] });
  const error = await failureOf(
    createGuardedFetch({ guard: open, userAgent: "Stoa/test" })(`http://${host}/`),
  );
  expect(error).toBeInstanceOf(OutboundError);
  expect(error.message).toBe("it cannot be reached");
});
