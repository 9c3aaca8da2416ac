import { afterAll, beforeAll, expect, test } from "bun:test";
import { openAgain, openTestDatabase, type TestDatabase } from "../../testing/database.ts";
import { until } from "../../testing/until.ts";
import { silentLogger } from "../telemetry/index.ts";
import { type Bus, createBus } from "./index.ts";
import { testBus } from "./testing/contract.ts";

testBus(async () => {
  const db = await openTestDatabase();
  const opened: TestDatabase[] = [db];
  return {
    name: "PostgreSQL",
    create() {
      const own = openAgain(db);
      opened.push(own);
      return createBus({ db: own, log: silentLogger });
    },
    async cut() {
      await db.sql`
        SELECT pg_terminate_backend(pid) FROM pg_stat_activity
        WHERE datname = current_database() AND pid <> pg_backend_pid()`;
    },
    async close() {
      await Promise.all(opened.map((each) => each.close()));
    },
  };
});

let db: TestDatabase;
let bus: Bus;
beforeAll(async () => {
  db = await openTestDatabase();
  bus = createBus({ db, log: silentLogger });
  await bus.start();
});
afterAll(async () => {
  await bus.stop();
  await db.close();
});

test("[BUS-6] what a transaction publishes is heard while it is still open, and also when it is rolled back", async () => {
  const heard: unknown[] = [];
  bus.subscribe("early", (message) => heard.push(message));
  const failed = db.transaction(async (tx) => {
    await tx`SELECT 1`;
    bus.publish("early", 1);
    await until("the message", () => heard.length === 1);
    throw new Error("rolled back");
  });
  await expect(failed).rejects.toThrow("rolled back");
  expect(heard).toEqual([1]);
});

test("[BUS-6] a burst of messages costs a few notifications", async () => {
  let statements = 0;
  // Counted on their way to the database.
  const sql = (...args: Parameters<typeof db.sql>) => {
    statements++;
    return db.sql(...args);
  };
  const counting = createBus({ db: { ...db, sql: Object.assign(sql, db.sql) }, log: silentLogger });
  const heard: unknown[] = [];
  bus.subscribe("burst", (message) => heard.push(message));
  for (let n = 0; n < 1000; n++) counting.publish("burst", n);
  await until("all of them", () => heard.length === 1000);
  expect(statements).toBe(1);
  await counting.stop();
});

test("[BUS-3] what else is written to its channel is passed over", async () => {
  await db.sql`SELECT pg_notify('stoa_bus', 'not ours')`;
  const heard: unknown[] = [];
  bus.subscribe("after", (message) => heard.push(message));
  bus.publish("after", 1);
  await until("the message behind it", () => heard.length === 1);
});
