import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { createChance } from "../../testing/chance.ts";
import { openAgain, openTestDatabase, type TestDatabase } from "../../testing/database.ts";
import { until } from "../../testing/until.ts";
import type { Database, Tx } from "./index.ts";

setDefaultTimeout(60_000);

let db: TestDatabase;
beforeAll(async () => {
  db = await openTestDatabase();
  await db.sql`CREATE TABLE facts (n int PRIMARY KEY, xid text NOT NULL DEFAULT pg_current_xact_id()::text)`;
  await db.sql`CREATE TABLE heads (id int PRIMARY KEY, seq int NOT NULL DEFAULT 0)`;
  await db.sql`INSERT INTO heads (id) SELECT generate_series(1, 20)`;
});
afterAll(() => db.close());

const write = (n: number) => async (tx: Tx) => {
  await tx`INSERT INTO facts (n) VALUES (${n})`;
  return n;
};

async function factsFrom(from: number, to: number): Promise<{ n: number; xid: string }[]> {
  return db.sql<{ n: number; xid: string }>`
    SELECT n, xid FROM facts WHERE n BETWEEN ${from} AND ${to} ORDER BY n`;
}

/** Holds row 1 of `heads` until it is told to let go. */
async function holdHead(): Promise<() => Promise<void>> {
  const isHeld = Promise.withResolvers<void>();
  const release = Promise.withResolvers<void>();
  const holder = db.transaction(
    async (tx) => {
      await tx`UPDATE heads SET seq = seq WHERE id = 1`;
      isHeld.resolve();
      await release.promise;
    },
    { pool: "long" },
  );
  await isHeld.promise;
  return async () => {
    release.resolve();
    await holder;
  };
}

const bump = (database: Database, id: number) =>
  database.groupCommit(String(id).padStart(2, "0"), async (tx) => {
    await tx`UPDATE heads SET seq = seq + 1 WHERE id = ${id}`;
  });

test("[DB-29] what comes while a commit is on its way shares the next one, and each caller gets his own answer", async () => {
  const numbers = Array.from({ length: 40 }, (_, index) => 1000 + index);
  const called: number[] = [];
  const answers = await Promise.all(
    numbers.map((n) =>
      db.groupCommit("a", async (tx) => {
        tx.afterCommit(() => called.push(n));
        return write(n)(tx);
      }),
    ),
  );
  expect(answers).toEqual(numbers);
  expect(called.toSorted((a, b) => a - b)).toEqual(numbers);
  const stored = await factsFrom(1000, 1999);
  expect(stored.map(({ n }) => n)).toEqual(numbers);
  expect(new Set(stored.map(({ xid }) => xid)).size).toBeLessThan(10);
});

test("[DB-29] one that comes alone is a transaction by itself, at once", async () => {
  expect(await db.groupCommit("a", write(2000))).toBe(2000);
  expect(await factsFrom(2000, 2000)).toHaveLength(1);
});

test("[DB-30] of a group the statement that fails fails alone, and so does the code that throws", async () => {
  let called = 0;
  const outcomes = await Promise.allSettled(
    Array.from({ length: 30 }, (_, index) =>
      db.groupCommit("a", async (tx) => {
        tx.afterCommit(() => called++);
        // 3010 twice, and one whose code throws before its statement.
        if (index === 20) throw new Error("no");
        return write(3000 + (index === 25 ? 10 : index))(tx);
      }),
    ),
  );
  const failed = outcomes.flatMap((outcome, index) => (outcome.status === "rejected" ? [index] : []));
  expect(failed).toHaveLength(2);
  expect(failed).toContain(20);
  expect(failed.some((index) => index === 10 || index === 25)).toBe(true);
  expect(await factsFrom(3000, 3999)).toHaveLength(28);
  expect(called).toBe(28);
});

test("[DB-31] a statement that waits for a lock does not hold up the others", async () => {
  const release = await holdHead();
  let isDone = false;
  const held = [bump(db, 1), bump(db, 1)];
  const all = Promise.all(held).then(() => {
    isDone = true;
  });
  // Those that come with it and those that come later are done while it still waits.
  await Promise.all(Array.from({ length: 60 }, (_, index) => bump(db, 2 + (index % 19))));
  expect(isDone).toBe(false);
  await release();
  await all;
  const [row] = await db.sql<{ seq: number }>`SELECT seq FROM heads WHERE id = 1`;
  expect(row?.seq).toBe(2);
});

test("[DB-31] groups of two processes over the same rows never wait for each other in a ring", async () => {
  const other = openAgain(db);
  const chance = createChance("group commits of two processes");
  const before = await deadlocks();
  const counts = new Map<number, number>();
  const [sum] = await db.sql<{ seq: number }>`SELECT sum(seq)::int AS seq FROM heads`;
  for (let round = 0; round < 20; round++) {
    const writes = Array.from({ length: 100 }, () => {
      const id = 1 + chance.below(20);
      counts.set(id, (counts.get(id) ?? 0) + 1);
      return bump(chance.oneIn(2) ? db : other, id);
    });
    await Promise.all(writes);
  }
  const [after] = await db.sql<{ seq: number }>`SELECT sum(seq)::int AS seq FROM heads`;
  expect((after?.seq ?? 0) - (sum?.seq ?? 0)).toBe(2000);
  await other.close();
  expect(await deadlocks()).toBe(before);
});

async function deadlocks(): Promise<number> {
  const [row] = await db.sql<{ deadlocks: number }>`
    SELECT deadlocks::int AS deadlocks FROM pg_stat_database WHERE datname = current_database()`;
  return row?.deadlocks ?? 0;
}

test("[DB-3] with backends killed all the time, each that was acknowledged is there once, and none twice", async () => {
  const killer = openAgain(db);
  let isOver = false;
  let kills = 0;
  const killing = (async () => {
    while (!isOver) {
      const killed = await killer.longSql`
        SELECT pg_terminate_backend(pid) FROM pg_stat_activity
        WHERE datname = current_database() AND state <> 'idle' AND query LIKE '%deadly%' AND pid <> pg_backend_pid()
        LIMIT 1`;
      kills += killed.length;
      await Bun.sleep(5);
    }
  })();
  const acknowledged: number[] = [];
  let next = 10_000;
  const writer = async () => {
    for (let left = 60; left > 0; left--) {
      const n = next++;
      await db
        .groupCommit("a", async (tx) => {
          await tx`/* deadly */ INSERT INTO facts (n) SELECT ${n}::int FROM pg_sleep(0.002)`;
        })
        .then(
          () => acknowledged.push(n),
          () => undefined,
        );
    }
  };
  await Promise.all(Array.from({ length: 20 }, writer));
  isOver = true;
  await killing;
  await killer.close();
  await until("the pool is back", async () =>
    db.sql`SELECT 1`.then(
      () => true,
      () => false,
    ),
  );
  const stored = new Set((await factsFrom(10_000, 99_999)).map(({ n }) => n));
  expect(kills).toBeGreaterThan(0);
  expect(acknowledged.length).toBeGreaterThan(0);
  expect(acknowledged.filter((n) => !stored.has(n))).toEqual([]);
});
