import { afterAll, beforeAll, expect, test } from "bun:test";
import { kernelMigrations } from "../../kernel/create-kernel.ts";
import { migrate } from "../../kernel/db/index.ts";
import { createMetrics } from "../../kernel/telemetry/index.ts";
import { openTestDatabase, type TestDatabase } from "../../testing/database.ts";
import { createTestKernel, type TestKernel } from "../../testing/kernel.ts";
import { startTestPostgres } from "../../testing/postgres.ts";
import { createOps } from "./index.ts";

let db: TestDatabase;
let kernel: TestKernel;
let others: object[][] = [];
/** A kernel whose PostgreSQL has been stopped after it was ready. */
let lonely: TestKernel;
beforeAll(async () => {
  const postgres = await startTestPostgres();
  lonely = createTestKernel(await openTestDatabase([], postgres));
  createOps(lonely, []);
  expect((await get("/ready", lonely)).status).toBe(200);
  await postgres.stop();
  db = await openTestDatabase();
  kernel = createTestKernel(db);
  createOps({ ...kernel, metricsOfOthers: async () => others }, kernelMigrations);
});
afterAll(() => Promise.all([db.close(), lonely.db.close()]));

const get = (path: string, from: TestKernel = kernel) =>
  from.http.fetch(new Request(`http://stoa.test${path}`));

test("[OPS-2] before the tables are there it is not ready, and says why; afterwards it is", async () => {
  const before = await get("/ready");
  expect(before.status).toBe(503);
  expect(before.headers.get("retry-after")).toBe("2");
  expect(await before.json()).toEqual({
    status: "not ready",
    checks: { database: "ok", migrations: "failed", server: "ok" },
  });
  await migrate(db, kernelMigrations);
  const after = await get("/ready");
  expect(after.status).toBe(200);
  expect(await after.json()).toEqual({
    status: "ready",
    checks: { database: "ok", migrations: "ok", server: "ok" },
  });
});

test("[OPS-1] it is alive whatever the database does", async () => {
  const answer = await get("/health");
  expect([answer.status, await answer.json()]).toEqual([200, { status: "ok" }]);
  expect((await get("/health", lonely)).status).toBe(200);
});

test("[OPS-2] without the database it is not ready", async () => {
  const answer = await get("/ready", lonely);
  expect([answer.status, ((await answer.json()) as { checks: object }).checks]).toEqual([
    503,
    { database: "failed", migrations: "ok", server: "ok" },
  ]);
});

test("[OPS-2] a server that stops is not ready", async () => {
  const own = await openTestDatabase();
  const stopping = createTestKernel(own);
  createOps(stopping, []);
  await stopping.http.stop();
  const answer = await get("/ready", stopping);
  expect([answer.status, ((await answer.json()) as { checks: object }).checks]).toEqual([
    503,
    { database: "ok", migrations: "ok", server: "failed" },
  ]);
  await own.close();
});

test("[OPS-3] the metrics of all processes are one text", async () => {
  const child = createMetrics();
  child.counter("stoa_things_total", "Things.").add({}, 3);
  kernel.metrics.counter("stoa_things_total", "Things.").add({}, 4);
  others = [await child.snapshot()];
  const answer = await get("/metrics");
  expect(answer.headers.get("content-type")).toBe("text/plain; version=0.0.4; charset=utf-8");
  const text = await answer.text();
  expect(text).toContain("stoa_things_total 7");
  expect(text).toContain("stoa_http_request_duration_seconds_count");
  expect(text).toContain('process_resident_memory_bytes{process="stoa"}');
  // Every line is a comment, empty, or name{labels} value.
  for (const line of text.split("\n")) {
    expect(line).toMatch(/^(?:#.*|[a-z_]+(?:\{.*\})? -?[\d.e+-]+(?:Inf)?)?$/);
  }
});

test("[OPS-3] the metrics are shown while the database is away", async () => {
  const text = await (await get("/metrics", lonely)).text();
  expect(text).toContain("stoa_database_up 0");
  expect(text).toContain("process_resident_memory_bytes");
  expect(text).not.toMatch(/^stoa_database_size_bytes /m);
});

test("[OPS-4] the database's connections and size are shown", async () => {
  const text = await (await get("/metrics")).text();
  expect(text).toContain("stoa_database_up 1");
  expect(text).toMatch(/^stoa_database_connections\{application="test",state="\w+"\} [1-9]/m);
  expect(Number(/^stoa_database_size_bytes (\d+)/m.exec(text)?.[1])).toBeGreaterThan(1_000_000);
});

test("[OPS-4] a second process does not count the one database again", async () => {
  others = [await kernel.metrics.snapshot()];
  const text = await (await get("/metrics")).text();
  expect(text).toContain("stoa_database_up 1");
});

test("[OPS-5] the front page leads to the API's description and loads nothing from elsewhere", async () => {
  const answer = await get("/");
  expect(answer.headers.get("content-type")).toBe("text/html; charset=utf-8");
  const policy = answer.headers.get("content-security-policy") ?? "";
  expect(policy).toContain("default-src 'none'");
  expect(policy).toContain("script-src 'none'");
  const html = await answer.text();
  expect(html).toContain('href="/docs"');
  expect(html).toContain("http://stoa.test/api/v1/auth/signup");
  const loaded = [...html.matchAll(/(?:<link[^>]*href|src)="([^"]+)"/g)].map((match) => match[1] ?? "");
  expect(loaded.length).toBeGreaterThan(0);
  for (const path of loaded) expect((await get(path)).status).toBe(200);
});

test("[OPS-5] a hostile Host does not get into the page", async () => {
  const html = await (await kernel.http.fetch(new Request("http://x'onload=alert(1)/"))).text();
  expect(html).not.toContain("x'onload");
});

for (const path of ["/health", "/ready", "/metrics", "/"]) {
  test(`[OPS-6] ${path} minds neither parameters nor tokens`, async () => {
    const headers = { Authorization: "Bearer nonsense" };
    const answer = await kernel.http.fetch(
      new Request(`http://stoa.test${path}?now=1&probe=a%20b`, { headers }),
    );
    expect(answer.status).toBe(200);
  });
}
