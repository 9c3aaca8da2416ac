import { afterAll, beforeAll, expect, test } from "bun:test";
import { systemClock } from "../../../kernel/clock/index.ts";
import { createChance } from "../../../testing/chance.ts";
import { openTestDatabase, type TestDatabase } from "../../../testing/database.ts";
import { textsMigrations } from "../../texts/index.ts";
import { Corpus } from "../testing/corpus.ts";
import { expectSearchRight } from "../testing/engine-contract.ts";
import { createPostgresEngine } from "./engine.ts";

let db: TestDatabase;
beforeAll(async () => {
  db = await openTestDatabase([textsMigrations]);
});
afterAll(() => db.close());

const ROUNDS = Number(process.env.SEARCH_ROUNDS ?? 3);
/** With the small ones much is left out, which must make no difference to what is found. */
const EXACT_TOTALS = [0, 3, 10_000];
const vocabulary = { maxAgeMs: 0, maxWords: 100_000 };

test("[SRC-18] at random points of writing, merging, deleting and rebuilding, answers are those of reading all texts", async () => {
  const chance = createChance("search");
  let asked = 0;
  for (let round = 0; round < ROUNDS; round++) {
    const corpus = new Corpus(db, chance);
    const engines = corpus.processes.flatMap(({ source }) =>
      EXACT_TOTALS.map((exactTotal) => {
        const engine = createPostgresEngine({ source, clock: systemClock, vocabulary, exactTotal });
        return { engine, exactTotal };
      }),
    );
    for (let step = 0; step < 60; step++) {
      await corpus.step();
      if (step % 10 === 0) expect(await corpus.listProblems()).toEqual([]);
      for (let times = chance.below(4); times > 0; times--) {
        await expectSearchRight(corpus.pick(engines), db.sql, corpus, chance);
        asked++;
      }
    }
  }
  expect(asked).toBeGreaterThan(ROUNDS * 30);
});
