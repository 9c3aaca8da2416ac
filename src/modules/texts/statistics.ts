// What a project holds in numbers: its running totals, and what is counted now and then and kept meanwhile.
import type { Cache } from "../../kernel/cache/index.ts";
import type { Clock } from "../../kernel/clock/index.ts";
import type { Sql } from "../../kernel/db/index.ts";
import { allow, type Projects, type Who } from "../projects/index.ts";
import { countDays, type DayCount, readTotals } from "./statistics-store.ts";
import type { WordIndex } from "./word-index/index.ts";

/** Counting it reads an index from end to end. */
interface Counted {
  readonly distinctWords: number;
  readonly days: readonly DayCount[];
  /** Unix milliseconds. */
  readonly countedAtMs: number;
}

export interface Statistics extends Counted {
  /** Analysed ones. */
  readonly paragraphs: number;
  /** Occurrences of words in them. */
  readonly words: number;
}

export interface StatisticsRequest {
  readonly projectId: string;
  /** So many days up to today. */
  readonly days: number;
}

export interface StatisticsDeps {
  readonly cache: Cache;
  readonly clock: Clock;
  readonly projects: Pick<Projects, "access">;
  readonly index: Pick<WordIndex, "countDistinct">;
}

export type GetStatistics = (sql: Sql, who: Who, request: StatisticsRequest) => Promise<Statistics>;

const KEEP = { ttlMs: 60_000, staleMs: 3_600_000, patienceMs: 300 };
/** Projects of fewer paragraphs are counted each time: that takes milliseconds. */
const SMALL = 10_000;

export function createGetStatistics({ cache, clock, projects, index }: StatisticsDeps): GetStatistics {
  return async (sql, who, { projectId, days }) => {
    allow(await projects.access(sql, projectId, who), "paragraphs.read");
    const totals = await readTotals(sql, projectId);
    const nowMs = clock.now();
    const compute = async (): Promise<Counted> => {
      const distinctWords = await index.countDistinct(sql, projectId);
      return { distinctWords, days: await countDays(sql, projectId, { days, nowMs }), countedAtMs: nowMs };
    };
    const isSmall = totals.paragraphs < SMALL;
    const key = `texts:statistics:${projectId}:${days}`;
    const counted = isSmall ? await compute() : await cache.get(key, { ...KEEP, compute });
    return { ...totals, ...counted };
  };
}
