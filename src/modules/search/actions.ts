// What can be done with search: ask in the query language or by a list of words, and have words suggested while typing.
import type { Sql } from "../../kernel/db/index.ts";
import { allow, type Projects, type Who } from "../projects/index.ts";
import { CHARACTER, type TextSource } from "../texts/index.ts";
import type { Mark, SearchEngine, SearchRequest, SearchResult, Suggestion } from "./engine.ts";
import { searchErrors } from "./errors.ts";
import { isPlain, type Operator, parseQuery, queryOfWords } from "./query/parse.ts";
import { countTerms, listPositiveTerms, type Query } from "./query/query.ts";

export interface SearchDeps {
  readonly projects: Pick<Projects, "access">;
  readonly engine: SearchEngine;
  readonly source: Pick<TextSource, "listTerms">;
}

export interface TextQuery extends Omit<SearchRequest, "query" | "isFuzzy"> {
  readonly text: string;
  /** Undefined: when there are no hits without. */
  readonly isFuzzy: boolean | undefined;
  /** Undefined: `and`, and `or` when a query of many words has no hits. */
  readonly operator: Operator | undefined;
  /** How the page before was searched, and so this one is. */
  readonly mode?: SearchMode | undefined;
}

/** What the first page settles for those that follow. */
export interface SearchMode {
  readonly isFuzzy: boolean;
  readonly operator: Operator;
}

export interface TextResult extends SearchResult {
  /** Why the query was taken as plain words; undefined when it was understood. */
  readonly problem: string | undefined;
  readonly mode: SearchMode;
  /** The query with words that no paragraph has put right. */
  readonly correction: string | undefined;
}

export interface WordsQuery {
  readonly projectId: string;
  readonly words: readonly string[];
  readonly operator: Operator;
  readonly limit: number;
  readonly after: Mark | undefined;
}

export type SearchActions = ReturnType<typeof createSearchActions>;

/** From so many words on it is likelier that one is too many than that none should be found. */
const RELAXED_FROM = 5;
/** Scores of so many are added up within some 100 ms, whatever they are. */
const MAX_TERMS = 300;
const NOTHING: SearchResult = { hits: [], total: 0, isTotalExact: true, facets: {}, next: undefined };

/** What is tried when there are no hits, unless it was said how to search. */
function otherModes(
  query: Query,
  { isFuzzy, operator }: Pick<TextQuery, "isFuzzy" | "operator">,
): SearchMode[] {
  const modes: SearchMode[] = [];
  const isLong = operator === undefined && isPlain(query, RELAXED_FROM);
  if (isLong) modes.push({ isFuzzy: isFuzzy === true, operator: "or" });
  if (isFuzzy === undefined) modes.push({ isFuzzy: true, operator: isLong ? "or" : (operator ?? "and") });
  return modes;
}

export function createSearchActions({ projects, engine, source }: SearchDeps) {
  const readTerms = (text: string) => source.listTerms(text).map(({ word }) => word);

  async function allowReading(sql: Sql, projectId: string, who: Who): Promise<void> {
    allow(await projects.access(sql, projectId, who), "paragraphs.read");
  }

  async function correct(
    sql: Sql,
    projectId: string,
    text: string,
    query: Query,
  ): Promise<string | undefined> {
    const terms = listPositiveTerms(query).filter(({ match }) => match === "word");
    const words = terms.map((term) => term.terms[0] ?? "");
    if (words.length === 0) return undefined;
    const corrections = await engine.correct(sql, projectId, words);
    if (corrections.size === 0) return undefined;
    let corrected = "";
    let done = 0;
    for (const { word, start, end } of source.listTerms(text)) {
      const right = corrections.get(word);
      if (right === undefined) continue;
      corrected += text.slice(done, start) + right;
      done = end;
    }
    return corrected + text.slice(done);
  }

  return {
    async search(sql: Sql, who: Who, { text, mode, ...asked }: TextQuery): Promise<TextResult> {
      const { isFuzzy, operator, ...request } = asked;
      await allowReading(sql, request.projectId, who);
      const first = mode ?? { isFuzzy: isFuzzy === true, operator: operator ?? "and" };
      const { query, problem } = parseQuery(text, readTerms, first.operator);
      if (!query) return { ...NOTHING, problem, mode: first, correction: undefined };
      if (countTerms(query) > MAX_TERMS) throw searchErrors.QUERY_TOO_LONG();
      const found = await engine.search(sql, { ...request, query, isFuzzy: first.isFuzzy });
      if (found.total > 0 || mode) return { ...found, problem, mode: first, correction: undefined };

      const correction = await correct(sql, request.projectId, text, query);
      for (const next of otherModes(query, asked)) {
        const { query: other = query } = parseQuery(text, readTerms, next.operator);
        const result = await engine.search(sql, { ...request, query: other, isFuzzy: next.isFuzzy });
        if (result.total > 0) return { ...result, problem, mode: next, correction };
      }
      return { ...found, problem, mode: first, correction };
    },

    /** Whole words only, as they are. */
    async searchWords(
      sql: Sql,
      who: Who,
      { words, operator, ...request }: WordsQuery,
    ): Promise<SearchResult> {
      await allowReading(sql, request.projectId, who);
      const query = queryOfWords(words, operator, readTerms);
      if (!query) return NOTHING;
      if (countTerms(query) > MAX_TERMS) throw searchErrors.QUERY_TOO_LONG();
      const options = { sort: "relevance", filter: {}, facets: [], isFuzzy: false } as const;
      return engine.search(sql, { ...request, ...options, query });
    },

    /** Texts that go on what was typed: its last word made whole, the most frequent first. */
    async suggest(
      sql: Sql,
      who: Who,
      {
        projectId,
        text,
        limit,
      }: { readonly projectId: string; readonly text: string; readonly limit: number },
    ): Promise<(Suggestion & { readonly text: string })[]> {
      await allowReading(sql, projectId, who);
      const last = source.listTerms(text).at(-1);
      // After a space the next word could be any; characters of scripts without spaces are no beginning of a word.
      if (!last || last.end < text.length || last.word.startsWith(CHARACTER)) return [];
      const words = await engine.suggest(sql, projectId, last.word, limit);
      return words.map((suggestion) => ({
        ...suggestion,
        text: text.slice(0, last.start) + suggestion.word,
      }));
    },
  };
}
