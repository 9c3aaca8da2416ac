// SQLite's full-text index on the same text, in memory: the peer that search is measured beside.
import { Database } from "bun:sqlite";
import type { LoadResult } from "../load/plan.ts";

export interface Fts {
  /** Paragraphs a second. */
  readonly rate: number;
  /** Each query twice, measured the second time. */
  measure(queries: readonly string[], sort: "relevance" | "newest"): LoadResult["latenciesMs"];
  close(): void;
}

export function openFts(paragraphs: Iterable<string>): Fts {
  const database = new Database(":memory:");
  database.run("CREATE VIRTUAL TABLE texts USING fts5(content, content='')");
  const insert = database.prepare("INSERT INTO texts (rowid, content) VALUES (?, ?)");
  const startedMs = performance.now();
  let count = 0;
  database.run("BEGIN");
  for (const paragraph of paragraphs) insert.run(++count, paragraph);
  database.run("COMMIT");
  const rate = count / ((performance.now() - startedMs) / 1000);
  const orders = { relevance: "bm25(texts)", newest: "rowid DESC" } as const;

  return {
    rate,
    measure(queries, sort) {
      const find = database.prepare(
        `SELECT rowid FROM texts WHERE texts MATCH ? ORDER BY ${orders[sort]} LIMIT 10`,
      );
      for (const query of queries) find.all(query);
      const times = queries
        .map((query) => {
          const askedMs = performance.now();
          find.all(query);
          return performance.now() - askedMs;
        })
        .sort((one, other) => one - other);
      const at = (share: number) =>
        times[Math.min(times.length - 1, Math.floor(times.length * share))] ?? Number.NaN;
      return { p50: at(0.5), p99: at(0.99), max: at(1) };
    },
    close: () => database.close(),
  };
}
