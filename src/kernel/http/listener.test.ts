import { afterAll, beforeAll, expect, test } from "bun:test";
import { spawnSync } from "node:child_process";
import { mkdtemp, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { bestOf, msOf } from "../../testing/best-of.ts";
import { until } from "../../testing/until.ts";
import { createMetrics } from "../telemetry/index.ts";
import { createHttp, route } from "./index.ts";
import { converse, openTestHttp, type TestHttp, thing, thingRoutes } from "./test-http.ts";

let server: TestHttp;
beforeAll(async () => {
  server = await openTestHttp(thingRoutes);
  await server.http.start();
});
afterAll(() => server.close());

/** A server whose GET /gated waits until it is opened. */
async function openGated(environment: Record<string, string> = {}) {
  const gate = Promise.withResolvers<void>();
  let waiting = 0;
  const own = await openTestHttp(
    () => [
      ...thingRoutes(),
      route({ ...thing, method: "GET", path: "/gated", operationId: "gated", access: "public" }, async () => {
        waiting++;
        await gate.promise;
        return { status: 200, body: { done: true } };
      }),
    ],
    environment,
  );
  await own.http.start();
  return { ...own, gate, waiting: () => waiting, url: own.http.address() ?? "" };
}

test("[HTTP-44] port 0 takes a free one, which the address tells", async () => {
  expect(server.http.address()).toMatch(/^http:\/\/127\.0\.0\.1:[1-9]\d+$/);
  expect((await fetch(`${server.http.address()}/open`)).status).toBe(200);
});

test("[HTTP-44] starting and stopping twice is starting and stopping once", async () => {
  const own = await openGated();
  await own.http.start();
  expect(own.http.address()).toBe(own.url);
  await Promise.all([own.http.stop(), own.http.stop()]);
  await own.close();
  expect(own.http.address()).toBeUndefined();
});

test("[HTTP-44] a port that is taken is an error with its code", async () => {
  const port = new URL(server.http.address() ?? "").port;
  const second = createHttp({
    ...server.deps,
    metrics: createMetrics(),
    config: { ...server.deps.config, port: Number(port) },
  });
  expect(second.start()).rejects.toMatchObject({ code: "EADDRINUSE" });
});

test("[HTTP-44] two servers may share a port when both say so", async () => {
  const own = createHttp({ ...server.deps, metrics: createMetrics(), reusePort: true });
  await own.start();
  const port = Number(new URL(own.address() ?? "").port);
  const config = { ...server.deps.config, port };
  const second = createHttp({ ...server.deps, metrics: createMetrics(), config, reusePort: true });
  await second.start();
  expect(second.address()).toBe(own.address());
  await Promise.all([own.stop(), second.stop()]);
});

test("[HTTP-44] a client has one address, whichever kind of socket it comes by", async () => {
  const own = await openGated({ HOST: "::" });
  const port = new URL(own.url).port;
  await fetch(`http://127.0.0.1:${port}/open`);
  expect(own.lines.at(-1)).toMatchObject({ route: "/open", address: "127.0.0.1" });
  await own.close();
});

test("[HTTP-44] with a certificate it speaks HTTPS", async () => {
  const directory = await mkdtemp(join(tmpdir(), "stoa-tls-"));
  const [key, cert] = [join(directory, "key.pem"), join(directory, "cert.pem")];
  const subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"];
  const curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"];
  const made = spawnSync("openssl", ["req", "-x509", ...curve, "-keyout", key, "-out", cert, ...subject]);
  expect(made.status).toBe(0);
  const own = await openGated({ TLS_CERT_FILE: cert, TLS_KEY_FILE: key });
  expect(own.url).toStartWith("https://");
  const answer = await fetch(`${own.url}/open`, { tls: { ca: await Bun.file(cert).text() } });
  expect([answer.status, answer.headers.get("strict-transport-security")]).toEqual([200, "max-age=31536000"]);
  await own.close();
});

test("[HTTP-44] a certificate that cannot be read or is none is one sentence that names the setting", async () => {
  const directory = await mkdtemp(join(tmpdir(), "stoa-tls-"));
  const nonsense = join(directory, "nonsense.pem");
  await writeFile(nonsense, "nonsense");
  for (const [cert, message] of [
    [join(directory, "missing.pem"), /^TLS_CERT_FILE: .* cannot be read/],
    [nonsense, /^TLS_CERT_FILE and TLS_KEY_FILE/],
  ] as const) {
    const config = { ...server.deps.config, tlsCertFile: cert, tlsKeyFile: nonsense };
    const failed = createHttp({ ...server.deps, metrics: createMetrics(), config }).start();
    expect(failed).rejects.toMatchObject({ name: "StartError", message: expect.stringMatching(message) });
    await failed.catch(() => {});
  }
});

test("[HTTP-45] a running request is finished, a new connection refused", async () => {
  const own = await openGated();
  const running = fetch(`${own.url}/gated`);
  await until("it runs", () => own.waiting() === 1);
  const stopped = own.http.stop();
  expect(own.http.isStopping()).toBe(true);
  const refused = fetch(`${own.url}/open`).then(
    () => "answered",
    () => "refused",
  );
  expect(await refused).toBe("refused");
  own.gate.resolve();
  expect(await (await running).json()).toEqual({ done: true });
  await stopped;
  await own.close();
});

test("[HTTP-45] a stop during the start leaves nothing listening", async () => {
  const own = createHttp({ ...server.deps, metrics: createMetrics() });
  const started = own.start();
  await own.stop();
  await started;
  await own.start();
  expect(own.address()).toBeUndefined();
});

test("[HTTP-45] idle connections are closed at once", async () => {
  const tookMs = await bestOf(1000, async () => {
    const own = await openGated();
    const { hostname, port } = new URL(own.url);
    const socket = connect(Number(port), hostname);
    const closed = new Promise((resolve) => socket.once("close", resolve));
    socket.write("GET /open HTTP/1.1\r\nHost: x\r\n\r\n");
    await new Promise((resolve) => socket.once("data", resolve));
    const ms = await msOf(() => Promise.all([own.http.stop(), closed]));
    await own.close();
    return ms;
  });
  expect(tookMs).toBeLessThan(1000);
});

test("[HTTP-45] a request that outlasts the grace time is cut off", async () => {
  const own = await openGated({ SHUTDOWN_GRACE_SECONDS: "0" });
  const running = fetch(`${own.url}/gated`).then(
    () => "answered",
    () => "cut off",
  );
  await until("it runs", () => own.waiting() === 1);
  await own.http.stop();
  expect(await running).toBe("cut off");
  own.gate.resolve();
  await own.close();
});

const HEAD = "Host: x\r\nAuthorization: Bearer ada\r\nContent-Type: application/json\r\n";
const SMUGGLED = "GET /crash HTTP/1.1\r\nHost: x\r\n\r\n";
for (const [what, message, answer] of [
  [
    "a length and chunks",
    `POST /things HTTP/1.1\r\n${HEAD}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${SMUGGLED}`,
    "400",
  ],
  [
    "two lengths",
    `POST /things HTTP/1.1\r\n${HEAD}Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}${SMUGGLED}`,
    "400",
  ],
  ["a negative length", `POST /things HTTP/1.1\r\n${HEAD}Content-Length: -2\r\n\r\n{}${SMUGGLED}`, "400"],
  ["a length in hex", `POST /things HTTP/1.1\r\n${HEAD}Content-Length: 0x2\r\n\r\n{}${SMUGGLED}`, "400"],
  [
    "chunks of no size",
    `POST /things HTTP/1.1\r\n${HEAD}Transfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n${SMUGGLED}`,
    "400",
  ],
  [
    "another transfer coding",
    `POST /things HTTP/1.1\r\n${HEAD}Transfer-Encoding: xchunked\r\n\r\n${SMUGGLED}`,
    "400",
  ],
  ["a folded header", `GET /open HTTP/1.1\r\nHost: x\r\nX-A: 1\r\n b\r\n\r\n${SMUGGLED}`, "400"],
  ["no host", `GET /open HTTP/1.1\r\n\r\n${SMUGGLED}`, "400"],
  [
    "a header of 20 KB",
    `GET /open HTTP/1.1\r\nHost: x\r\nX-A: ${"a".repeat(20_000)}\r\n\r\n${SMUGGLED}`,
    "431",
  ],
  ["300 headers", `GET /open HTTP/1.1\r\nHost: x\r\n${"X-A: 1\r\n".repeat(300)}\r\n${SMUGGLED}`, "431"],
  ["no HTTP at all", "\u0016\u0003\u0001hello\r\n\r\n", "400"],
] as const) {
  test(`[HTTP-46] ${what} ends the connection before any route`, async () => {
    const before = server.lines.length;
    const said = await converse(server.http, message);
    expect(said).toStartWith(`HTTP/1.1 ${answer} `);
    expect(said.match(/HTTP\/1\.1/g)).toHaveLength(1);
    const routed = server.lines
      .slice(before)
      .filter((line) => line.route === "/crash" || line.route === "/open");
    expect(routed).toEqual([]);
  });
}

test("[HTTP-46] a malformed Host does not lead a request astray", async () => {
  for (const host of ["a b/c?d", "a/things/top?", "x#/things/top", ""]) {
    const said = await converse(
      server.http,
      `GET /open HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`,
    );
    expect(said).toMatch(/^HTTP\/1\.1 (?:200|400) /);
    if (said.startsWith("HTTP/1.1 200")) expect(said).toContain('{"actor":null}');
  }
});

test("[HTTP-46] a thousand requests at once are each answered", async () => {
  const ids = Array.from({ length: 1000 }, () => crypto.randomUUID());
  const answers = await Promise.all(
    ids.map(async (id) => {
      const url = `${server.http.address()}/things/${id}`;
      return (await (await fetch(url, { headers: { Authorization: "Bearer ada" } })).json()) as {
        id: string;
      };
    }),
  );
  expect(answers.map(({ id }) => id)).toEqual(ids);
});

test("[HTTP-47] what only trickles is cut off, an upload that pauses is not", async () => {
  const own = createHttp({ ...server.deps, metrics: createMetrics(), idleSeconds: 1 });
  own.mount([
    ...thingRoutes(),
    route(
      {
        ...thing,
        access: "public",
        method: "POST",
        path: "/import",
        operationId: "import",
        body: { stream: ["text/plain"] },
      },
      ({ upload }) =>
        upload(async ({ body }) => {
          let bytes = 0;
          for await (const chunk of body) bytes += chunk.length;
          return { status: 202, body: { bytes } };
        }),
    ),
  ]);
  own.useAuthenticator(() => ({ kind: "user", userId: "ada", sessionId: "s", expiresAt: 0 }));
  await own.start();

  const { hostname, port } = new URL(own.address() ?? "");
  const open = (head: string) => {
    const socket = connect(Number(port), hostname);
    const closed = new Promise<string>((resolve) => {
      socket.once("close", () => resolve("cut off"));
      socket.once("error", () => resolve("cut off"));
    });
    socket.write(head);
    return { socket, closed };
  };
  const trickle = async (head: string) => {
    const { socket, closed } = open(head);
    const timer = setInterval(() => socket.write("a"), 100);
    await closed;
    clearInterval(timer);
    return closed;
  };
  const upload = open(
    "POST /import HTTP/1.1\r\nHost: x\r\nContent-Type: text/plain\r\nContent-Length: 10\r\n\r\nhello",
  );
  const post =
    "POST /things HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ada\r\nContent-Length: 100000\r\n\r\n";
  // Bun counts in steps of four seconds: this takes eight to twelve.
  const outcomes = await Promise.all([trickle("GET /open HTTP/1.1\r\nHost: x\r\nX-Slow: "), trickle(post)]);
  expect(outcomes).toEqual(["cut off", "cut off"]);
  const answered = new Promise<string>((resolve) =>
    upload.socket.once("data", (data) => resolve(String(data))),
  );
  upload.socket.write("world");
  expect(await Promise.race([answered, upload.closed])).toContain('{"bytes":10}');
  upload.socket.destroy();
  await own.stop();
}, 60_000);
