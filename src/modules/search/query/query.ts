// A query as every engine understands it, whoever wrote it and however.

/** A word, or several terms that stand side by side: a phrase, or what one typed as a word and the tokenizer takes apart. */
export interface TermQuery {
  readonly kind: "term";
  /** As it was typed. */
  readonly text: string;
  /** As the tokenizer gives them; one at least. */
  readonly terms: readonly string[];
  /** `word`: also other words of its stem; `prefix`: all words that begin with the last term; `exact`: it alone. */
  readonly match: "word" | "exact" | "prefix";
}

export type Query =
  | TermQuery
  | { readonly kind: "all"; readonly parts: readonly Query[] }
  | { readonly kind: "any"; readonly parts: readonly Query[] }
  | { readonly kind: "not"; readonly part: Query }
  | RankedQuery;

/** What `match` finds, in the order of how well `by` describes it: each of these adds to the score, and none must occur. */
export interface RankedQuery {
  readonly kind: "ranked";
  readonly match: Query;
  readonly by: readonly TermQuery[];
}

/** The terms that a hit may have and that make its score, in the order in which they were typed. */
export function listPositiveTerms(query: Query): TermQuery[] {
  switch (query.kind) {
    case "term":
      return [query];
    case "not":
      return [];
    case "ranked":
      return [...query.by];
    case "all":
    case "any":
      return query.parts.flatMap(listPositiveTerms);
  }
}

export function countTerms(query: Query): number {
  switch (query.kind) {
    case "term":
      return query.terms.length;
    case "not":
      return countTerms(query.part);
    case "ranked":
      return Math.max(countTerms(query.match), query.by.length);
    case "all":
    case "any":
      return query.parts.reduce((sum, part) => sum + countTerms(part), 0);
  }
}
