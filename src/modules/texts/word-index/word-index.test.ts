import { afterAll, beforeAll, expect, test } from "bun:test";
import { createChance } from "../../../testing/chance.ts";
import { openTestDatabase, type TestDatabase } from "../../../testing/database.ts";
import { textsMigrations } from "../module.ts";
import { type OnPart, TOKENIZER_VERSION } from "../tokenizer/tokenizer.ts";
import { createWordIndex, type WordIndex } from "./index.ts";
import { Corpus, sum, tokenizer, WORDS } from "./test-corpus.ts";

let db: TestDatabase;
beforeAll(async () => {
  db = await openTestDatabase([textsMigrations]);
});
afterAll(() => db.close());

/** So small that a few paragraphs go through everything that a hundred thousand go through. */
const SMALL = { foldDocuments: 20, foldUnits: 3_000, tiers: [40, 160], minTombstones: 1 };

test("[TXT-31] in any order of changes two processes answer as a naive count does", async () => {
  const chance = createChance("word index");
  for (let round = 0; round < 3; round++) {
    const corpus = new Corpus(db, chance);
    const processes = [createWordIndex(tokenizer, SMALL), createWordIndex(tokenizer, SMALL)];
    const either = () => processes[chance.below(2)] as WordIndex;
    for (let step = 0; step < 70; step++) {
      const roll = chance.below(100);
      if (roll < 45) {
        await corpus.add(
          either(),
          Array.from({ length: 1 + chance.below(15) }, () => corpus.randomContent()),
        );
      } else if (roll < 70) {
        for (let times = chance.oneIn(6) ? 30 : 1; times > 0; times--) await corpus.remove(either());
      } else if (roll < 88) {
        await corpus.maintain(either());
      } else if (roll < 90) {
        await db.transaction((tx) => either().requestRebuild(tx, corpus.projectId));
      } else {
        await corpus.expectRight(either());
      }
    }
    for (const index of [...processes, createWordIndex(tokenizer, SMALL)]) await corpus.expectRight(index);
  }
});

test("[TXT-31] asked while it is changed, no answer is of two moments", async () => {
  const chance = createChance("while changing");
  const corpus = new Corpus(db, chance);
  const [writer, reader] = [createWordIndex(tokenizer, SMALL), createWordIndex(tokenizer, SMALL)];
  let isWriting = true;
  let answers = 0;
  // Each paragraph has "even" twice and each batch has two: a total that is no multiple of four would be half a batch.
  const ask = async () => {
    while (isWriting) {
      const { projectId } = corpus;
      const top = await reader.top(db.sql, { projectId, word: "even", limit: 100 });
      expect([top.occurrences % 4, top.documents % 2, top.occurrences]).toEqual([0, 0, top.documents * 2]);
      expect(top.items.length).toBe(Math.min(100, top.documents));
      answers++;
    }
  };
  const asking = Promise.all([ask(), ask(), ask(), ask()]);
  for (let step = 0; step < 100; step++) {
    await corpus.add(writer, ["even odd even", "even even"]);
    if (step % 7 === 6) await corpus.maintain(writer);
    if (step === 50) await db.transaction((tx) => writer.requestRebuild(tx, corpus.projectId));
  }
  isWriting = false;
  await asking;
  expect(answers).toBeGreaterThan(20);
  expect(await reader.top(db.sql, { projectId: corpus.projectId, word: "even", limit: 1 })).toMatchObject({
    documents: 200,
    occurrences: 400,
  });
});

test("[TXT-31] deletions that come while it is folded, merged and made anew are all counted", async () => {
  const chance = createChance("deleting meanwhile");
  const corpus = new Corpus(db, chance);
  const [worker, web] = [createWordIndex(tokenizer, SMALL), createWordIndex(tokenizer, SMALL)];
  for (let round = 0; round < 12; round++) {
    await corpus.add(
      worker,
      Array.from({ length: 30 }, () => corpus.randomContent()),
    );
    if (round % 4 === 3) await db.transaction((tx) => worker.requestRebuild(tx, corpus.projectId));
    const maintained = corpus.maintain(worker);
    const deleted = (async () => {
      for (let times = 0; times < 12; times++) await corpus.remove(web);
    })();
    await Promise.all([maintained, deleted]);
    await corpus.expectRight(chance.oneIn(2) ? web : worker);
  }
});

test("[TXT-27] cut off at any statement, maintenance is done by the next run", async () => {
  const chance = createChance("cut off");
  const corpus = new Corpus(db, chance);
  const index = () => createWordIndex(tokenizer, SMALL);
  let cuts = 0;
  for (const kind of ["fold", "merge", "rebuild"] as const) {
    await corpus.add(
      index(),
      Array.from({ length: kind === "fold" ? 50 : 30 }, () => corpus.randomContent()),
    );
    for (let times = 0; times < 15; times++) await corpus.remove(index());
    if (kind === "rebuild") await db.transaction((tx) => index().requestRebuild(tx, corpus.projectId));
    for (let statement = 1; ; statement++) {
      if (!(await isCut(corpus, index(), statement))) break;
      cuts++;
      if (chance.oneIn(3)) await corpus.expectRight(index());
    }
    await corpus.expectRight(index());
  }
  expect(cuts).toBeGreaterThan(20);
});

/** Runs the maintenance and breaks off at its n-th statement; says whether it got so far. */
async function isCut(corpus: Corpus, index: WordIndex, statement: number): Promise<boolean> {
  let left = statement;
  const run = corpus.maintenance();
  const inTransaction: typeof run.inTransaction = (work) =>
    run.inTransaction((tx) => {
      const count = () => {
        if (--left === 0) throw new Error("cut off");
      };
      const counted = new Proxy(tx, {
        apply(target, _this, [text, ...values]: [TemplateStringsArray, ...unknown[]]) {
          count();
          return target(text, ...values);
        },
      });
      return work(counted);
    });
  try {
    await index.maintain({ ...run, inTransaction }, corpus.projectId);
    return false;
  } catch (error) {
    if (left <= 0) return true;
    throw error;
  }
}

test("[TXT-32] what is deleted leaves the segments, and few of these remain", async () => {
  const chance = createChance("leaving");
  const corpus = new Corpus(db, chance);
  const index = createWordIndex(tokenizer, SMALL);
  for (let round = 0; round < 30; round++) {
    await corpus.add(
      index,
      Array.from({ length: 25 }, () => corpus.randomContent()),
    );
    await corpus.maintain(index);
  }
  const segments = await db.sql<{ documents: number }>`
    SELECT documents FROM text_segments WHERE project_id = ${corpus.projectId}`;
  expect(segments.length).toBeLessThan(16);
  expect(sum(segments.map(({ documents }) => documents))).toBe(750);
  while (corpus.paragraphs.size > 0) await corpus.remove(index);
  await corpus.maintain(index);
  await corpus.expectRight(index);
  for (const table of ["text_segments", "text_blocks", "text_words", "text_tombstones"]) {
    const rows = await db.sql.unsafe(`SELECT 1 FROM ${table} WHERE project_id = $1`, [corpus.projectId]);
    expect([table, rows.length]).toEqual([table, 0]);
  }
});

test("[TXT-32] the index says when so much is deleted that it should be maintained", async () => {
  const chance = createChance("when");
  const corpus = new Corpus(db, chance);
  const index = createWordIndex(tokenizer);
  for (let round = 0; round < 20; round++)
    await corpus.add(
      index,
      Array.from({ length: 200 }, () => "a"),
    );
  await corpus.maintain(index);
  let deleted = 1;
  while (!(await corpus.remove(index))) deleted++;
  // A third of what is left, and 1,024 at least.
  expect(deleted).toBe(1_024);
  await corpus.maintain(index);
  expect(await corpus.remove(index)).toBe(false);
});

test("[TXT-7] a project of an older version is listed, made anew, and answers meanwhile", async () => {
  const chance = createChance("version");
  const corpus = new Corpus(db, chance);
  const old = createWordIndex(tokenizer, SMALL);
  await corpus.add(
    old,
    Array.from({ length: 60 }, () => corpus.randomContent()),
  );
  await corpus.maintain(old);
  await corpus.add(
    old,
    Array.from({ length: 10 }, () => corpus.randomContent()),
  );
  // The next version reads every vowel as a word.
  const part = (content: string) =>
    content
      .replace(/[^aeiou]/g, "")
      .split("")
      .join(" ");
  const vowels = {
    ...tokenizer,
    countWords: (content: string) => tokenizer.countWords(part(content)),
    readText: (content: string) => tokenizer.readText(part(content)),
    scanTerms: (content: string, ...on: [OnPart, OnPart]) => tokenizer.scanTerms(part(content), ...on),
  };
  const version = TOKENIZER_VERSION + 1;
  const next = createWordIndex(vowels, { ...SMALL, tokenizerVersion: version });
  expect(await next.listOutdated(db.sql, 100_000)).toContain(corpus.projectId);
  const query = { projectId: corpus.projectId, word: "the", limit: 1 };
  expect((await old.top(db.sql, query)).documents).toBe(corpus.countNaively("the", 1).documents);
  await corpus.maintain(next);
  expect(await next.listOutdated(db.sql, 100_000)).not.toContain(corpus.projectId);
  const vowelE = sum([...corpus.paragraphs.values()].map(({ content }) => content.split("e").length - 1));
  const top = await next.top(db.sql, { ...query, word: "e" });
  expect(top.occurrences).toBe(vowelE);
  expect((await next.top(db.sql, query)).documents).toBe(0);
  const [first] = top.items;
  const rows = await db.sql<{ word_count: number; tokenizer_version: number }>`
    SELECT word_count, tokenizer_version FROM paragraphs
    WHERE project_id = ${corpus.projectId} AND doc = ${first?.doc}`;
  const content = [...corpus.paragraphs.values()].find(({ doc }) => doc === first?.doc)?.content ?? "";
  expect({ ...rows[0] }).toEqual({
    word_count: content.replace(/[^aeiou]/g, "").length,
    tokenizer_version: version,
  });
  // An older process leaves the newer index alone.
  await corpus.maintain(old);
  expect((await next.top(db.sql, { ...query, word: "e" })).occurrences).toBe(vowelE);
});

test("[TXT-28] erasing leaves no row, a part at a time, and forgets what was remembered", async () => {
  const corpus = new Corpus(db, createChance("erasing"));
  const index = createWordIndex(tokenizer, SMALL);
  await corpus.add(
    index,
    Array.from({ length: 60 }, () => corpus.randomContent()),
  );
  await corpus.maintain(index);
  await corpus.remove(index);
  await corpus.expectRight(index);
  await db.sql`DELETE FROM paragraphs WHERE project_id = ${corpus.projectId}`;
  let parts = 0;
  for (let rows = 1; rows > 0; parts++) {
    rows = await db.transaction((tx) => index.erase(tx, corpus.projectId, 3));
    expect(rows).toBeLessThanOrEqual(3);
  }
  expect(parts).toBeGreaterThan(4);
  for (const word of WORDS) {
    expect(await index.top(db.sql, { projectId: corpus.projectId, word, limit: 1 })).toEqual({
      items: [],
      documents: 0,
      occurrences: 0,
    });
  }
});
