import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { type Chance, createChance } from "../../testing/chance.ts";
import { openAgain, openTestDatabase, type TestDatabase } from "../../testing/database.ts";
import type { Tx } from "./index.ts";

setDefaultTimeout(60_000);

const RUN_MS = Number(process.env.ISOLATION_SECONDS ?? 6) * 1000;
/** With what the hook itself takes, less than a hook may. */
const MORE_MS = 40_000;
const WRITERS = 10;
const READERS = 6;
const ROWS = 5;

let db: TestDatabase;
let own: TestDatabase;

/** What each transaction was told: `unknown` when it failed after its last statement, in the commit. */
const outcomes = new Map<string, "done" | "failed" | "unknown">();
const strays: string[] = [];
let answers = 0;
let copied = 0;

function countTold(): { done: number; other: number } {
  const told = [...outcomes.values()];
  const done = told.filter((outcome) => outcome === "done").length;
  return { done, other: told.length - done };
}

function isEnough(): boolean {
  const { done, other } = countTold();
  return done > 100 && other > 20 && copied > 20 && answers > 1000;
}

beforeAll(async () => {
  db = await openTestDatabase();
  own = openAgain(db);
  await db.sql`CREATE TABLE ledger (name text, n int, xid text)`;
  await db.sql`CREATE TABLE copies (name text)`;
  await db.sql`CREATE TABLE position (n int)`;
  await db.sql`INSERT INTO position VALUES (0)`;
  const chance = createChance("isolation");
  const endMs = performance.now() + RUN_MS;
  // On a machine that stalls, longer: until there is enough for the run to mean something.
  const isRunning = () => performance.now() < endMs || (!isEnough() && performance.now() < endMs + MORE_MS);
  await Promise.all([
    ...Array.from({ length: WRITERS }, (_, n) => write(chance, n, isRunning)),
    ...Array.from({ length: READERS }, (_, n) => read(n, isRunning)),
    copy(isRunning),
    disturb(chance, isRunning),
  ]);
});
afterAll(() => Promise.all([db.close(), own.close()]));

async function write(chance: Chance, writer: number, isRunning: () => boolean): Promise<void> {
  for (let n = 0; isRunning(); n++) {
    const name = `${writer}/${n}`;
    let isComplete = false;
    try {
      await own.transaction(async (tx) => {
        await fill(chance, tx, name);
        if (chance.oneIn(10)) throw new Error("rolled back");
        isComplete = true;
      });
      outcomes.set(name, "done");
    } catch {
      outcomes.set(name, isComplete ? "unknown" : "failed");
    }
  }
}

/** Notes every statement that ran elsewhere than the first of its transaction, or was answered with another's row. */
async function fill(chance: Chance, tx: Tx, name: string): Promise<void> {
  let first: string | undefined;
  for (let n = 0; n < ROWS; n++) {
    const [row] = await tx<{ name: string; xid: string }>`
      INSERT INTO ledger VALUES (${name}, ${n}, pg_current_xact_id()::text) RETURNING name, xid`;
    first ??= row?.xid;
    if (row?.name !== name || row.xid !== first)
      strays.push(`${name}: ${JSON.stringify(row)} after ${first}`);
    if (chance.oneIn(3)) await tx`SELECT pg_sleep(${chance.next() * 0.005})`;
  }
}

/** Many statements at once on few connections, each with an answer that only it can have. */
async function read(reader: number, isRunning: () => boolean): Promise<void> {
  for (let n = 0; isRunning(); n++) {
    const asked = [0, 1, 2, 3].map((k) => `${reader}.${n}.${k}`);
    const rows = await Promise.allSettled(
      asked.map((name) => own.sql<{ name: string }>`SELECT ${name}::text AS name, pg_sleep(0.0005)::text`),
    );
    for (const [k, row] of rows.entries()) {
      if (row.status === "rejected") continue;
      answers++;
      if (row.value.length !== 1 || row.value[0]?.name !== asked[k])
        strays.push(`${asked[k]}: ${JSON.stringify(row.value)}`);
    }
  }
}

/** Keeps what it has done and how far it has come in one transaction, as a reader of the event log does. */
async function copy(isRunning: () => boolean): Promise<void> {
  while (isRunning()) {
    try {
      await own.transaction(async (tx) => {
        const [row] = await tx<{ n: number }>`SELECT n FROM position FOR UPDATE`;
        const n = row?.n ?? 0;
        for (const part of [0, 1, 2]) await tx`INSERT INTO copies VALUES (${`${n}.${part}`})`;
        await tx`UPDATE position SET n = ${n + 1}`;
      });
      copied++;
    } catch {
      // Killed: both or neither.
    }
  }
}

/** Ends backends and cancels statements, in the middle of whatever they do. */
async function disturb(chance: Chance, isRunning: () => boolean): Promise<void> {
  while (isRunning()) {
    const how = chance.oneIn(2) ? "pg_terminate_backend" : "pg_cancel_backend";
    await db.sql
      .unsafe(
        `SELECT ${how}(pid), pg_sleep(${chance.next() * 0.015}) FROM (
         SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()
         ORDER BY md5(pid::text || '${chance.below(1000)}') LIMIT 1) AS victim`,
      )
      .catch(() => {});
  }
}

test("[DB-3] what was reported done is there whole and once, what failed left nothing", async () => {
  const rows = await db.sql<{ name: string; whole: boolean }>`
    SELECT name, count(*) = ${ROWS} AND count(DISTINCT n) = ${ROWS} AND count(DISTINCT xid) = 1 AS whole
    FROM ledger GROUP BY name`;
  const there = new Map(rows.map((row) => [row.name, row.whole]));
  const wrong = [...outcomes].filter(([name, outcome]) => {
    const whole = there.get(name);
    return whole === undefined ? outcome === "done" : !whole || outcome === "failed";
  });
  expect(wrong).toEqual([]);
  const { done, other } = countTold();
  expect(done).toBeGreaterThan(100);
  expect(other).toBeGreaterThan(20);
});

test("[DB-3] work and the note of how far it came are kept together", async () => {
  const [row] = await db.sql<{ n: number; copies: number; distinct: number }>`
    SELECT (SELECT n FROM position), count(*)::int AS copies, count(DISTINCT name)::int AS distinct FROM copies`;
  expect(row?.n).toBeGreaterThan(20);
  expect(row).toEqual({ n: row?.n ?? 0, copies: 3 * (row?.n ?? 0), distinct: 3 * (row?.n ?? 0) });
});

test("[DB-4] every answer was the asker's own, and every statement ran in its own transaction", () => {
  expect(strays).toEqual([]);
  expect(answers).toBeGreaterThan(1000);
});
