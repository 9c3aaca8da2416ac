import { afterAll, beforeAll, expect, test } from "bun:test";
import { createChance } from "../../../testing/chance.ts";
import { openTestDatabase, type TestDatabase } from "../../../testing/database.ts";
import { textsMigrations } from "../module.ts";
import { createWordIndex } from "./index.ts";
import { Corpus, tokenizer } from "./test-corpus.ts";

let db: TestDatabase;
beforeAll(async () => {
  db = await openTestDatabase([textsMigrations]);
});
afterAll(() => db.close());

const SMALL = { foldDocuments: 20, foldUnits: 3_000, tiers: [40, 160], minTombstones: 1 };

test("[TXT-123] an index is right as it is made, and each thing that is changed in it is named", async () => {
  const corpus = new Corpus(db, createChance("verify"));
  const index = createWordIndex(tokenizer, SMALL);
  const { projectId } = corpus;
  expect(await index.verify(db, projectId)).toBeUndefined();
  for (let round = 0; round < 5; round++) {
    await corpus.add(
      index,
      Array.from({ length: 30 }, () => `the whales, ${corpus.randomContent()}`),
    );
    await corpus.remove(index);
    await corpus.maintain(index);
  }
  expect(await index.verify(db, projectId)).toMatchObject({ documents: 145, problems: [] });
  expect(await index.listProjects(db.sql)).toContain(projectId);

  const damages: [sql: string, problem: RegExp][] = [
    ["UPDATE text_blocks SET positions = NULL WHERE project_id = $1", /words of .* are wrong/],
    [
      "DELETE FROM text_blocks WHERE project_id = $1 AND segment = (SELECT max(segment) FROM text_blocks WHERE project_id = $1)",
      /words of .* are wrong/,
    ],
    [
      "UPDATE text_words SET documents = documents + 1 WHERE project_id = $1 AND word = 'the'",
      /totals of "the"/,
    ],
    ["DELETE FROM text_words WHERE project_id = $1 AND word = 'the'", /^words: /],
    [
      "UPDATE paragraphs SET lang = 'es' WHERE project_id = $1 AND doc = (SELECT min(doc) FROM paragraphs WHERE project_id = $1)",
      /stem of "whales" in es/,
    ],
    ["UPDATE text_indexes SET document_count = 7 WHERE project_id = $1", /^document_count: 7, not 145$/],
    [
      "UPDATE paragraphs SET lang = 'fr' WHERE project_id = $1 AND doc = (SELECT min(doc) FROM paragraphs WHERE project_id = $1)",
      /kept of .* is wrong/,
    ],
    [
      "DELETE FROM paragraphs WHERE project_id = $1 AND doc = (SELECT min(doc) FROM paragraphs WHERE project_id = $1)",
      /is gone and has no tombstone/,
    ],
    ["DELETE FROM text_segments WHERE project_id = $1", /^paragraphs in segments: 0/],
  ];
  for (const [damage, problem] of damages) {
    const undo = new Error("undo");
    const done = db.transaction(async (tx) => {
      await tx.unsafe(damage, [projectId]);
      // In the same transaction, which is undone.
      const inside = { transaction: <T>(run: (own: typeof tx) => Promise<T>) => run(guarded(tx)) };
      const found = await index.verify(inside, projectId);
      expect([damage, found?.problems.some((each) => problem.test(each))]).toEqual([damage, true]);
      throw undo;
    });
    await expect(done).rejects.toBe(undo);
  }
});

/** A transaction that has begun cannot change how it sees others; the one of the test is alone anyway. */
function guarded<T extends object>(tx: T): T {
  return new Proxy(tx, {
    apply(target, self, [text, ...values]: [TemplateStringsArray, ...unknown[]]) {
      if (text[0]?.startsWith("SET TRANSACTION")) return Promise.resolve([]);
      // What is proxied is the function that runs SQL.
      return Reflect.apply(target as unknown as (...all: unknown[]) => unknown, self, [text, ...values]);
    },
  });
}
