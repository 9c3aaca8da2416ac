import { afterAll, beforeAll, expect, test } from "bun:test";
import { openTestDatabase, type TestDatabase } from "../../testing/database.ts";
import { testUrl } from "../../testing/postgres.ts";
import { type Database, openDatabase } from "../db/index.ts";
import { newId } from "../ids/index.ts";
import { silentLogger } from "../telemetry/index.ts";
import { createEvents, eventMigrations } from "./index.ts";

let admin: TestDatabase;
let db: TestDatabase;

beforeAll(async () => {
  admin = await openTestDatabase();
  db = await openTestDatabase([eventMigrations]);
});
afterAll(() => Promise.all([admin.close(), db.close()]));

const over = (database: Database, retentionDays = 30) =>
  createEvents({ db: database, log: silentLogger, retentionDays });

async function keepHouse(retentionDays = 30): Promise<void> {
  const events = over(db, retentionDays);
  await events.start();
  await events.stop();
}

async function append(database: Database, projectId: string, count: number): Promise<void> {
  const events = over(database);
  await database.single((tx) => events.open(tx, projectId));
  for (let n = 0; n < count; n++) {
    await database.single((tx) =>
      events.append(tx, { projectId, event: "post.created", actorId: null, subject: `${n}`, data: {} }),
    );
  }
}

async function partitionsOf(projectId: string): Promise<string[]> {
  const rows = await db.sql<{ name: string }>`
    SELECT tableoid::regclass::text AS name FROM events WHERE project_id = ${projectId} ORDER BY seq`;
  return rows.map((row) => row.name);
}

/** Moves events into the past, where there is no partition for them. */
async function age(projectId: string, upToSeq: number, days: number): Promise<void> {
  await db.sql`
    UPDATE events SET at = at - ${days}::int * interval '1 day' WHERE project_id = ${projectId} AND seq <= ${upToSeq}`;
}

const dayName = (offsetDays: number) => {
  const day = new Date(Date.now() + offsetDays * 86_400_000).toISOString().slice(0, 10);
  return `events_${day.replaceAll("-", "")}`;
};

test("[EVT-10] before there is any partition events are stored, and moved to their own by the start", async () => {
  const projectId = newId();
  await append(db, projectId, 2);
  expect(await partitionsOf(projectId)).toEqual(["events_default", "events_default"]);
  await keepHouse();
  expect(await partitionsOf(projectId)).toEqual([dayName(0), dayName(0)]);
  const events = over(db);
  expect((await events.history(db.sql, projectId, 0, 10)).items.map((item) => item.seq)).toEqual([1, 2]);
});

test("[EVT-10] partitions reach three days ahead, however often they are asked for", async () => {
  await Promise.all([keepHouse(), keepHouse(), keepHouse()]);
  const rows = await db.sql<{ name: string }>`
    SELECT inhrelid::regclass::text AS name FROM pg_inherits WHERE inhparent = 'events'::regclass ORDER BY 1`;
  const names = rows.map((row) => row.name);
  expect(names).toEqual(expect.arrayContaining([0, 1, 2, 3].map(dayName)));
  expect(names).not.toContain(dayName(4));
});

test("[EVT-11] days past their time go whole, and the floor tells who came too late", async () => {
  const [old, young] = [newId(), newId()];
  await append(db, old, 5);
  await append(db, young, 2);
  await age(old, 3, 40);
  await age(young, 1, 20);
  await keepHouse();
  const events = over(db);
  const page = await events.history(db.sql, old, 0, 10);
  expect({ floor: page.floor, seqs: page.items.map((item) => item.seq) }).toEqual({ floor: 4, seqs: [4, 5] });
  expect(await events.history(db.sql, young, 0, 10)).toMatchObject({ floor: 1, seq: 2 });
  expect(await partitionsOf(young)).toEqual([dayName(-20), dayName(0)]);
  await append(db, old, 1);
  expect((await events.history(db.sql, old, 5, 10)).items.map((item) => item.seq)).toEqual([6]);
});

test("[EVT-7] history goes on over days, and its pages meet", async () => {
  const projectId = newId();
  await append(db, projectId, 6);
  await age(projectId, 4, 3);
  await age(projectId, 2, 3);
  await keepHouse();
  expect(await partitionsOf(projectId)).toEqual([-6, -6, -3, -3, 0, 0].map(dayName));
  const events = over(db);
  const seqsAfter = async (since: number, limit: number) =>
    (await events.history(db.sql, projectId, since, limit)).items.map((item) => item.seq);
  expect(await seqsAfter(0, 3)).toEqual([1, 2, 3]);
  expect(await seqsAfter(3, 2)).toEqual([4, 5]);
  expect(await seqsAfter(4, 9)).toEqual([5, 6]);
  expect(await seqsAfter(5, 9)).toEqual([6]);
  expect(await seqsAfter(6, 9)).toEqual([]);
  await age(projectId, 6, 9);
  expect(await seqsAfter(5, 9)).toEqual([6]);
  expect(await seqsAfter(6, 9)).toEqual([]);
});

test("[EVT-11] when all events of a project are gone its numbers go on all the same", async () => {
  const projectId = newId();
  await append(db, projectId, 3);
  await age(projectId, 3, 40);
  await keepHouse();
  const events = over(db);
  expect(await events.history(db.sql, projectId, 0, 10)).toMatchObject({ items: [], floor: 4, seq: 3 });
  await append(db, projectId, 1);
  expect(await events.history(db.sql, projectId, 3, 10)).toMatchObject({ items: [{ seq: 4 }], floor: 4 });
});

test("[EVT-11] a reader with an old snapshot does not take dropped events for never written", async () => {
  const projectId = newId();
  await append(db, projectId, 3);
  await age(projectId, 2, 50);
  await keepHouse(100);
  const events = over(db);
  await db.transaction(async (tx) => {
    await tx`SET TRANSACTION ISOLATION LEVEL REPEATABLE READ`;
    await tx`SELECT 1 FROM event_cursors`;
    await keepHouse();
    const page = await events.history(tx, projectId, 0, 10);
    expect({ floor: page.floor, seqs: page.items.map((item) => item.seq) }).toEqual({ floor: 3, seqs: [3] });
  });
});

test("[EVT-10] housekeeping gives way to a transaction that keeps it from a partition", async () => {
  const projectId = newId();
  await append(db, projectId, 1);
  await age(projectId, 1, 25);
  await db.transaction(async (tx) => {
    await tx`SELECT 1 FROM events_default`;
    await keepHouse();
    // Others read and write meanwhile.
    await append(db, projectId, 1);
    expect(await partitionsOf(projectId)).toEqual(["events_default", dayName(0)]);
  });
  await keepHouse();
  expect(await partitionsOf(projectId)).toEqual([dayName(-25), dayName(0)]);
});

test("[EVT-12] the epoch outlives a restart", async () => {
  const events = over(db);
  const { epoch } = await events.history(db.sql, newId(), 0, 1);
  await keepHouse();
  expect((await events.history(db.sql, newId(), 0, 1)).epoch).toBe(epoch);
});

test("[EVT-12] a restored database has a new epoch, and its readers go on behind what they have read", async () => {
  const original = await openTestDatabase([eventMigrations]);
  const before = over(original);
  await before.start();
  const projectId = newId();
  await append(original, projectId, 3);
  // As if it had been written in a cluster that has seen many more transactions than this one.
  await original.sql`UPDATE event_heads SET last_position = last_position + 1000000000`;
  await original.sql`UPDATE events SET position = position + 1000000000`;
  await original.sql`UPDATE event_log SET xid_offset = 1000000000`;
  const { position } = await before.readAll(original.sql, undefined, 2);
  await original.sql`UPDATE event_log SET xid_offset = 0`;
  const { epoch } = await before.history(original.sql, projectId, 0, 1);
  await before.stop();
  await original.close();

  const copyName = `${new URL(original.url).pathname.slice(1)}_restored`;
  await admin.sql.unsafe(`CREATE DATABASE ${copyName} TEMPLATE ${new URL(original.url).pathname.slice(1)}`);
  const options = { poolSize: 2, applicationName: "test", socketDir: original.socketDir };
  const restored = openDatabase({ ...options, url: testUrl(copyName) });
  const after = over(restored);
  await after.start();
  await append(restored, projectId, 2);
  expect((await after.history(restored.sql, projectId, 0, 1)).epoch).not.toBe(epoch);
  const rest = await after.readAll(restored.sql, position, 10);
  expect(rest.items.map((item) => item.seq)).toEqual([3, 4, 5]);
  await after.stop();
  await restored.close();
});
