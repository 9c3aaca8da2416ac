import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { bestOf } from "../../testing/best-of.ts";
import { startTestPostgres, type TestPostgres, testUrl } from "../../testing/postgres.ts";
import { descendants } from "../../testing/processes.ts";
import { until } from "../../testing/until.ts";
import { type Database, isDatabaseAway, isDatabaseBusy, openDatabase } from "./index.ts";

setDefaultTimeout(120_000);

let server: TestPostgres;
let db: Database;
let heard: string[] = [];
let readyCount = 0;

beforeAll(async () => {
  server = await startTestPostgres();
  const { socketDir } = server;
  db = openDatabase({ url: testUrl("postgres"), socketDir, poolSize: 3, applicationName: "test" });
  await db.sql`CREATE TABLE notes (n int)`;
  await db.listen(
    "news",
    (payload) => heard.push(payload),
    () => readyCount++,
  );
});
afterAll(async () => {
  await db.close();
  await server.stop();
});

/** How a call ended and after how long. */
async function attempt(
  call: PromiseLike<unknown>,
): Promise<{ outcome: "done" | "refused" | unknown; ms: number }> {
  const startedMs = performance.now();
  const outcome = await call.then(
    () => "done",
    (error: unknown) => (isDatabaseAway(error) || isDatabaseBusy(error) ? "refused" : error),
  );
  return { outcome, ms: performance.now() - startedMs };
}

const write = () => db.transaction(async (tx) => void (await tx`INSERT INTO notes VALUES (1)`));

test("[DB-7] calls are refused at once while the server is gone; then pools and LISTEN come back by themselves", async () => {
  const slowestMs = await bestOf(1_000, async () => {
    const pid = server.pid() ?? 0;
    process.kill(pid, "SIGKILL");
    const refused: number[] = [];
    await until("the server is back", async () => {
      const [read, written] = await Promise.all([attempt(db.sql`SELECT 1`), attempt(write())]);
      for (const { outcome, ms } of [read, written]) {
        expect(outcome).toBeOneOf(["done", "refused"]);
        if (outcome === "refused") refused.push(ms);
      }
      return server.pid() !== pid && read.outcome === "done" && written.outcome === "done";
    });
    expect(refused.length).toBeGreaterThan(0);
    return Math.max(...refused);
  });
  expect(slowestMs).toBeLessThan(1_000);

  await until("LISTEN is back", () => readyCount >= 2);
  heard = [];
  await db.sql`SELECT pg_notify('news', 'after')`;
  await until("the notification", () => heard.includes("after"));
});

test("[DB-8] a server that hangs holds nobody up for long, and is used again when it answers", async () => {
  const stopped = descendants(server.pid() ?? 0);
  for (const pid of stopped) process.kill(pid, "SIGSTOP");
  try {
    const first = await Promise.all([
      attempt(db.sql`SELECT 1`),
      attempt(write()),
      attempt(db.longSql`SELECT 1`),
    ]);
    for (const { outcome, ms } of first) {
      expect(outcome).toBe("refused");
      expect(ms).toBeLessThan(20_000);
    }
    const laterMs = await bestOf(100, async () => {
      const { outcome, ms } = await attempt(db.sql`SELECT 1`);
      expect(outcome).toBe("refused");
      return ms;
    });
    expect(laterMs).toBeLessThan(100);
    const pingedMs = await bestOf(1_000, async () => {
      const { outcome, ms } = await attempt(db.ping(200));
      expect(outcome).not.toBe("done");
      return ms;
    });
    expect(pingedMs).toBeLessThan(1_000);
  } finally {
    for (const pid of stopped) process.kill(pid, "SIGCONT");
  }
  await until("the server answers", async () => (await attempt(db.sql`SELECT 1`)).outcome === "done");
  expect((await attempt(write())).outcome).toBe("done");
  heard = [];
  await until("LISTEN works", async () => {
    await db.sql`SELECT pg_notify('news', 'awake')`;
    return heard.includes("awake");
  });
});
