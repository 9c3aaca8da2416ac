import { afterAll, beforeAll, expect, test } from "bun:test";
import { type Chance, createChance } from "../../../testing/chance.ts";
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
/** Too long for a key of the index, and so for a dictionary. */
const LONG = "long".repeat(100);

/** Some words in nearly every text, many in a few: counts on both sides of every step. */
function randomText(chance: Chance): string {
  const word = () => {
    const rank = Math.floor(60 / (1 + chance.below(60))) * (1 + chance.below(3)) - 1;
    return chance.oneIn(40) ? LONG : chance.oneIn(30) ? "𝒳 ﬀ 数据库" : `w${rank} rare${chance.below(400)}`;
  };
  return Array.from({ length: 1 + chance.below(8) }, word).join(" ");
}

function countNaively(corpus: Corpus, except: readonly string[]) {
  const counts = new Map<string, { documents: number; occurrences: number }>();
  for (const { content } of corpus.paragraphs.values()) {
    for (const [word, count] of tokenizer.countWords(content)) {
      const known = counts.get(word) ?? { documents: 0, occurrences: 0 };
      counts.set(word, { documents: known.documents + 1, occurrences: known.occurrences + count });
    }
  }
  return [...counts]
    .map(([word, each]) => ({ word, ...each }))
    .filter(({ word }) => word.length <= 256 && !except.includes(word))
    .sort(
      (a, b) => b.occurrences - a.occurrences || Buffer.compare(Buffer.from(a.word), Buffer.from(b.word)),
    );
}

test("[TXT-150] at any point of adding, folding, merging, deleting and rebuilding they are those of a naive count", async () => {
  const chance = createChance("frequent");
  for (let round = 0; round < 1; round++) {
    const corpus = new Corpus(db, chance);
    const index = createWordIndex(tokenizer, SMALL);
    for (let step = 0; step < 40; step++) {
      const roll = chance.below(10);
      if (roll < 5) {
        const texts = Array.from({ length: 1 + chance.below(25) }, () => randomText(chance));
        await corpus.add(index, texts);
      } else if (roll < 7) for (let times = chance.below(10); times > 0; times--) await corpus.remove(index);
      else if (roll < 8) await corpus.maintain(index);
      else if (roll < 9 && chance.oneIn(3))
        await db.transaction((tx) => index.requestRebuild(tx, corpus.projectId));
      for (const limit of [1, 3, 8, 40, 1_000]) {
        const except = chance.oneIn(2) ? [] : ["w0", "w1", "rare7"];
        const found = await index.frequent(db.sql, { projectId: corpus.projectId, limit, except });
        expect(found).toEqual(countNaively(corpus, except).slice(0, limit));
      }
    }
  }
});

test("[TXT-150] read by index, however many words there are", async () => {
  const projectId = crypto.randomUUID();
  await db.sql`INSERT INTO text_indexes (project_id, tokenizer_version) VALUES (${projectId}, 1)`;
  await db.sql`
    INSERT INTO text_words (project_id, word, documents, occurrences)
    SELECT ${projectId}, 'w' || n, 1, 1 + 3000000 / n FROM generate_series(1, 30000) AS n`;
  await db.sql`ANALYZE text_words`;
  const index = createWordIndex(tokenizer);
  const { found, rows } = await db.transaction(async (tx) => {
    const before = await readOf(tx);
    const list = await index.frequent(tx, { projectId, limit: 10, except: [] });
    return { found: list, rows: (await readOf(tx)) - before };
  });
  expect(found.map(({ word }) => word)).toEqual(Array.from({ length: 10 }, (_, n) => `w${n + 1}`));
  expect(rows).toBeLessThan(200);

  async function readOf(sql: typeof db.sql): Promise<number> {
    const [row] = await sql<{ rows: number }>`
      SELECT (seq_tup_read + coalesce(idx_tup_fetch, 0))::float8 AS rows FROM pg_stat_xact_user_tables
      WHERE relname = 'text_words'`;
    return row?.rows ?? 0;
  }
});
