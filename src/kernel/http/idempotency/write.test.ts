import { afterAll, beforeAll, beforeEach, expect, test } from "bun:test";
import { z } from "zod";
import { until } from "../../../testing/until.ts";
import { createMetrics } from "../../telemetry/index.ts";
import { createHttp, route } from "../index.ts";
import { openTestHttp, send, type TestHttp, thing, thingErrors, thingRoutes } from "../test-http.ts";
import { purgeIdempotencyKeys } from "./index.ts";

let server: TestHttp;
/** Makes the next runs of POST /gated wait until it is opened. */
let gate = Promise.withResolvers<void>();
let failure: Error | undefined;
let runs = 0;

const gated = z.strictObject({ name: z.string(), note: z.record(z.string(), z.unknown()).optional() });

function routes() {
  const spec = { ...thing, method: "POST", body: gated, isIdempotent: true } as const;
  return [
    ...thingRoutes(),
    route({ ...spec, path: "/gated", operationId: "gated" }, ({ body, write }) =>
      write(
        async (tx) => {
          runs++;
          await tx`INSERT INTO things (name) VALUES (${body.name})`;
          await gate.promise;
          if (failure) throw failure;
          return { status: 201, body: { name: body.name }, headers: { Location: "/here" } };
        },
        { single: true },
      ),
    ),
    route(
      {
        ...spec,
        path: "/things/{id}/parts",
        operationId: "addPart",
        params: z.strictObject({ id: z.string() }),
      },
      ({ write }) => write(async () => ({ status: 204 })),
    ),
    route(
      { ...spec, path: "/queried", operationId: "queried", query: z.strictObject({ mode: z.string() }) },
      ({ write, query }) => write(async () => ({ status: 201, body: { mode: query.mode } })),
    ),
    route({ ...spec, path: "/forgetful", operationId: "forgetful" }, async () => ({ status: 201, body: {} })),
    route({ ...spec, path: "/twice", operationId: "twice" }, async ({ write }) => {
      await write(async () => ({ status: 201, body: { first: true } }));
      return write(async () => ({ status: 201, body: { second: true } }));
    }),
  ];
}

beforeAll(async () => {
  server = await openTestHttp(routes);
});
afterAll(() => server.close());
beforeEach(async () => {
  gate = Promise.withResolvers();
  gate.resolve();
  failure = undefined;
  runs = 0;
  await server.db.sql`TRUNCATE things, idempotency_keys`;
});

const post = (key: string, body: unknown, path = "/gated", as = "ada") =>
  send(server.http, "POST", path, { as, body, headers: { "Idempotency-Key": key } });
const count = async (table: string) =>
  Number((await server.db.sql.unsafe<{ n: string }>(`SELECT count(*) AS n FROM ${table}`))[0]?.n);

test("[HTTP-31] the same key and body again give the same answer, and the thing is made once", async () => {
  const body = { name: "a", note: { b: [1, { c: null }], 10: "x", 9: "y" } };
  const first = await post("k", body);
  const second = await post("k", body);
  expect([first.status, first.headers.has("idempotency-replayed")]).toEqual([201, false]);
  expect([second.status, second.headers.get("idempotency-replayed")]).toEqual([201, "true"]);
  expect(second.text).toBe(first.text);
  expect(second.headers.get("location")).toBe("/here");
  expect([runs, await count("things")]).toEqual([1, 1]);
});

test("[HTTP-31] an answer without a body is replayed without one", async () => {
  const path = "/things/1/parts";
  const [first, second] = [await post("k", { name: "a" }, path), await post("k", { name: "a" }, path)];
  expect([first.status, second.status, second.text]).toEqual([204, 204, ""]);
  expect(second.headers.get("idempotency-replayed")).toBe("true");
});

test("[HTTP-31] without a key the same request is another thing", async () => {
  const withoutKey = () => send(server.http, "POST", "/things", { as: "ada", body: { name: "a" } });
  expect([(await withoutKey()).status, (await withoutKey()).status]).toEqual([201, 409]);
});

test("[HTTP-31] a handler that does not write under its key is our mistake, seen at once", async () => {
  for (const path of ["/forgetful", "/twice"]) {
    expect((await post("k", { name: "a" }, path)).status).toBe(500);
    expect((await send(server.http, "POST", "/forgetful", { as: "ada", body: { name: "a" } })).status).toBe(
      201,
    );
  }
});

for (const [what, body, path] of [
  ["another value", { name: "b" }, "/gated"],
  ["one member more", { name: "a", note: {} }, "/gated"],
  ["a text in place of a number", { name: "a", note: { n: "1" } }, "/gated"],
] as const) {
  test(`[HTTP-32] the same key with ${what} is refused`, async () => {
    await post("k", what.startsWith("a text") ? { name: "a", note: { n: 1 } } : { name: "a" });
    const answer = await post("k", body, path);
    expect([answer.status, answer.body.code]).toEqual([422, "IDEMPOTENCY_KEY_REUSED"]);
    expect(await count("things")).toBe(1);
  });
}

test("[HTTP-32] the same key with another query is refused", async () => {
  await post("k", { name: "a" }, "/queried?mode=draft");
  const answer = await post("k", { name: "a" }, "/queried?mode=final");
  expect([answer.status, answer.body.code]).toEqual([422, "IDEMPOTENCY_KEY_REUSED"]);
});

test("[HTTP-32] the order of members and white space do not make another body", async () => {
  await post("k", '{"name":"a","note":{"x":1,"y":[1,2]}}');
  const answer = await post("k", ' { "note" : {"y":[1, 2],"x":1.0},\n"name":"\\u0061" } ');
  expect([answer.status, answer.headers.get("idempotency-replayed")]).toEqual([201, "true"]);
});

test("[HTTP-32] the order of a list does", async () => {
  await post("k", { name: "a", note: { x: [1, 2] } });
  expect((await post("k", { name: "a", note: { x: [2, 1] } })).status).toBe(422);
});

test("[HTTP-33] while the first runs the others are told to come back", async () => {
  gate = Promise.withResolvers();
  const first = post("k", { name: "a" });
  await until("the first runs", () => runs === 1);
  for (const answer of await Promise.all([post("k", { name: "a" }), post("k", { name: "other" })])) {
    expect([answer.status, answer.body.code]).toEqual([409, "IDEMPOTENCY_IN_PROGRESS"]);
    expect(answer.headers.get("retry-after")).toBe("1");
  }
  gate.resolve();
  expect((await first).status).toBe(201);
  expect((await post("k", { name: "a" })).headers.get("idempotency-replayed")).toBe("true");
  expect(runs).toBe(1);
});

test("[HTTP-33] of a hundred at once one runs, on two processes too", async () => {
  const other = createHttp({ ...server.deps, metrics: createMetrics() });
  other.useAuthenticator(() => ({ kind: "user", userId: "ada", sessionId: "s", expiresAt: 0 }));
  other.mount(routes());
  const answers = await Promise.all(
    Array.from({ length: 100 }, (_, n) =>
      send(n % 2 ? server.http : other, "POST", "/gated", {
        as: "ada",
        body: { name: "a" },
        headers: { "Idempotency-Key": "k" },
      }),
    ),
  );
  expect([runs, await count("things"), await count("idempotency_keys")]).toEqual([1, 1, 1]);
  const fresh = answers.filter(
    ({ status, headers }) => status === 201 && !headers.has("idempotency-replayed"),
  );
  expect(fresh).toHaveLength(1);
  for (const { status } of answers) expect([201, 409]).toContain(status);
});

test("[HTTP-34] a refusal is not kept: the same key succeeds once its reason is gone", async () => {
  failure = thingErrors.THING_TAKEN();
  expect((await post("k", { name: "a" })).status).toBe(409);
  expect([await count("things"), await count("idempotency_keys")]).toEqual([0, 0]);
  failure = undefined;
  const answer = await post("k", { name: "a" });
  expect([answer.status, answer.headers.has("idempotency-replayed")]).toEqual([201, false]);
});

test("[HTTP-34] a crash keeps neither thing nor key", async () => {
  failure = new Error("crash");
  expect((await post("k", { name: "a" })).status).toBe(500);
  expect([await count("things"), await count("idempotency_keys")]).toEqual([0, 0]);
});

test("[HTTP-34] a server that loses its database in the middle keeps neither thing nor key", async () => {
  gate = Promise.withResolvers();
  const first = post("k", { name: "a" });
  await until("the first runs", () => runs === 1);
  // The connection that has inserted and waits; what a crash of this process would end as well.
  await server.db.longSql`
    SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE datname = current_database() AND state = 'idle in transaction'`;
  gate.resolve();
  expect([(await first).status, (await first).body.code]).toEqual([503, "DATABASE_UNAVAILABLE"]);
  expect([await count("things"), await count("idempotency_keys")]).toEqual([0, 0]);
  expect((await post("k", { name: "a" })).status).toBe(201);
});

test("[HTTP-34] a validation error is not kept, and another body may follow", async () => {
  expect((await post("k", { name: 1 })).status).toBe(422);
  expect((await post("k", { name: "a" })).status).toBe(201);
});

test("[HTTP-35] the same key of another caller, at another address, is another key", async () => {
  await post("k", { name: "a" });
  expect((await post("k", { name: "b" }, "/gated", "bob")).status).toBe(201);
  expect((await post("k", { name: "c" }, "/things")).status).toBe(201);
  expect((await post("k", { name: "d" }, "/things/1/parts")).status).toBe(204);
  expect((await post("k", { name: "e" }, "/things/2/parts")).status).toBe(204);
  expect(await count("idempotency_keys")).toBe(5);
});

test("[HTTP-35] two sessions of one caller share their keys", async () => {
  await post("k", { name: "a" }, "/gated", "ada.phone");
  const answer = await post("k", { name: "a" }, "/gated", "ada.laptop");
  expect(answer.headers.get("idempotency-replayed")).toBe("true");
});

test("[HTTP-35] no joining of caller, path and key makes two of them one", async () => {
  await post("c", { name: "a" }, "/gated", "a~b");
  expect((await post("b/c", { name: "b" }, "/gated", "a~")).headers.has("idempotency-replayed")).toBe(false);
});

for (const key of [
  "a",
  "x".repeat(255),
  "order-placed:user-123:order-456",
  "!#$%&'()*+,-./:;<=>?@[]^_`{|}~\\",
  `"${"x".repeat(255)}"`,
  '"with space"',
  '"a\\"b\\\\c"',
]) {
  test(`[HTTP-36] ${key.slice(0, 40)} is a key`, async () => {
    expect((await post(key, { name: "a" })).status).toBe(201);
    expect((await post(key, { name: "a" })).headers.get("idempotency-replayed")).toBe("true");
  });
}

for (const key of [
  "",
  "x".repeat(256),
  `"${"x".repeat(256)}"`,
  "with space",
  "café",
  '""',
  '"open',
  '"a"b"',
  '"a\\b"',
]) {
  test(`[HTTP-36] ${JSON.stringify(key.slice(0, 40))} is none`, async () => {
    const answer = await post(key, { name: "a" });
    expect([answer.status, answer.body.code]).toEqual([400, "IDEMPOTENCY_KEY_INVALID"]);
  });
}

test("[HTTP-36] a key in quotes is the same as without", async () => {
  await post("abc", { name: "a" });
  expect((await post('"abc"', { name: "a" })).headers.get("idempotency-replayed")).toBe("true");
});

test("[HTTP-36] two keys are none", async () => {
  const headers = new Headers([
    ["Idempotency-Key", "a"],
    ["Idempotency-Key", "b"],
    ["Authorization", "Bearer ada"],
    ["Content-Type", "application/json"],
  ]);
  const request = new Request("http://stoa.test/gated", { method: "POST", headers, body: '{"name":"a"}' });
  expect((await server.http.fetch(request)).status).toBe(400);
});

test("[HTTP-37] an answer is kept for a day", async () => {
  await post("k", { name: "a" });
  const [row] = await server.db.sql<{ hours: number }>`
    SELECT (extract(epoch FROM expires_at - now()) / 3600)::float8 AS hours FROM idempotency_keys`;
  expect(row?.hours).toBeWithin(23.9, 24.1);
});

test("[HTTP-37] afterwards the key is free, whether the row has been removed or not", async () => {
  await post("k", { name: "a" });
  await server.db.sql`UPDATE idempotency_keys SET expires_at = now() - interval '1 second'`;
  const answer = await post("k", { name: "b" });
  expect([answer.status, answer.headers.has("idempotency-replayed")]).toEqual([201, false]);
  expect((await post("k", { name: "b" })).headers.get("idempotency-replayed")).toBe("true");
});

test("[HTTP-37] rows that have ended are removed, however many, and no others", async () => {
  await post("k", { name: "a" });
  await server.db.sql`
    INSERT INTO idempotency_keys (id, expires_at, fingerprint, status)
    SELECT decode(md5(n::text), 'hex'), now() - interval '1 minute', '\\x00', 204 FROM generate_series(1, 2500) n`;
  const removed = await Promise.all([purgeIdempotencyKeys(server.db), purgeIdempotencyKeys(server.db)]);
  expect(removed[0] + removed[1]).toBe(2500);
  expect(await count("idempotency_keys")).toBe(1);
});
