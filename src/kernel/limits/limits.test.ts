import { afterAll, beforeAll, expect, test } from "bun:test";
import { bestOf, msOf } from "../../testing/best-of.ts";
import { createTestClock } from "../../testing/clock.ts";
import { openAgain, openTestDatabase, type TestDatabase } from "../../testing/database.ts";
import { until } from "../../testing/until.ts";
import { silentLogger } from "../telemetry/index.ts";
import { createLimits, limitMigrations } from "./limits.ts";
import { deleteOld } from "./store.ts";

let db: TestDatabase;
let second: TestDatabase;
beforeAll(async () => {
  db = await openTestDatabase([limitMigrations]);
  second = openAgain(db);
});
afterAll(() => Promise.all([db.close(), second.close()]));

const clock = createTestClock();
const open = (database: TestDatabase) => createLimits({ db: database, clock, log: silentLogger });
/** So that no minute ends in the midst of a test. */
const toNextMinute = () => clock.turn(60_000 - (clock.now() % 60_000));
const rule = { name: "test", limit: 5, windowSeconds: 60 };

/** Lets time pass for a key, as the database sees it. */
const age = (key: string, seconds: number) =>
  db.sql`UPDATE limit_hits SET ends_at = ends_at - make_interval(secs => ${seconds}::int),
    hits = ARRAY(SELECT h - make_interval(secs => ${seconds}::int) FROM unnest(hits) h) WHERE key = ${`test ${key}`}`;

test("[LIM-1] of 60 requests at one moment over two processes exactly the limit passes", async () => {
  const processes = [open(db), open(second)];
  const verdicts = await Promise.all(
    Array.from({ length: 60 }, (_, n) => processes[n % 2]?.hit(rule, "burst")),
  );
  expect(verdicts.filter((each) => each?.isAllowed).length).toBe(5);
  const remaining = verdicts.filter((each) => each?.isAllowed).map((each) => each?.remaining);
  expect(remaining.sort()).toEqual([0, 1, 2, 3, 4]);
});

test("[LIM-1] the window slides: each request frees its place when it leaves it", async () => {
  const at = async (): Promise<boolean[]> => {
    const results: boolean[] = [];
    // A new process each time, that remembers no refusal.
    for (let n = 0; n < 3; n++) results.push((await open(db).hit(rule, "slide")).isAllowed);
    return results;
  };
  expect(await at()).toEqual([true, true, true]);
  await age("slide", 30);
  expect(await at()).toEqual([true, true, false]);
  await age("slide", 20);
  expect(await at()).toEqual([false, false, false]);
  await age("slide", 11);
  expect(await at()).toEqual([true, true, true]);
  expect(await at()).toEqual([false, false, false]);
});

test("[LIM-2] refused requests do not prolong an exact wait, which is told", async () => {
  const limits = open(db);
  const start = Math.floor(clock.now() / 1000);
  for (let n = 0; n < 5; n++) {
    const { resetsAt } = await limits.hit(rule, "wait");
    expect(resetsAt - start).toBeWithin(59, 75);
  }
  await age("wait", 20);
  for (let n = 0; n < 3; n++) {
    const refused = await open(db).hit(rule, "wait");
    expect(refused).toMatchObject({ isAllowed: false, limit: 5, remaining: 0 });
    expect(refused.retryAfterSeconds).toBeWithin(25, 41);
  }
  await age("wait", 40);
  expect(await open(db).hit(rule, "wait")).toMatchObject({ isAllowed: true, remaining: 4 });
});

test("[LIM-2] a database's clock that was set back keeps nobody out", async () => {
  const limits = open(db);
  for (let n = 0; n < 5; n++) await limits.hit(rule, "back");
  await age("back", -7_200);
  expect((await open(db).hit(rule, "back")).isAllowed).toBe(true);
});

test("[LIM-3] who was refused is refused again without the database", async () => {
  const limits = open(second);
  for (let n = 0; n < 6; n++) await limits.hit(rule, "flood");
  await db.sql`DELETE FROM limit_hits WHERE key = 'test flood'`;
  const verdicts = await Promise.all(Array.from({ length: 500 }, () => limits.hit(rule, "flood")));
  expect(verdicts.some((each) => each.isAllowed)).toBe(false);
  expect(await db.sql`SELECT FROM limit_hits WHERE key = 'test flood'`).toEqual([]);
  expect(await limits.hit(rule, "other")).toMatchObject({ isAllowed: true });
});

test("[LIM-4] without the database an exact limit lets nobody pass", async () => {
  const away = openAgain(db);
  const limits = open(away);
  await away.close();
  expect(limits.hit(rule, "away")).rejects.toMatchObject({ code: expect.stringContaining("CONNECTION") });
});

test("[LIM-6] processes hear of each other within two seconds and stay at the limit together", async () => {
  const heardMs: number[] = [];
  const passedMost = await bestOf(400, async (round) => {
    toNextMinute();
    const three = [open(db), open(second), open(second)];
    const estimates = three.map((limits) => limits.estimate(`together ${round}`, 300));
    const [first, other, third] = estimates;
    for (let n = 0; n < 150; n++) first?.hit("a");
    for (let n = 0; n < 100; n++) other?.hit("a");
    third?.hit("b");
    for (const limits of three) await limits.start();
    const knows = () => (other?.hit("a").remaining ?? 999) < 150;
    heardMs.push(await msOf(() => until("the second process to know of the first", knows)));
    // Each knows of the others as soon as it has something to tell.
    let passed = 250;
    const look = () => {
      for (const estimate of estimates) if (estimate.hit("a").isAllowed) passed++;
      return estimates.every((estimate) => estimate.exhausted("a") !== undefined);
    };
    // 60 a second: what passes until the others have heard of it is no more than a fifth of the limit.
    await until("all to refuse", look, { everyMs: 50 });
    expect(passed).toBeGreaterThan(279);
    expect(third?.exhausted("b")).toBeUndefined();
    for (const limits of three) await limits.stop();
    return Math.min(...heardMs) < 2_500 ? passed : Number.POSITIVE_INFINITY;
  });
  expect(Math.min(...heardMs)).toBeLessThan(2_500);
  expect(passedMost).toBeLessThan(400);
});

test("[LIM-6] who has told his count hears of those who tell theirs later", async () => {
  toNextMinute();
  const [early, late] = [open(db), open(second)];
  const [one, other] = [early, late].map((limits) => limits.estimate("later", 200));
  const told = async (n: number) =>
    (await db.sql`SELECT FROM limit_counts WHERE key = 'later a' AND n >= ${n}`).length;
  for (let n = 0; n < 100; n++) one?.hit("a");
  await early.start();
  await until("the first to tell", async () => (await told(100)) > 0);
  for (let n = 0; n < 100; n++) other?.hit("a");
  await late.start();
  await until("the first to hear", () => one?.exhausted("a") !== undefined);
  expect(await told(200)).toBe(1);
  await Promise.all([early.stop(), late.stop()]);
});

test("[LIM-6] a process that has just started hears what the minute before held", async () => {
  toNextMinute();
  const old = open(db);
  const before = old.estimate("restart", 100);
  for (let n = 0; n < 100; n++) before.hit("a");
  await old.start();
  const rows = () => db.sql`SELECT FROM limit_counts WHERE key = 'restart a'`;
  await until("the count to be told", async () => (await rows()).length > 0);
  await old.stop();

  const fresh = open(db);
  const after = fresh.estimate("restart", 100);
  // In the same minute or the next: either way the old counts are heard of.
  for (let n = 0; n < 10; n++) after.hit("a");
  await fresh.start();
  await until("the old count to be heard", () => (after.hit("a").remaining ?? 100) < 50);
  await fresh.stop();
});

test("[LIM-7] while the database is away a process counts for itself, and nothing fails", async () => {
  toNextMinute();
  const away = openAgain(db);
  const lines: unknown[] = [];
  const log = { ...silentLogger, warn: (...line: unknown[]) => void lines.push(line) };
  const limits = createLimits({ db: away, clock, log });
  const estimate = limits.estimate("alone", 50);
  await away.close();
  await limits.start();
  let passed = 0;
  await until("a settling to fail", () => {
    if (estimate.hit("a").isAllowed) passed++;
    return lines.length > 0;
  });
  for (let n = 0; n < 200; n++) if (estimate.hit("a").isAllowed) passed++;
  expect(passed).toBe(50);
  await limits.stop();
  expect(lines.length).toBe(1);
});

test("[LIM-9] old counts leave the database", async () => {
  const minute = Math.floor(Date.now() / 60_000);
  await db.sql`INSERT INTO limit_counts VALUES (${minute - 3}, 'old', 1), (${minute}, 'new', 1)`;
  await open(db).hit(rule, "gone");
  await open(db).hit(rule, "stays");
  await age("gone", 61);
  await deleteOld(db.sql, minute - 2);
  const counts = await db.sql`SELECT key FROM limit_counts WHERE key IN ('old', 'new')`;
  const hits = await db.sql`SELECT key FROM limit_hits WHERE key IN ('test gone', 'test stays')`;
  expect([...counts, ...hits].map((row) => row.key)).toEqual(["new", "test stays"]);
});
