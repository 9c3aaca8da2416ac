// Searching as one would do it by hand: every text is read for every query. What an engine answers is held against it.
import {
  CHARACTER,
  type createTokenizer,
  type createWordIndex,
  fromLengthByte,
  type ParagraphSource,
} from "../../texts/index.ts";
import type { SearchRequest } from "../engine.ts";
import { listPositiveTerms, type Query, type TermQuery } from "../query/query.ts";

export interface ReferenceText {
  readonly id: string;
  readonly authorId: string;
  readonly postId: string | null;
  readonly source: ParagraphSource;
  readonly lang: string;
  readonly content: string;
}

export interface ReferenceDeps {
  readonly tokenizer: ReturnType<typeof createTokenizer>;
  readonly languages: ReturnType<typeof createWordIndex>["languages"];
}

export interface ReferenceHit {
  readonly id: string;
  readonly score: number;
  readonly highlights: readonly (readonly [number, number])[];
}

type Terms = readonly { readonly word: string; readonly start: number; readonly end: number }[];
interface Read extends ReferenceText {
  readonly terms: Terms;
  readonly length: number;
}

const STOP_WORDS = new Set(
  "a an and are as at be but by for if in into is it no not of on or such that the their then there these they this to was will with".split(
    " ",
  ),
);
/** Longer ones are found whole, and not by their beginning. */
const LONGEST = 256;
const LEVELS = 4;

export function searchByHand(
  { tokenizer, languages }: ReferenceDeps,
  texts: readonly ReferenceText[],
  request: Pick<SearchRequest, "query" | "filter" | "isFuzzy" | "sort">,
): ReferenceHit[] {
  const { query, filter, sort, isFuzzy } = request;
  const all = texts.map((text): Read => {
    const words = tokenizer.listWords(text.content).map(({ word }) => word);
    const scored = text.lang === "en" ? words.filter((word) => !STOP_WORDS.has(word)) : words;
    return { ...text, terms: tokenizer.listTerms(text.content), length: scored.length };
  });
  const average =
    Math.max(
      1,
      all.reduce((sum, { length }) => sum + length, 0),
    ) / Math.max(1, all.length);
  const positive = listPositiveTerms(query);
  const isStop = ({ terms, match }: TermQuery) =>
    terms.length === 1 && match !== "prefix" && STOP_WORDS.has(terms[0] ?? "");
  const leavesOut = positive.some((term) => !isStop(term));

  /** Where a term of the query is in a text: each time the places of its words. With it how well. */
  function occurrences(term: TermQuery, text: Read): { runs: number[][]; level: number } {
    const { terms, match } = term;
    const [first = ""] = terms;
    const runs: number[][] = [];
    let level = LEVELS;
    for (let at = 0; at + terms.length <= text.terms.length; at++) {
      const word = text.terms[at]?.word ?? "";
      const isExact = terms.every((each, nth) => text.terms[at + nth]?.word === each);
      const isPrefix =
        match === "prefix" && terms.length === 1 && word.length <= LONGEST && word.startsWith(first);
      const isStem = match === "word" && hasStemOf(text.lang, word, first);
      const slips =
        isFuzzy && match === "word" && /^\p{L}/u.test(first) ? slipsBetween(word, first) : undefined;
      if (isExact || isPrefix) level = 0;
      else if (isStem) level = Math.min(level, 1);
      else if (slips !== undefined) level = Math.min(level, 1 + slips);
      if (isExact || isPrefix || isStem || slips !== undefined) runs.push(terms.map((_, nth) => at + nth));
    }
    return { runs, level };
  }

  function hasStemOf(lang: string, word: string, of: string): boolean {
    if (!languages.hasStems(lang) || !/^\p{L}/u.test(word) || !/^\p{L}/u.test(of)) return false;
    return languages.stem(lang, word) === languages.stem(lang, of);
  }

  function matches(of: Query, text: Read): boolean {
    switch (of.kind) {
      case "term":
        return occurrences(of, text).runs.length > 0;
      case "all":
        return of.parts.every((part) => matches(part, text));
      case "any":
        return of.parts.some((part) => matches(part, text));
      case "not":
        return !matches(of.part, text);
      case "ranked":
        return matches(of.match, text);
    }
  }

  const idf = (has: (text: Read) => boolean) => {
    const n = all.filter(has).length;
    return Math.log(1 + (all.length - n + 0.5) / (n + 0.5));
  };
  const weights = new Map(
    positive.map((term) => {
      if (leavesOut && isStop(term)) return [term, 0];
      if (term.terms.length === 1) return [term, idf((text) => occurrences(term, text).runs.length > 0)];
      const parts = term.terms.map((word) => idf((text) => text.terms.some((each) => each.word === word)));
      return [term, parts.reduce((sum, part) => sum + part, 0)];
    }),
  );

  const scored = positive.filter((term) => !(leavesOut && isStop(term))).length;
  const stem = 1 - 0.9 / Math.max(1, scored) ** 2;
  const factors = [1, stem, 0.6 * stem, 0.4 * stem];

  function score(of: Query, text: Read): number {
    if (of.kind === "not" || !matches(of, text)) return 0;
    if (of.kind === "ranked") return of.by.reduce((sum, term) => sum + score(term, text), 0);
    if (of.kind !== "term") return of.parts.reduce((sum, part) => sum + score(part, text), 0);
    const { runs, level } = occurrences(of, text);
    if (sort === "count") return runs.length;
    const norm = 1.2 * (0.25 + (0.75 * fromLengthByte(byteOf(text.length))) / average);
    return ((factors[level] ?? 0) * (weights.get(of) ?? 0) * runs.length) / (runs.length + norm);
  }

  function highlights(text: Read): [number, number][] {
    const covered = new Map<number, boolean>();
    const marks: [number, number][] = [];
    for (const term of positive) {
      for (const run of occurrences(term, text).runs) {
        let last: [number, number] | undefined;
        for (const at of run) {
          const { start = 0, end = 0 } = text.terms[at] ?? {};
          if (last && last[1] === start) last[1] = end;
          else {
            last = [start, end];
            marks.push(last);
          }
        }
      }
    }
    for (const [start, end] of marks) {
      for (let unit = start; unit < end; unit++)
        covered.set(unit, covered.get(unit) === true || unit > start);
    }
    // Units that are covered, in ranges; where one range only touches the next, two of them.
    const ranges: [number, number][] = [];
    for (const unit of [...covered.keys()].sort((a, b) => a - b)) {
      const last = ranges.at(-1);
      if (last && last[1] === unit && covered.get(unit) === true) last[1] = unit + 1;
      else ranges.push([unit, unit + 1]);
    }
    return ranges;
  }

  const hits = all.filter((text) => {
    if (filter.authorId !== undefined && text.authorId !== filter.authorId) return false;
    if (filter.postId !== undefined && text.postId !== filter.postId) return false;
    if (filter.source !== undefined && text.source !== filter.source) return false;
    if (filter.lang !== undefined && text.lang !== filter.lang) return false;
    return matches(query, text);
  });
  return hits
    .map((text) => ({ id: text.id, score: score(query, text), highlights: highlights(text) }))
    .sort((a, b) => (sort === "newest" ? 0 : b.score - a.score) || (a.id < b.id ? 1 : -1));
}

/** By hand as well: the definition, without bounds; undefined when it is too many. */
function slipsBetween(word: string, typed: string): number | undefined {
  const letters = [...typed].length;
  const allowed = letters >= 8 ? 2 : letters >= 4 ? 1 : 0;
  if (word.startsWith(CHARACTER) || Math.abs(word.length - typed.length) > allowed) return undefined;
  const slips = distance(word, typed, allowed);
  return slips > 0 && slips <= allowed ? slips : undefined;
}

function distance(a: string, b: string, left: number): number {
  if (a === b) return 0;
  if (left === 0) return 1;
  let start = 0;
  while (start < a.length && a[start] === b[start]) start++;
  const [one, other] = [a.slice(start), b.slice(start)];
  const ways = [distance(one.slice(1), other, left - 1), distance(one, other.slice(1), left - 1)];
  if (one !== "" && other !== "") ways.push(distance(one.slice(1), other.slice(1), left - 1));
  if (one.length > 1 && one[0] === other[1] && one[1] === other[0]) {
    ways.push(distance(one.slice(2), other.slice(2), left - 1));
  }
  return 1 + Math.min(...ways);
}

/** The least byte that stands for a length of at least so much, or the one below it: Lucene rounds down. */
function byteOf(length: number): number {
  let byte = 0;
  while (byte < 255 && fromLengthByte(byte + 1) <= length) byte++;
  return byte;
}
