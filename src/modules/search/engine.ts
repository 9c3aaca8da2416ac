// What a search engine does for us, whichever it is: one contract, one suite of tests (testing/engine-contract.ts).
import type { Sql } from "../../kernel/db/index.ts";
import type { Paragraph, ParagraphSource } from "../texts/index.ts";
import type { Query } from "./query/query.ts";

export type Sort = "relevance" | "newest" | "count";

export interface Filter {
  readonly authorId?: string | undefined;
  readonly postId?: string | undefined;
  readonly source?: ParagraphSource | undefined;
  /** Fetched from this address. */
  readonly sourceUrl?: string | undefined;
  /** As in the column `lang`. */
  readonly lang?: string | undefined;
  /** Unix milliseconds: created at or after it. */
  readonly fromMs?: number | undefined;
  /** Unix milliseconds: created before it. */
  readonly toMs?: number | undefined;
}

export const FACETS = ["author", "post", "lang", "source"] as const;
export type FacetName = (typeof FACETS)[number];

/** Where a page ended: the key of its last hit, and what its scores were made with, so that the next page's fit to it. */
export interface Mark {
  readonly value: number;
  readonly id: string;
  /** Meaningful to the engine alone. */
  readonly statistics: readonly number[];
}

export interface SearchRequest {
  readonly projectId: string;
  readonly query: Query;
  readonly sort: Sort;
  readonly filter: Filter;
  readonly limit: number;
  readonly after?: Mark | undefined;
  /** Values with most hits of each are counted. */
  readonly facets: readonly FacetName[];
  /** Words with a letter wrong are found, too. */
  readonly isFuzzy: boolean;
}

export interface Hit {
  readonly paragraph: Paragraph;
  /** What it was sorted by: the score, or with `count` how often the words occur in it. */
  readonly score: number;
  /** UTF-16 offsets of what matched, ascending, none over another. */
  readonly highlights: readonly (readonly [start: number, end: number])[];
}

export interface FacetValue {
  readonly value: string;
  readonly count: number;
}

export interface SearchResult {
  readonly hits: readonly Hit[];
  readonly total: number;
  readonly isTotalExact: boolean;
  readonly facets: Readonly<Partial<Record<FacetName, readonly FacetValue[]>>>;
  /** Undefined on the last page. */
  readonly next: Mark | undefined;
}

export interface Suggestion {
  readonly word: string;
  /** In how many paragraphs it occurs, about. */
  readonly paragraphs: number;
}

export interface SearchEngine {
  search(sql: Sql, request: SearchRequest): Promise<SearchResult>;
  /** Words that begin so, the most frequent first. */
  suggest(sql: Sql, projectId: string, prefix: string, limit: number): Promise<Suggestion[]>;
  /** For each word that no paragraph has, the nearest that some have. */
  correct(sql: Sql, projectId: string, words: readonly string[]): Promise<ReadonlyMap<string, string>>;
}
