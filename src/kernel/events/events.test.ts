import { afterAll, beforeAll, expect, test } from "bun:test";
import { openTestDatabase, type TestDatabase } from "../../testing/database.ts";
import { newId } from "../ids/index.ts";
import { silentLogger } from "../telemetry/index.ts";
import { createEvents, type Events, eventMigrations, type NewEvent } from "./index.ts";

let db: TestDatabase;
let events: Events;

beforeAll(async () => {
  db = await openTestDatabase([eventMigrations]);
  await db.sql`CREATE TABLE facts (n int)`;
  events = createEvents({ db, log: silentLogger, retentionDays: 30 });
  await events.start();
});
afterAll(async () => {
  await events.stop();
  await db.close();
});

async function openLog(): Promise<string> {
  const projectId = newId();
  await db.single((tx) => events.open(tx, projectId));
  return projectId;
}

function change(projectId: string, data: Record<string, unknown> = {}): NewEvent {
  return { projectId, event: "post.created", actorId: newId(), subject: newId(), data };
}

function append(projectId: string, data: Record<string, unknown> = {}): Promise<number> {
  return db.single((tx) => events.append(tx, change(projectId, data)));
}

test("[EVT-1] an event takes the next number, also several in one transaction", async () => {
  const projectId = await openLog();
  expect(await append(projectId)).toBe(1);
  const pair = await db.transaction(async (tx) => [
    await events.append(tx, change(projectId)),
    await events.append(tx, change(projectId)),
  ]);
  expect(pair).toEqual([2, 3]);
});

test("[EVT-3] a transaction that is rolled back leaves no event and gives its number back", async () => {
  const projectId = await openLog();
  await append(projectId);
  const failed = db.transaction(async (tx) => {
    await tx`INSERT INTO facts VALUES (1)`;
    expect(await events.append(tx, change(projectId))).toBe(2);
    throw new Error("changed my mind");
  });
  await expect(failed).rejects.toThrow("changed my mind");
  expect(await append(projectId)).toBe(2);
  expect(await db.sql`SELECT n FROM facts`).toHaveLength(0);
});

test("[EVT-3] in one statement the fact and its event stand or fall together", async () => {
  const projectId = await openLog();
  const [row] = await db.sql<{ seq: string }>`
    WITH fact AS (INSERT INTO facts VALUES (2) RETURNING n)
    SELECT events_append(${projectId}, ${newId()}, 'fact.created', NULL, 'n', '{}') AS seq FROM fact`;
  expect(row?.seq).toBe("1");
  await db.sql`DELETE FROM facts`;
});

test("[EVT-4] time does not go back when the clock does", async () => {
  const projectId = await openLog();
  await append(projectId);
  const future = new Date(Date.now() + 3_600_000);
  await db.sql`UPDATE event_heads SET last_at = ${future} WHERE project_id = ${projectId}`;
  await append(projectId);
  await append(projectId);
  const { items } = await events.history(db.sql, projectId, 1, 10);
  expect(items.map((item) => item.at)).toEqual([future, future]);
});

test("[EVT-5] a transaction that holds one project's log keeps no other waiting", async () => {
  const [held, free] = [await openLog(), await openLog()];
  await db.transaction(async (tx) => {
    await events.append(tx, change(held));
    expect(await append(free)).toBe(1);
  });
});

test("[EVT-6] data of 16 KiB is taken, a byte more is refused and leaves nothing", async () => {
  const projectId = await openLog();
  const text = "x".repeat(16_384 - '{"t": ""}'.length);
  expect(await append(projectId, { t: text })).toBe(1);
  await expect(append(projectId, { t: `${text}x` })).rejects.toThrow("larger than 16 KiB");
  await expect(append(newId())).rejects.toThrow("has no event log");
  expect(await append(projectId)).toBe(2);
});

test("[EVT-7] history gives what comes after a number, with the newest, the oldest and the epoch", async () => {
  const projectId = await openLog();
  const first = change(projectId, { version: 1, deep: { list: [1, "two", null] } });
  await db.single((tx) => events.append(tx, first));
  for (let n = 2; n <= 5; n++) await append(projectId, { n });
  const whole = await events.history(db.sql, projectId, 0, 100);
  expect(whole).toMatchObject({ seq: 5, floor: 1 });
  expect(whole.epoch).toMatch(/^[0-9a-f-]{36}$/);
  expect(whole.items[0]).toMatchObject({ ...first, seq: 1 });
  expect(whole.items.map((item) => item.seq)).toEqual([1, 2, 3, 4, 5]);
  const page = await events.history(db.sql, projectId, 2, 2);
  expect(page.items.map((item) => item.seq)).toEqual([3, 4]);
  expect(page.seq).toBe(5);
  expect((await events.history(db.sql, projectId, 5, 2)).items).toEqual([]);
});

test("[EVT-7] a project without events, or without a log, has an empty history", async () => {
  const projectId = await openLog();
  await db.single((tx) => events.open(tx, projectId));
  const { epoch } = await events.history(db.sql, projectId, 0, 10);
  expect(await events.history(db.sql, projectId, 0, 10)).toEqual({ items: [], seq: 0, floor: 1, epoch });
  expect(await events.history(db.sql, newId(), 7, 10)).toEqual({ items: [], seq: 0, floor: 1, epoch });
});

test("[EVT-13] a log is erased bit by bit until nothing is left", async () => {
  const projectId = await openLog();
  const other = await openLog();
  for (let n = 0; n < 5; n++) await append(projectId);
  await append(other);
  const erase = () => db.transaction((tx) => events.erase(tx, projectId, 2));
  expect([await erase(), await erase(), await erase(), await erase()]).toEqual([2, 2, 1, 0]);
  await expect(append(projectId)).rejects.toThrow("has no event log");
  expect(await append(other)).toBe(2);
});
