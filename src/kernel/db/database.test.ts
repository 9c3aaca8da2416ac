import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { openTestDatabase, type TestDatabase } from "../../testing/database.ts";
import { until } from "../../testing/until.ts";
import { isDatabaseAway, isDatabaseBusy, type Sql, violatedUnique } from "./index.ts";

setDefaultTimeout(60_000);

let db: TestDatabase;
beforeAll(async () => {
  db = await openTestDatabase();
  await db.sql`CREATE TABLE facts (n int PRIMARY KEY)`;
});
afterAll(() => db.close());

/** What a promise was rejected with. */
async function failureOf(promise: PromiseLike<unknown>): Promise<unknown> {
  try {
    await promise;
  } catch (error) {
    return error;
  }
  throw new Error("it did not fail");
}

test("[DB-1] a transaction that throws leaves nothing and calls nothing back", async () => {
  let called = 0;
  const error = await failureOf(
    db.transaction(async (tx) => {
      tx.afterCommit(() => called++);
      await tx`INSERT INTO facts VALUES (1)`;
      throw new Error("no");
    }),
  );
  expect(error).toEqual(new Error("no"));
  expect(await db.sql`SELECT * FROM facts WHERE n = 1`).toEqual([]);
  expect(called).toBe(0);
});

test("[DB-2] hints run after the commit, in order, and one that throws does not undo it", async () => {
  const seen: string[] = [];
  const result = await db.transaction(async (tx) => {
    tx.afterCommit(() => {
      seen.push("first");
      throw new Error("a hint that fails");
    });
    tx.afterCommit(() => seen.push("second"));
    await tx`INSERT INTO facts VALUES (2)`;
    seen.push("end of the transaction");
    return "done";
  });
  expect(result).toBe("done");
  expect(seen).toEqual(["end of the transaction", "first", "second"]);
  expect(await db.sql`SELECT n FROM facts WHERE n = 2`).toHaveLength(1);
});

test("[DB-5] with every transaction waiting for a lock, statements are answered and the next transaction is refused", async () => {
  const held = Promise.withResolvers<void>();
  const isLocked = Promise.withResolvers<void>();
  const holder = db.transaction(
    async (tx) => {
      await tx`LOCK TABLE facts`;
      isLocked.resolve();
      await held.promise;
    },
    { pool: "long" },
  );
  await isLocked.promise;
  const waiting = Array.from({ length: 4 }, () =>
    db.transaction(async (tx) => void (await tx`INSERT INTO facts VALUES (5)`)),
  );
  const outcomes = Promise.allSettled(waiting);
  await until("all wait for the lock", async () => {
    const [row] = await db.sql<{ count: number }>`
      SELECT count(*)::int AS count FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`;
    return row?.count === 4;
  });

  const startedMs = performance.now();
  let didRun = false;
  const error = await failureOf(
    db.transaction(async () => {
      didRun = true;
    }),
  );
  expect(isDatabaseBusy(error)).toBe(true);
  expect(performance.now() - startedMs).toBeWithin(4_500, 15_000);

  held.resolve();
  await holder;
  // One inserts the row; the others run into it.
  const failures = (await outcomes).flatMap((each) =>
    each.status === "rejected" ? [violatedUnique(each.reason)] : [],
  );
  expect(failures).toEqual(["facts_pkey", "facts_pkey", "facts_pkey"]);
  await db.transaction(async () => {});
  expect(didRun).toBe(false);
});

test("[DB-6] requests are bounded in time, long work bounds itself", async () => {
  const limits = async (sql: Sql) => {
    const [row] = await sql<{ statement: string; idle: string }>`
      SELECT current_setting('statement_timeout') AS statement,
        current_setting('idle_in_transaction_session_timeout') AS idle`;
    return [row?.statement, row?.idle];
  };
  expect(await limits(db.sql)).toEqual(["30s", "1min"]);
  expect(await db.transaction(limits)).toEqual(["30s", "1min"]);
  expect(await limits(db.longSql)).toEqual(["0", "1min"]);
});

test("[DB-9] a failure tells what it means", async () => {
  await db.sql`INSERT INTO facts VALUES (9)`;
  const isThere = await failureOf(db.sql`INSERT INTO facts VALUES (9)`);
  const isWrong = await failureOf(db.sql`SELECT nothing`);
  const isSlow = await failureOf(
    db.transaction(async (tx) => {
      await tx`SET LOCAL statement_timeout = 20`;
      await tx`SELECT pg_sleep(5)`;
    }),
  );
  const isKilled = await failureOf(
    db.transaction(async (tx) => void (await tx`SELECT pg_terminate_backend(pg_backend_pid())`)),
  );
  const meanings = [isThere, isWrong, isSlow, isKilled, undefined, "text"].map((error) => ({
    isAway: isDatabaseAway(error),
    isBusy: isDatabaseBusy(error),
    unique: violatedUnique(error),
  }));
  expect(meanings).toEqual([
    { isAway: false, isBusy: false, unique: "facts_pkey" },
    { isAway: false, isBusy: false, unique: undefined },
    { isAway: false, isBusy: true, unique: undefined },
    { isAway: true, isBusy: false, unique: undefined },
    { isAway: false, isBusy: false, unique: undefined },
    { isAway: false, isBusy: false, unique: undefined },
  ]);
});

test("[DB-5] a single statement that waits for a lock lets others pass, and is done once the lock is free", async () => {
  await db.sql`INSERT INTO facts VALUES (50)`;
  const isLocked = Promise.withResolvers<void>();
  const release = Promise.withResolvers<void>();
  const holder = db.transaction(
    async (tx) => {
      await tx`UPDATE facts SET n = n WHERE n = 50`;
      isLocked.resolve();
      await release.promise;
    },
    { pool: "long" },
  );
  await isLocked.promise;
  const called: number[] = [];
  let isDone = false;
  const waiting = [51, 52, 53].map((n) =>
    db.single(async (tx) => {
      tx.afterCommit(() => called.push(n));
      await tx`UPDATE facts SET n = n WHERE n = 50`;
    }),
  );
  const all = Promise.all(waiting).then(() => {
    isDone = true;
  });
  // More than there are connections: some stand behind one that waits.
  await Promise.all(Array.from({ length: 40 }, () => db.sql`SELECT 1`));
  await db.transaction(async (tx) => void (await tx`SELECT 1`));
  expect(isDone).toBe(false);
  release.resolve();
  await Promise.all([holder, all]);
  expect(called.toSorted()).toEqual([51, 52, 53]);
});
