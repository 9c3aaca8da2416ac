// The query language: words (all of them, or any), OR, "a phrase", -not, pre*, parentheses. What it cannot read is taken as plain words.
import { CHARACTER } from "../../texts/index.ts";
import { listPositiveTerms, type Query, type TermQuery } from "./query.ts";

export interface Parsed {
  /** Undefined when there is no word in it. */
  readonly query: Query | undefined;
  /** Why it was taken as plain words; undefined when it was understood. */
  readonly problem: string | undefined;
}

/** Gives the terms of a text, as the tokenizer does. */
export type ReadTerms = (text: string) => readonly string[];

/** How words that stand side by side are taken: all must occur, or any may. */
export type Operator = "and" | "or";

type Token =
  | { readonly kind: "(" | ")" | "or" | "and" | "-" }
  | { readonly kind: "phrase" | "word"; readonly text: string };

/** Deeper than anybody writes, and far from the end of the stack. */
const MAX_DEPTH = 50;

class Problem extends Error {}

export function parseQuery(text: string, readTerms: ReadTerms, operator: Operator = "and"): Parsed {
  try {
    return { query: new Parser(tokenize(text), readTerms, operator).parse(), problem: undefined };
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    return { query: plainWords(text, readTerms, operator), problem: error.message };
  }
}

/**
 * Words as they are: none of their characters means anything, and nothing is found that has only other words of their stems.
 * What is found is ranked by stems all the same, and by each word of what falls apart into several.
 */
export function queryOfWords(
  words: readonly string[],
  operator: Operator,
  readTerms: ReadTerms,
): Query | undefined {
  const parts = words.flatMap((word) => toTerm(word, "exact", readTerms) ?? []);
  const match = join(operator === "and" ? "all" : "any", parts);
  return match && { kind: "ranked", match, by: words.flatMap((word) => toWords(word, readTerms)) };
}

/** Whether it is nothing but some words, all of which must occur. */
export function isPlain(query: Query, atLeast: number): boolean {
  const isPlainPart = (part: Query): boolean =>
    part.kind === "all" ? part.parts.every(isPlainPart) : part.kind === "term" && isWord(part);
  return isPlainPart(query) && listPositiveTerms(query).length >= atLeast;
}

/** Typed as a word, though it may fall apart; what stands in quotation marks is meant as it stands. */
function isWord({ text, terms, match }: TermQuery): boolean {
  return match === "word" || (match === "exact" && terms.length > 1 && !/\s/.test(text));
}

function plainWords(text: string, readTerms: ReadTerms, operator: Operator): Query | undefined {
  const words = text.split(/[\s()"“”*]+/u).filter((word) => word !== "OR" && word !== "AND");
  if (operator === "or") {
    return join(
      "any",
      words.flatMap((word) => toWords(word, readTerms)),
    );
  }
  return join(
    "all",
    words.flatMap((word) => toTerm(word, "word", readTerms) ?? []),
  );
}

/** Each word by itself; characters of scripts without spaces stay together, since one of them says little. */
function toWords(text: string, readTerms: ReadTerms): TermQuery[] {
  const words: TermQuery[] = [];
  let run: string[] = [];
  const endRun = () => {
    if (run.length > 0) words.push({ kind: "term", text, terms: run, match: "exact" });
    run = [];
  };
  for (const term of readTerms(text)) {
    if (term.startsWith(CHARACTER)) run.push(term);
    else {
      endRun();
      words.push({ kind: "term", text: term, terms: [term], match: "word" });
    }
  }
  endRun();
  return words;
}

function join(kind: "all" | "any", parts: readonly Query[]): Query | undefined {
  return parts.length > 1 ? { kind, parts } : parts[0];
}

function joinAny(parts: readonly Query[]): Query | undefined {
  return join(
    "any",
    parts.flatMap((part) => (part.kind === "any" ? part.parts : part)),
  );
}

/** Undefined when there is nothing in it that could be found. */
function toTerm(text: string, match: TermQuery["match"], readTerms: ReadTerms): TermQuery | undefined {
  const terms = readTerms(text);
  if (terms.length === 0) return undefined;
  // What falls apart into several terms is meant as it stands.
  return { kind: "term", text, terms, match: terms.length > 1 && match === "word" ? "exact" : match };
}

function tokenize(text: string): Token[] {
  const tokens: Token[] = [];
  const pattern = /\s+|([()])|["“”]([^"“”]*)(["“”]?)|(-)(?=[^\s-])|([^\s()"“”]+)/uy;
  for (let found = pattern.exec(text); found; found = pattern.exec(text)) {
    const [, parenthesis, phrase, end, minus, word] = found;
    if (parenthesis === "(" || parenthesis === ")") tokens.push({ kind: parenthesis });
    else if (phrase !== undefined) {
      if (end === "") throw new Problem("A quotation mark is not closed.");
      tokens.push({ kind: "phrase", text: phrase });
    } else if (minus !== undefined) tokens.push({ kind: "-" });
    else if (word === "OR") tokens.push({ kind: "or" });
    else if (word === "AND") tokens.push({ kind: "and" });
    else if (word !== undefined) tokens.push({ kind: "word", text: word });
  }
  return tokens;
}

class Parser {
  readonly #tokens: readonly Token[];
  readonly #readTerms: ReadTerms;
  readonly #operator: Operator;
  #at = 0;
  #depth = 0;

  constructor(tokens: readonly Token[], readTerms: ReadTerms, operator: Operator) {
    this.#tokens = tokens;
    this.#operator = operator;
    this.#readTerms = readTerms;
  }

  parse(): Query | undefined {
    if (this.#tokens.length === 0) return undefined;
    const query = this.#any();
    if (this.#at < this.#tokens.length) throw new Problem("A parenthesis is closed that was not opened.");
    return query;
  }

  #any(): Query | undefined {
    const parts: Query[] = [];
    for (;;) {
      const part = this.#all();
      if (part) parts.push(part);
      if (this.#tokens[this.#at]?.kind !== "or") return joinAny(parts);
      this.#at++;
    }
  }

  #all(): Query | undefined {
    // What AND joins.
    const groups: Query[][] = [];
    let isJoined = false;
    let read = 0;
    for (;;) {
      const kind = this.#tokens[this.#at]?.kind;
      if (kind === undefined || kind === ")" || kind === "or") break;
      if (kind === "and") {
        const next = this.#tokens[++this.#at]?.kind;
        const isBetween = read > 0 && next !== undefined && next !== ")" && next !== "or" && next !== "and";
        if (!isBetween) throw new Problem("AND stands between two words.");
        isJoined = true;
        continue;
      }
      const part = this.#one();
      read++;
      const last = groups.at(-1);
      if (part && isJoined && last) last.push(part);
      else if (part) groups.push([part]);
      isJoined = false;
    }
    if (read === 0)
      throw new Problem(this.#isAtOr() ? "OR stands between two words." : "There is nothing in parentheses.");
    return this.#operator === "and" ? join("all", groups.flat()) : this.#some(groups);
  }

  /** Any of them, and nothing that is excluded. */
  #some(groups: readonly Query[][]): Query | undefined {
    const excluded = groups.flatMap((group) => group.filter(({ kind }) => kind === "not"));
    const wanted = groups.flatMap((group) => {
      return (
        join(
          "all",
          group.filter(({ kind }) => kind !== "not"),
        ) ?? []
      );
    });
    const any = joinAny(wanted);
    return join("all", any ? [any, ...excluded] : excluded);
  }

  #isAtOr(): boolean {
    return this.#tokens[this.#at]?.kind === "or" || this.#tokens[this.#at - 1]?.kind === "or";
  }

  #one(): Query | undefined {
    const token = this.#tokens[this.#at++];
    switch (token?.kind) {
      case "-": {
        const part = this.#excluded();
        return part && { kind: "not", part };
      }
      case "(": {
        if (++this.#depth > MAX_DEPTH) throw new Problem("There are too many parentheses within each other.");
        const inner = this.#any();
        if (this.#tokens[this.#at++]?.kind !== ")") throw new Problem("A parenthesis is not closed.");
        this.#depth--;
        return inner;
      }
      case "phrase":
        return toTerm(token.text, "exact", this.#readTerms);
      case "word":
        return this.#word(token.text);
      default:
        throw new Problem("A word is missing.");
    }
  }

  #excluded(): Query | undefined {
    const kind = this.#tokens[this.#at]?.kind;
    if (kind !== "word" && kind !== "phrase" && kind !== "(") throw new Problem("After - a word is missing.");
    return this.#one();
  }

  #word(text: string): Query | undefined {
    const isPrefix = text.endsWith("*");
    if (this.#operator === "or" && !isPrefix) return join("any", toWords(text, this.#readTerms));
    return toTerm(text, isPrefix ? "prefix" : "word", this.#readTerms);
  }
}
