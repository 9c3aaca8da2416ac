import { afterAll, beforeAll, expect, test } from "bun:test";
import { openTestDatabase, type TestDatabase } from "../../testing/database.ts";

let db: TestDatabase;
beforeAll(async () => {
  db = await openTestDatabase();
});
afterAll(() => db.close());

test("[DB-1] a transaction that throws leaves nothing and calls nothing back", async () => {
  await db.sql`CREATE TABLE facts (n int)`;
  let called = 0;
  const failed = db.transaction(async (tx) => {
    tx.afterCommit(() => called++);
    await tx`INSERT INTO facts VALUES (1)`;
    throw new Error("no");
  });
  expect(failed).rejects.toThrow("no");
  await failed.catch(() => {});
  expect(await db.sql`SELECT * FROM facts`).toEqual([]);
  expect(called).toBe(0);
});
