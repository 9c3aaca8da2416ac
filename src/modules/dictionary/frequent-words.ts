// The answer of the dictionary: the most frequent words of a project with what they mean, and the two caches before it.
import { createHash } from "node:crypto";
import type { Cache, CachePlan } from "../../kernel/cache/index.ts";
import type { Clock } from "../../kernel/clock/index.ts";
import type { Database } from "../../kernel/db/index.ts";
import type { Texts } from "../texts/index.ts";
import { type Definitions, PROVISIONAL_MS } from "./definitions.ts";
import type { Definition } from "./model.ts";

export interface Asked {
  readonly projectId: string;
  readonly limit: number;
  readonly withStopWords: boolean;
}

export interface FrequentWords {
  readonly words: readonly { readonly count: number; readonly definition: Definition }[];
  /** When they were counted; Unix milliseconds. */
  readonly countedAtMs: number;
  /** Differs whenever the words do. */
  readonly digest: string;
}

export interface FrequentWordsDeps {
  readonly cache: Cache;
  readonly clock: Clock;
  readonly db: Database;
  readonly texts: Pick<Texts, "listFrequent">;
  readonly definitions: Definitions;
  readonly stopWords: readonly string[];
  readonly answerMs: number;
  readonly frequencyMs: number;
}

interface Frequencies {
  readonly words: readonly { readonly word: string; readonly count: number }[];
  readonly countedAtMs: number;
}

export type FindFrequentWords = (asked: Asked, how?: "refresh") => Promise<FrequentWords>;

/** An answer that was not refreshed may be this much older, when making a new one fails or takes long. */
const STALE_MS = 86_400_000;
const PATIENCE_MS = 300;
/** Words are counted for so many at once, so that few entries serve all limits. */
const COUNTED = [100, 1_000];

export function createFindFrequentWords(deps: FrequentWordsDeps): FindFrequentWords {
  const { cache, clock, db, texts, definitions, stopWords, answerMs, frequencyMs } = deps;

  function countPlan({ projectId, withStopWords }: Asked, counted: number): CachePlan<Frequencies> {
    return {
      ttlMs: frequencyMs,
      staleMs: STALE_MS,
      patienceMs: PATIENCE_MS,
      async compute() {
        const countedAtMs = clock.now();
        const except = withStopWords ? [] : stopWords;
        const found = await texts.listFrequent(db.sql, { projectId, limit: counted, except });
        return { countedAtMs, words: found.map(({ word, occurrences }) => ({ word, count: occurrences })) };
      },
    };
  }

  async function count(asked: Asked, how?: "refresh"): Promise<Frequencies> {
    const counted = COUNTED.find((each) => each >= asked.limit) ?? asked.limit;
    const key = `dictionary:frequencies:${asked.projectId}:${counted}:${asked.withStopWords}`;
    const plan = countPlan(asked, counted);
    return how === "refresh" ? cache.refresh(key, plan) : cache.get(key, plan);
  }

  return (asked, how) => {
    const { projectId, limit, withStopWords } = asked;
    const key = `dictionary:answer:${projectId}:${limit}:${withStopWords}`;
    const plan: CachePlan<FrequentWords> = {
      ttlMs: answerMs,
      staleMs: STALE_MS,
      patienceMs: PATIENCE_MS,
      async compute({ keepFor }) {
        const { words: counted, countedAtMs } = await count(asked, how);
        const shown = counted.slice(0, limit);
        const defined = await definitions.define(shown.map(({ word }) => word));
        if (defined.some(({ isProvisional }) => isProvisional)) keepFor(Math.min(PROVISIONAL_MS, answerMs));
        const words = defined.map((definition, index) => ({ count: shown[index]?.count ?? 0, definition }));
        const digest = createHash("sha256").update(JSON.stringify(words)).digest("base64url").slice(0, 22);
        return { words, countedAtMs, digest };
      },
    };
    return how === "refresh" ? cache.refresh(key, plan) : cache.get(key, plan);
  };
}
