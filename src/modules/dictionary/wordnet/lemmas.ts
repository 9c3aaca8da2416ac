// Of which words a word may be a form: the rules of detachment of WordNet's morphy (morphy(7WN)), and its exceptions.
import type { IrregularForms } from "./irregular.ts";

export const KINDS = ["noun", "verb", "adj", "adv"] as const;
export type Kind = (typeof KINDS)[number];

export interface Candidate {
  readonly lemma: string;
  readonly kind: Kind;
}

const RULES: Readonly<Record<Kind, readonly (readonly [ending: string, instead: string])[]>> = {
  noun: [
    ["s", ""],
    ["ses", "s"],
    ["ves", "f"],
    ["xes", "x"],
    ["zes", "z"],
    ["ches", "ch"],
    ["shes", "sh"],
    ["men", "man"],
    ["ies", "y"],
  ],
  verb: [
    ["s", ""],
    ["ies", "y"],
    ["es", "e"],
    ["es", ""],
    ["ed", "e"],
    ["ed", ""],
    ["ing", "e"],
    ["ing", ""],
  ],
  adj: [
    ["er", ""],
    ["est", ""],
    ["er", "e"],
    ["est", "e"],
  ],
  adv: [],
};

/** Those of its irregular forms alone; where a word is one, nothing else is meant by it in most texts. */
export function listIrregular(word: string, forms: IrregularForms): Candidate[] {
  const kinds = ["verb", "noun", "adj"] as const;
  return kinds.flatMap((kind) => {
    const lemma = forms[kind].get(word);
    return lemma === undefined ? [] : [{ lemma, kind }];
  });
}

/** What the rules make of it; most of them are no words. */
export function listRegular(word: string): Candidate[] {
  // "pass" is no plural, and two letters have no ending.
  if (word.length <= 2) return [];
  return KINDS.flatMap((kind) =>
    RULES[kind].flatMap(([ending, instead]) => {
      if (!word.endsWith(ending) || word.length <= ending.length) return [];
      if (kind === "noun" && word.endsWith("ss")) return [];
      return [{ lemma: word.slice(0, -ending.length) + instead, kind }];
    }),
  );
}

/** "whale's" is about the whale; undefined when it is no such form. */
export function withoutPossessive(word: string): string | undefined {
  if (word.endsWith("'s") && word.length > 2) return word.slice(0, -2);
  return word.endsWith("s'") && word.length > 2 ? word.slice(0, -1) : undefined;
}
