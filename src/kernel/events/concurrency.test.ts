import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { type Chance, createChance } from "../../testing/chance.ts";
import { openAgain, openTestDatabase, type TestDatabase } from "../../testing/database.ts";
import type { Tx } from "../db/index.ts";
import { newId } from "../ids/index.ts";
import { silentLogger } from "../telemetry/index.ts";
import { createEvents, type Events, eventMigrations } from "./index.ts";

setDefaultTimeout(60_000);

const PROJECTS = 6;
const WRITERS = 12;
const TRANSACTIONS = 40;

let db: TestDatabase;
let processes: TestDatabase[];
let events: Events;
let projects: string[];

/** What a run of many writers, two kinds of readers and a killer has left. */
const committed = new Set<string>();
const tailed = new Map<string, number[]>();

beforeAll(async () => {
  db = await openTestDatabase([eventMigrations]);
  processes = [openAgain(db), openAgain(db), openAgain(db)];
  events = createEvents({ db, log: silentLogger, retentionDays: 30 });
  await events.start();
  projects = Array.from({ length: PROJECTS }, () => newId());
  for (const projectId of projects) await db.single((tx) => events.open(tx, projectId));
  await db.sql`CREATE TABLE copies (n bigint GENERATED ALWAYS AS IDENTITY, id uuid, project_id uuid, seq bigint)`;
  await run(createChance("event log"));
});
afterAll(async () => {
  await events.stop();
  await Promise.all([db, ...processes].map((each) => each.close()));
});

async function run(chance: Chance): Promise<void> {
  let isWriting = true;
  const readers = [tail(() => isWriting), readInBulk(chance, () => isWriting), kill(chance, () => isWriting)];
  await Promise.all(
    Array.from({ length: WRITERS }, (_, n) => write(chance, processes[n % processes.length] ?? db)),
  );
  isWriting = false;
  await Promise.all(readers);
}

async function write(chance: Chance, own: TestDatabase): Promise<void> {
  for (let n = 0; n < TRANSACTIONS; n++) {
    const subjects: string[] = [];
    try {
      await own.transaction((tx) => change(chance, tx, subjects));
      for (const subject of subjects) committed.add(subject);
    } catch {
      // Rolled back, killed, or a deadlock of two that took the same logs crosswise.
    }
  }
}

async function change(chance: Chance, tx: Tx, subjects: string[]): Promise<void> {
  if (chance.oneIn(3)) await tx`SELECT pg_current_xact_id()`;
  // Crosswise now and then: PostgreSQL ends one of the two after a second.
  const mostly = chance.oneIn(40) ? 1 : -1;
  const chosen = Array.from({ length: 1 + chance.below(3) }, () => projects[chance.below(PROJECTS)] ?? "");
  for (const projectId of chosen.sort((one, other) => (one < other ? mostly : -mostly))) {
    const subject = newId();
    await events.append(tx, { projectId, event: "post.created", actorId: null, subject, data: {} });
    subjects.push(subject);
    if (chance.oneIn(4)) await tx`SELECT pg_sleep(${chance.next() * 0.004})`;
  }
  if (chance.oneIn(6)) throw new Error("rolled back");
}

/** Ends backends in the middle of whatever they do. */
async function kill(chance: Chance, isWriting: () => boolean): Promise<void> {
  while (isWriting()) {
    await db.sql`
      SELECT pg_terminate_backend(pid) FROM pg_stat_activity
      WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_xid IS NOT NULL
      ORDER BY md5(pid::text || ${chance.below(1000)}::text) LIMIT 1`.catch(() => {});
    await db.sql`SELECT pg_sleep(0.03)`.catch(() => {});
  }
}

async function tail(isWriting: () => boolean): Promise<void> {
  const own = openAgain(db);
  for (let isLast = false; !isLast; ) {
    isLast = !isWriting();
    for (const projectId of projects) {
      const seen = tailed.get(projectId) ?? [];
      tailed.set(projectId, seen);
      const page = await events.history(own.sql, projectId, seen.at(-1) ?? 0, 1000).catch(() => undefined);
      seen.push(...(page?.items ?? []).map((item) => item.seq));
    }
  }
  await own.close();
}

async function readInBulk(chance: Chance, isWriting: () => boolean): Promise<void> {
  const own = openAgain(db);
  for (let isLast = false, hasMore = true; !isLast || hasMore; ) {
    isLast = !isWriting();
    try {
      const after = await events.loadCursor(own.sql, "fuzz");
      const page = await events.readAll(own.sql, after, 1 + chance.below(40));
      await own.transaction(async (tx) => {
        for (const { id, projectId, seq } of page.items) {
          await tx`INSERT INTO copies (id, project_id, seq) VALUES (${id}, ${projectId}, ${seq})`;
        }
        await events.saveCursor(tx, "fuzz", page.position);
      });
      hasMore = page.items.length > 0;
    } catch {
      // Killed: neither copied nor saved, or both.
    }
  }
  await own.close();
}

const numbersTo = (n: number) => Array.from({ length: n }, (_, index) => index + 1);

test("[EVT-1] many writers, rollbacks and killed backends leave numbers without gap or double", async () => {
  let total = 0;
  for (const projectId of projects) {
    const rows = await db.sql<{ seq: number }>`
      SELECT seq::float8 AS seq FROM events WHERE project_id = ${projectId} ORDER BY seq`;
    expect(rows.map((row) => row.seq)).toEqual(numbersTo(rows.length));
    const { seq } = await events.history(db.sql, projectId, 0, 1);
    expect(seq).toBe(rows.length);
    total += rows.length;
  }
  expect(total).toBeGreaterThan(WRITERS * TRANSACTIONS * 0.5);
});

test("[EVT-3] whatever a writer was told is committed is there", async () => {
  const rows = await db.sql<{ subject: string }>`SELECT subject FROM events`;
  const there = new Set(rows.map((row) => row.subject));
  expect([...committed].filter((subject) => !there.has(subject))).toEqual([]);
});

test("[EVT-2] who polled behind the last number meanwhile has seen each number, in order", async () => {
  for (const projectId of projects) {
    const { seq } = await events.history(db.sql, projectId, 0, 1);
    expect(tailed.get(projectId)).toEqual(numbersTo(seq));
  }
});

test("[EVT-8] who read all projects meanwhile has seen each event once, a project's in order", async () => {
  const [row] = await db.sql<{ events: number; copies: number; distinct: number }>`
    SELECT (SELECT count(*)::int FROM events) AS events, count(*)::int AS copies, count(DISTINCT id)::int AS distinct
    FROM copies`;
  expect(row).toMatchObject({ copies: row?.events, distinct: row?.events });
  for (const projectId of projects) {
    const rows = await db.sql<{ seq: number }>`
      SELECT seq::float8 AS seq FROM copies WHERE project_id = ${projectId} ORDER BY n`;
    expect(rows.map((each) => each.seq)).toEqual(numbersTo(rows.length));
  }
});
