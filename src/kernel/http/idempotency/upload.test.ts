import { afterAll, beforeAll, beforeEach, expect, test } from "bun:test";
import { bestOf } from "../../../testing/best-of.ts";
import { until } from "../../../testing/until.ts";
import { silentLogger } from "../../telemetry/index.ts";
import { route } from "../index.ts";
import { converse, openTestHttp, send, type TestHttp, thing } from "../test-http.ts";
import { watchedBody } from "../watched-body.ts";
import { keyedUpload } from "./index.ts";

let server: TestHttp;
let runs = 0;
let failure: Error | undefined;
let readBytes = 0;
let lastError: unknown;
/** What a slow import waits for before each piece it reads. */
let gate = Promise.withResolvers<void>();

beforeAll(async () => {
  server = await openTestHttp((db) => [
    route(
      {
        ...thing,
        method: "POST",
        path: "/import",
        operationId: "importThings",
        body: { stream: ["text/plain", "text/csv"] },
        isIdempotent: true,
      },
      ({ upload }) =>
        upload(async ({ body, finish }) => {
          runs++;
          readBytes = 0;
          try {
            for await (const chunk of body) {
              readBytes += chunk.length;
              await gate.promise;
            }
          } catch (error) {
            lastError = error;
            throw error;
          }
          if (failure) throw failure;
          return db.transaction(async (tx) => {
            await tx`INSERT INTO things (name) VALUES (${crypto.randomUUID()})`;
            return finish(tx, { status: 202, body: { bytes: readBytes } });
          });
        }),
    ),
    route(
      {
        ...thing,
        method: "POST",
        path: "/unfinished",
        operationId: "unfinished",
        body: { stream: ["text/plain"] },
        isIdempotent: true,
      },
      ({ upload }) => upload(async ({ finish }) => db.transaction((tx) => finish(tx, { status: 202 }))),
    ),
  ]);
  await server.http.start();
});
afterAll(() => server.close());
beforeEach(async () => {
  gate = Promise.withResolvers();
  gate.resolve();
  failure = undefined;
  lastError = undefined;
  runs = 0;
  await server.db.sql`TRUNCATE things, idempotency_keys`;
});

const TEXT = "first paragraph\n\nsecond paragraph\n";
const upload = (key: string | undefined, body: unknown, { path = "/import", type = "text/plain" } = {}) =>
  send(server.http, "POST", path, {
    as: "ada",
    body,
    headers: { "Content-Type": type, ...(key === undefined ? {} : { "Idempotency-Key": key }) },
  });
const things = async () => (await server.db.sql`SELECT 1 FROM things`).length;
const keys = () => server.db.sql<{ holder: string | null }>`SELECT holder FROM idempotency_keys`;

/** A body that is sent piece by piece, by hand. */
function sending() {
  let controller: ReadableStreamDefaultController<Uint8Array> | undefined;
  const stream = new ReadableStream<Uint8Array>({
    start(given) {
      controller = given;
    },
  });
  return {
    stream,
    send: (text: string) => controller?.enqueue(Buffer.from(text)),
    end: () => controller?.close(),
    cut: () => controller?.error(new Error("connection reset")),
  };
}

test("[HTTP-38] an upload without a key is read and answered, each time anew", async () => {
  for (const _ of [1, 2]) {
    const answer = await upload(undefined, TEXT);
    expect([answer.status, answer.body]).toEqual([202, { bytes: TEXT.length }]);
  }
  expect([await things(), (await keys()).length]).toEqual([2, 0]);
});

test("[HTTP-38] an empty body is an upload of nothing", async () => {
  expect((await upload("k", "")).body).toEqual({ bytes: 0 });
});

test("[HTTP-38] 800 MB go through in the memory that 100 MB take", async () => {
  const piece = Buffer.alloc(1 << 20, "word ");
  const send = async (pieces: number, key: string) => {
    const length = pieces * piece.length;
    const head =
      "POST /import HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ada\r\nContent-Type: text/plain\r\n" +
      `Idempotency-Key: ${key}\r\nConnection: close\r\nContent-Length: ${length}\r\n\r\n`;
    const body = Array.from({ length: pieces }, () => piece);
    const answer = await converse(server.http, head, body);
    expect(answer).toStartWith("HTTP/1.1 202 ");
    expect(answer).toContain(`{"bytes":${length}}`);
  };
  // What the allocator takes once and keeps is taken by the first.
  await send(100, "smaller");
  const grownBytes = await bestOf(300_000_000, async (round) => {
    const before = process.memoryUsage.rss();
    await send(800, `larger-${round}`);
    return process.memoryUsage.rss() - before;
  });
  // What was kept of the body would be 700 MB more; what the allocator of a long test run leaves behind is far less.
  expect(grownBytes).toBeLessThan(300_000_000);
});

test("[HTTP-38] the sender waits for a handler that reads slowly", async () => {
  gate = Promise.withResolvers();
  const piece = Buffer.alloc(1 << 20);
  let taken = 0;
  const body = new ReadableStream<Uint8Array>(
    {
      pull(controller) {
        if (taken === 50) return controller.close();
        taken++;
        controller.enqueue(piece);
      },
    },
    { highWaterMark: 0 },
  );
  const answer = upload("k", body);
  await until("the first piece is read", () => readBytes > 0);
  // Whoever reads ahead has had every occasion to.
  for (let turn = 0; turn < 50; turn++) await new Promise((resolve) => setImmediate(resolve));
  expect(taken).toBeLessThan(5);
  gate.resolve();
  expect((await answer).body).toEqual({ bytes: 50 * piece.length });
});

test("[HTTP-38] a cut connection is an error to the reader, not the end of the body", async () => {
  const head =
    "POST /import HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ada\r\nContent-Type: text/plain\r\n" +
    "Idempotency-Key: cut\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n";
  const { hostname, port } = new URL(server.http.address() ?? "");
  const socket = await Bun.connect({ hostname, port: Number(port), socket: { data() {} } });
  socket.write(head);
  await until("the piece is read", () => readBytes === 5);
  socket.terminate();
  await until("the reader fails", () => lastError !== undefined);
  await until("the key is free", async () => (await keys()).length === 0);
  expect(await things()).toBe(0);
});

test("[HTTP-38] a sender that falls silent is given up", async () => {
  const { stream, send: sendPiece } = sending();
  const request = new Request("http://stoa.test/", { method: "POST", body: stream });
  const reader = watchedBody(request, 20).getReader();
  sendPiece("hello");
  expect(Buffer.from((await reader.read()).value ?? "").toString()).toBe("hello");
  expect(reader.read()).rejects.toMatchObject({ code: "BODY_TOO_SLOW", status: 408 });
});

/** Reads all of a body that comes in pieces of one size, one every few milliseconds. */
async function readTrickle(options: { bytes: number; everyMs: number; pieces: number; silenceMs: number }) {
  let left = options.pieces;
  let timer: ReturnType<typeof setInterval>;
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      timer = setInterval(() => {
        if (left-- > 0) return controller.enqueue(new Uint8Array(options.bytes));
        clearInterval(timer);
        controller.close();
      }, options.everyMs);
    },
  });
  let bytes = 0;
  const request = new Request("http://stoa.test/", { method: "POST", body });
  for await (const chunk of watchedBody(request, options.silenceMs)) bytes += chunk.length;
  return bytes;
}

test("[HTTP-38] a sender that only trickles is given up too", async () => {
  const trickle = readTrickle({ bytes: 1, everyMs: 5, pieces: 200, silenceMs: 100 });
  expect(trickle).rejects.toMatchObject({ code: "BODY_TOO_SLOW" });
  await trickle.catch(() => {});
});

test("[HTTP-38] one that is merely slow is not, however long it takes", async () => {
  // The whole takes longer than the silence that is borne, each piece far less.
  const slow = { bytes: 1024, everyMs: 50, pieces: 80, silenceMs: 3_000 };
  expect(await readTrickle(slow)).toBe(80 * 1024);
});

for (const type of ["application/json", "text/html", "application/octet-stream"]) {
  test(`[HTTP-38] ${type} is not taken where it is not described`, async () => {
    const answer = await upload("k", TEXT, { type });
    expect([answer.status, answer.headers.get("accept")]).toEqual([415, "text/plain, text/csv"]);
  });
}

test("[HTTP-39] the same key and bytes again give the stored answer", async () => {
  const first = await upload("k", TEXT);
  const again = await upload("k", new Blob([TEXT.slice(0, 7), TEXT.slice(7)]).stream());
  expect([again.status, again.text, again.headers.get("idempotency-replayed")]).toEqual([
    202,
    first.text,
    "true",
  ]);
  expect([runs, await things()]).toEqual([1, 1]);
});

for (const [what, body, options] of [
  ["one byte more", `${TEXT}\n`, {}],
  ["one byte less", TEXT.slice(0, -1), {}],
  ["other bytes", TEXT.toUpperCase(), {}],
  ["another type", TEXT, { type: "text/csv" }],
] as const) {
  test(`[HTTP-39] the same key with ${what} is refused`, async () => {
    await upload("k", TEXT);
    const answer = await upload("k", body, options);
    expect([answer.status, answer.body.code]).toEqual([422, "IDEMPOTENCY_KEY_REUSED"]);
    expect(await things()).toBe(1);
  });
}

test("[HTTP-39] while it runs, others with the key are told to come back without being read", async () => {
  const { stream, send: sendPiece, end } = sending();
  const first = upload("k", stream);
  sendPiece("hello");
  await until("the first runs", () => readBytes === 5);
  const unread = sending();
  const second = await upload("k", unread.stream);
  expect([second.status, second.body.code, second.headers.get("retry-after")]).toEqual([
    409,
    "IDEMPOTENCY_IN_PROGRESS",
    "1",
  ]);
  end();
  expect((await first).body).toEqual({ bytes: 5 });
  expect((await upload("k", "hello")).headers.get("idempotency-replayed")).toBe("true");
});

test("[HTTP-39] of twenty at once one runs", async () => {
  const answers = await Promise.all(Array.from({ length: 20 }, () => upload("k", TEXT)));
  expect([runs, await things()]).toEqual([1, 1]);
  for (const { status } of answers) expect([202, 409]).toContain(status);
});

test("[HTTP-39] a key that wrote and one that uploads are told apart by their address", async () => {
  await upload("k", TEXT);
  const other = await upload("k", TEXT, { path: "/unfinished" });
  expect(other.headers.has("idempotency-replayed")).toBe(false);
});

test("[HTTP-40] an upload that fails frees its key", async () => {
  failure = new Error("crash");
  expect((await upload("k", TEXT)).status).toBe(500);
  expect(await keys()).toEqual([]);
  failure = undefined;
  expect((await upload("k", TEXT)).status).toBe(202);
});

test("[HTTP-40] a finish before the body's end is our mistake and frees the key", async () => {
  const answer = await upload("k", TEXT, { path: "/unfinished" });
  expect([answer.status, await keys()]).toEqual([500, []]);
});

test("[HTTP-40] when the lease of a dead process ends its key is free, and the dead changes nothing", async () => {
  const { stream, send: sendPiece, end } = sending();
  const dead = upload("k", stream);
  sendPiece("hello");
  await until("it runs", () => readBytes === 5);
  expect((await keys())[0]?.holder).not.toBeNull();
  await server.db.sql`UPDATE idempotency_keys SET expires_at = now() - interval '1 second'`;
  const next = await upload("k", TEXT);
  expect([next.status, next.body]).toEqual([202, { bytes: TEXT.length }]);
  end();
  expect([(await dead).status, (await dead).body.code]).toEqual([409, "IDEMPOTENCY_IN_PROGRESS"]);
  expect(await things()).toBe(1);
  expect((await upload("k", TEXT)).headers.get("idempotency-replayed")).toBe("true");
});

test("[HTTP-40] an upload that lives keeps its key beyond the first lease", async () => {
  const { stream, end } = sending();
  const idempotent = {
    caller: "user:ada",
    method: "POST",
    path: "/x",
    query: "",
    key: "k",
    type: "text/plain",
  };
  const holding = { db: server.db, log: silentLogger, idempotent, leaseMs: 3000 };
  const running = keyedUpload({ ...holding, body: stream }, async ({ body, finish }) => {
    for await (const _ of body);
    return server.db.transaction((tx) => finish(tx, { status: 202 }));
  });
  const lease = async () =>
    (await server.db.sql<{ ends: Date }>`SELECT expires_at AS ends FROM idempotency_keys`)[0];
  const first = await until("the key is taken", lease);
  await until("the first lease is over", async () => {
    const [row] = await server.db.sql<{ over: boolean }>`SELECT clock_timestamp() > ${first.ends} AS over`;
    return row?.over;
  });
  await until("a later one", async () => ((await lease())?.ends ?? first.ends) > first.ends);
  const second = keyedUpload({ ...holding, body: sending().stream }, async () => ({ status: 500 }));
  expect(second).rejects.toMatchObject({ code: "IDEMPOTENCY_IN_PROGRESS" });
  end();
  expect((await running).status).toBe(202);
});
