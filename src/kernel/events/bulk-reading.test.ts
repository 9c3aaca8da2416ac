import { afterAll, beforeAll, expect, test } from "bun:test";
import { openTestDatabase, type TestDatabase } from "../../testing/database.ts";
import { newId } from "../ids/index.ts";
import { silentLogger } from "../telemetry/index.ts";
import { createEvents, type Events, eventMigrations } from "./index.ts";

let db: TestDatabase;
let events: Events;

beforeAll(async () => {
  db = await openTestDatabase([eventMigrations]);
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

const change = (projectId: string, subject: string) => ({
  projectId,
  event: "post.created",
  actorId: null,
  subject,
  data: {},
});

/** All that is there after a position. */
async function readOn(position: string | undefined) {
  const page = await events.readAll(db.sql, position, 1000);
  return { subjects: page.items.map((item) => item.subject), position: page.position };
}

test("[EVT-8] a saved cursor goes on where it stopped, and only what was committed is saved", async () => {
  const projectId = await openLog();
  const { position } = await readOn(undefined);
  for (const subject of ["a", "b", "c"])
    await db.single((tx) => events.append(tx, change(projectId, subject)));
  const page = await events.readAll(db.sql, position, 2);
  expect(page.items.map((item) => item.subject)).toEqual(["a", "b"]);
  await db.transaction((tx) => events.saveCursor(tx, "lake", page.position));
  await db
    .transaction(async (tx) => {
      await events.saveCursor(tx, "lake", "999999:00000000-0000-0000-0000-000000000000:1");
      throw new Error("no");
    })
    .catch(() => {});
  expect((await readOn(await events.loadCursor(db.sql, "lake"))).subjects).toEqual(["c"]);
  expect(await events.loadCursor(db.sql, "warehouse")).toBeUndefined();
});

test("[EVT-8] an event of a transaction that began earlier and ended later is not passed over", async () => {
  const [slow, fast] = [await openLog(), await openLog()];
  let { position } = await readOn(undefined);
  const seen: string[] = [];
  const read = async () => {
    const page = await readOn(position);
    seen.push(...page.subjects);
    position = page.position;
  };
  await db.transaction(async (tx) => {
    await events.append(tx, change(slow, "began first"));
    await db.single((single) => events.append(single, change(fast, "ended first")));
    await read();
  });
  await read();
  expect(seen.sort()).toEqual(["began first", "ended first"]);
});

test("[EVT-8] a project's events come in order also when a later number has the older transaction", async () => {
  const projectId = await openLog();
  const other = await openLog();
  const { position } = await readOn(undefined);
  const seen: string[] = [];
  await db.transaction(async (older) => {
    await events.append(older, change(other, "other"));
    await db.single((tx) => events.append(tx, change(projectId, "first")));
    await events.append(older, change(projectId, "second"));
  });
  const page = await readOn(position);
  seen.push(...page.subjects.filter((subject) => subject !== "other"));
  expect(seen).toEqual(["first", "second"]);
});

test("[EVT-9] what an open transaction could still precede waits for its end", async () => {
  const [held, free] = [await openLog(), await openLog()];
  const { position } = await readOn(undefined);
  await db.transaction(async (tx) => {
    await events.append(tx, change(held, "open"));
    await db.single((single) => events.append(single, change(free, "done")));
    expect((await readOn(position)).subjects).toEqual([]);
  });
  expect((await readOn(position)).subjects.sort()).toEqual(["done", "open"]);
});
