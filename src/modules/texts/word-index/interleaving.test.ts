import { afterAll, beforeAll, expect, test } from "bun:test";
import type { Sql } from "../../../kernel/db/index.ts";
import { createChance } from "../../../testing/chance.ts";
import { openTestDatabase, type TestDatabase } from "../../../testing/database.ts";
import { until } from "../../../testing/until.ts";
import { textsMigrations } from "../module.ts";
import { createWordIndex, type Top } from "./index.ts";
import { Corpus, tokenizer } from "./test-corpus.ts";

let db: TestDatabase;
beforeAll(async () => {
  db = await openTestDatabase([textsMigrations]);
});
afterAll(() => db.close());

const SMALL = { foldDocuments: 10, foldUnits: 3_000, tiers: [40, 160], minTombstones: 1 };
/** Of words that `expectRight` asks for. */
const whales = (count: number) => Array.from({ length: count }, () => "the whale and the");
const words = (count: number) => Array.from({ length: count }, () => "word and word");

/** Runs statements at once and keeps their answers until they are let go: the snapshot is old by then. */
function holding(sql: Sql): { held: Sql; asked: Promise<void>; letGo: () => void } {
  const gate = Promise.withResolvers<void>();
  const asked = Promise.withResolvers<void>();
  const run = (text: TemplateStringsArray, ...values: unknown[]) => {
    const answer = Promise.resolve(sql(text, ...values));
    void answer.then(() => asked.resolve());
    // Only the first is held: what is asked again is asked of the present.
    return gate.promise.then(() => answer);
  };
  return { held: run as unknown as Sql, asked: asked.promise, letGo: gate.resolve };
}

test("[TXT-31] an answer that comes late, after a fold, is still right", async () => {
  const corpus = new Corpus(db, createChance("late"));
  const [worker, web] = [createWordIndex(tokenizer, SMALL), createWordIndex(tokenizer, SMALL)];
  const ask = (sql: Sql) => web.top(sql, { projectId: corpus.projectId, word: "word", limit: 100 });
  await corpus.add(worker, words(8));
  await ask(db.sql);
  const { held, asked, letGo } = holding(db.sql);
  const late = ask(held);
  await asked;
  // With these the tail is long enough to be folded.
  await corpus.add(worker, words(5));
  expect((await ask(db.sql)).documents).toBe(13);
  letGo();
  const answer = await late;
  expect([answer.documents, answer.occurrences, answer.items.length]).toEqual([13, 26, 13]);
});

test("[TXT-31] an answer that comes late, after more was analysed, is of its own moment", async () => {
  const corpus = new Corpus(db, createChance("of its moment"));
  const [worker, web] = [createWordIndex(tokenizer, SMALL), createWordIndex(tokenizer, SMALL)];
  const ask = (sql: Sql) => web.top(sql, { projectId: corpus.projectId, word: "word", limit: 100 });
  await corpus.add(worker, words(4));
  const { held, asked, letGo } = holding(db.sql);
  const late = ask(held);
  await asked;
  await corpus.add(worker, words(5));
  expect((await ask(db.sql)).documents).toBe(9);
  letGo();
  const answer = await late;
  expect([answer.documents, answer.items.length]).toEqual([4, 4]);
});

test("[TXT-31] answers that come at one moment, from before and after a fold, are both right", async () => {
  const corpus = new Corpus(db, createChance("at once"));
  const [worker, web] = [createWordIndex(tokenizer, SMALL), createWordIndex(tokenizer, SMALL)];
  const ask = (sql: Sql) => web.top(sql, { projectId: corpus.projectId, word: "word", limit: 100 });
  await corpus.add(worker, words(8));
  await ask(db.sql);
  const before = holding(db.sql);
  const after = holding(db.sql);
  const answers: Promise<Top>[] = [ask(before.held)];
  await before.asked;
  await corpus.add(worker, words(5));
  answers.push(ask(after.held));
  await after.asked;
  before.letGo();
  after.letGo();
  const found = (await Promise.all(answers)).map((top) => [top.documents, top.occurrences, top.items.length]);
  expect(found).toEqual([
    [8, 16, 8],
    [13, 26, 13],
  ]);
});

/** Whether a session waits for a lock that another holds. */
const isBlocked = async () => {
  const rows = await db.sql`
    SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`;
  return rows.length > 0;
};

test("[TXT-31] a fold waits for a deletion that is not committed yet", async () => {
  const corpus = new Corpus(db, createChance("fold and delete"));
  const index = createWordIndex(tokenizer, SMALL);
  await corpus.add(createWordIndex(tokenizer, { ...SMALL, foldDocuments: 100 }), whales(20));
  const [doomed] = [...corpus.paragraphs.values()];
  if (!doomed) throw new Error("nothing was added");
  let maintained: Promise<void> | undefined;
  await db.transaction(async (tx) => {
    await tx`DELETE FROM paragraphs WHERE id = ${doomed.id}`;
    await index.remove(tx, corpus.projectId, [doomed]);
    maintained = corpus.maintain(index);
    await until("the fold to wait", isBlocked);
  });
  await maintained;
  corpus.paragraphs.delete(doomed.id);
  await corpus.expectRight(createWordIndex(tokenizer, SMALL));
});

test("[TXT-27] a paragraph that is deleted while it is analysed is not counted, be it one of few or of many", async () => {
  for (const count of [3, SMALL.foldDocuments]) {
    const corpus = new Corpus(db, createChance("analyse and delete"));
    const index = createWordIndex(tokenizer, SMALL);
    await corpus.add(index, whales(3));
    const pending = await corpus.store([...whales(count - 1), "the word"]);
    const doomed = pending[1];
    if (!doomed) throw new Error("nothing was stored");
    const others = pending.filter((each) => each !== doomed);
    const [counted, again] = [await index.count(pending), await index.count(pending)];
    let taken: Promise<{ ids: readonly string[] }> | undefined;
    await db.transaction(async (tx) => {
      await tx`DELETE FROM paragraphs WHERE id = ${doomed.id}`;
      taken = db.transaction((other) => index.take(other, corpus.projectId, counted));
      await until("the analysis to wait", isBlocked);
    });
    expect((await taken)?.ids).toEqual(others.map(({ id }) => id));
    await corpus.learn(others);
    await corpus.expectRight(createWordIndex(tokenizer, SMALL));
    // Taken once more, by a run that has read them before, they stay as they are.
    expect((await db.transaction((tx) => index.take(tx, corpus.projectId, again))).ids).toEqual([]);
    await corpus.expectRight(index);
  }
});

test("[TXT-31] many that are taken in again, after their transaction was undone, are all there", async () => {
  const corpus = new Corpus(db, createChance("undone"));
  const index = createWordIndex(tokenizer, SMALL);
  const pending = await corpus.store(whales(SMALL.foldDocuments));
  const counted = await index.count(pending);
  const undone = db.transaction(async (tx) => {
    await index.take(tx, corpus.projectId, counted);
    throw new Error("the connection is gone");
  });
  await expect(undone).rejects.toThrow("gone");
  expect((await db.transaction((tx) => index.take(tx, corpus.projectId, counted))).ids).toHaveLength(10);
  await corpus.learn(pending);
  await corpus.expectRight(createWordIndex(tokenizer, SMALL));
});

test("[TXT-31] segments are merged while others are written and paragraphs are deleted", async () => {
  const chance = createChance("merge beside");
  const corpus = new Corpus(db, chance);
  const index = createWordIndex(tokenizer, SMALL);
  for (let round = 0; round < 12; round++) {
    const more = Array.from({ length: 8 + chance.below(12) }, () => corpus.randomContent());
    await Promise.all([
      index.merge(corpus.maintenance(), corpus.projectId),
      corpus.add(index, more).then(() => corpus.remove(index)),
    ]);
  }
  await corpus.expectRight(createWordIndex(tokenizer, SMALL));
  await corpus.maintain(index);
  await corpus.expectRight(index);
});
