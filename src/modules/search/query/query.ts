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
  | { readonly kind: "not"; readonly part: Query };

/** The terms that a hit may have, in the order in which they were typed. */
export function listPositiveTerms(query: Query): TermQuery[] {
  switch (query.kind) {
    case "term":
      return [query];
    case "not":
      return [];
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
    case "all":
    case "any":
      return query.parts.reduce((sum, part) => sum + countTerms(part), 0);
  }
}
