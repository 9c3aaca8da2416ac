// Where in a paragraph the terms of a query stand: by the same words, stems and phrases by which it was found.
import type { TextSource } from "../../texts/index.ts";
import { listPositiveTerms } from "../query/query.ts";
import type { Leaf, Plan } from "./plan.ts";

export type Range = readonly [start: number, end: number];

export function findHighlights(
  source: Pick<TextSource, "listTerms">,
  plan: Plan,
  content: string,
  lang: string,
): Range[] {
  const terms = source.listTerms(content);
  const ranges: Range[] = [];
  for (const term of listPositiveTerms(plan.query)) {
    const leaf = plan.leaves.get(term);
    if (!leaf) continue;
    if (leaf.kind === "phrase") ranges.push(...phraseRanges(terms, leaf.terms));
    else ranges.push(...wordRanges(terms, leaf, lang));
  }
  return joinRanges(ranges);
}

type Terms = ReturnType<TextSource["listTerms"]>;

function wordRanges(terms: Terms, leaf: Extract<Leaf, { kind: "words" }>, lang: string): Range[] {
  const words = new Set(
    leaf.variants.flatMap(({ word, level, langs }) => (level !== undefined || langs.has(lang) ? [word] : [])),
  );
  return terms.flatMap(({ word, start, end }) => (words.has(word) ? [[start, end] as const] : []));
}

/** A range for each term of a phrase; those of a script without spaces touch, and so become one. */
function phraseRanges(terms: Terms, phrase: readonly string[]): Range[] {
  const ranges: Range[] = [];
  for (let at = 0; at + phrase.length <= terms.length; at++) {
    if (!phrase.every((word, nth) => terms[at + nth]?.word === word)) continue;
    const run = terms.slice(at, at + phrase.length);
    let last: [number, number] | undefined;
    for (const { start, end } of run) {
      if (last && last[1] === start) last[1] = end;
      else {
        last = [start, end];
        ranges.push(last);
      }
    }
  }
  return ranges;
}

/** Ascending, none over another. */
function joinRanges(ranges: readonly Range[]): Range[] {
  const joined: [number, number][] = [];
  for (const [start, end] of [...ranges].sort((a, b) => a[0] - b[0] || a[1] - b[1])) {
    const last = joined.at(-1);
    if (last && start < last[1]) last[1] = Math.max(last[1], end);
    else joined.push([start, end]);
  }
  return joined;
}
