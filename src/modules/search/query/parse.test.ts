import { expect, test } from "bun:test";
import { createTokenizer } from "../../texts/index.ts";
import { parseQuery, queryOfWords } from "./parse.ts";
import type { Query } from "./query.ts";

const tokenizer = createTokenizer();
const readTerms = (text: string) => tokenizer.listTerms(text).map(({ word }) => word);
const parse = (text: string) => parseQuery(text, readTerms);

/** A query as one would write it with all its parentheses. */
function write(query: Query | undefined): string {
  if (!query) return "nothing";
  switch (query.kind) {
    case "term": {
      const words = query.terms.join(" ").replaceAll("\u0001", "");
      return query.match === "prefix" ? `${words}*` : query.match === "exact" ? `"${words}"` : words;
    }
    case "not":
      return `-${write(query.part)}`;
    case "all":
      return `(${query.parts.map(write).join(" & ")})`;
    case "any":
      return `(${query.parts.map(write).join(" | ")})`;
    case "ranked":
      return `${write(query.match)} by ${query.by.map(write).join(" ")}`;
  }
}

test("[SRC-2] words, OR, phrases, exclusion, prefix and parentheses", () => {
  const queries = [
    ["Whale", "whale"],
    ["white whale", "(white & whale)"],
    ["white AND whale", "(white & whale)"],
    ["a b OR c d", "((a & b) | (c & d))"],
    ["a OR b OR c", "(a | b | c)"],
    ['"White Whale" ship', '("white whale" & ship)'],
    ["“white whale”", '"white whale"'],
    ["whale -white", "(whale & -white)"],
    ['whale -"white sea" -(red OR blue)', '(whale & -"white sea" & -(red | blue))'],
    ["-white", "-white"],
    ["wha*", "wha*"],
    ["(a OR b) c", "((a | b) & c)"],
    ["((a))", "a"],
    ["e-mail", '"e mail"'],
    ["semi-detached-house", '"semi detached house"'],
    ["数据库", '"数 据 库"'],
    ["or and", "(or & and)"],
    ["don’t", "don't"],
    ["C++ 🐋", "c"],
    ["!!! 🐋", "nothing"],
    ["  ", "nothing"],
  ] as const;
  for (const [text, written] of queries) {
    const { query, problem } = parse(text);
    expect([text, write(query), problem]).toEqual([text, written, undefined]);
  }
});

test("[SRC-3] what is no query is plain words, and the problem is named", () => {
  const misfits = [
    ['white "whale', "(white & whale)", "A quotation mark is not closed."],
    ["(white whale", "(white & whale)", "A parenthesis is not closed."],
    ["white whale)", "(white & whale)", "A parenthesis is closed that was not opened."],
    ["whale OR", "whale", "OR stands between two words."],
    ["OR whale", "whale", "OR stands between two words."],
    ["a OR OR b", "(a & b)", "OR stands between two words."],
    ["AND whale", "whale", "AND stands between two words."],
    ["() whale", "whale", "There is nothing in parentheses."],
    [`${"(".repeat(60)}a${")".repeat(60)}`, "a", "There are too many parentheses within each other."],
  ] as const;
  for (const [text, written, why] of misfits) {
    const { query, problem } = parse(text);
    expect([text, write(query), problem]).toEqual([text, written, why]);
  }
});

test("[SRC-19] with operator=or any of the words may occur, and a sentence is its words", () => {
  const sentences = [
    ["white whale", "(white | whale)"],
    ["Why do whales (white ones) sing?", "(why | do | whales | white | ones | sing)"],
    ["high-speed flow - at 1,000.5 m .", "(high | speed | flow | at | 1,000.5 | m)"],
    ['the "white whale" ship', '(the | "white whale" | ship)'],
    ["white AND whale ship", "((white & whale) | ship)"],
    ["white whale -ship", "((white | whale) & -ship)"],
    ["a b OR c d", "(a | b | c | d)"],
    ["whale (it", "(whale | it)"],
    ["数据库 whale", '("数 据 库" | whale)'],
    ["-white", "-white"],
    ["wha* ?", "wha*"],
  ] as const;
  for (const [text, written] of sentences) {
    const { query } = parseQuery(text, readTerms, "or");
    expect([text, write(query)]).toEqual([text, written]);
  }
});

test("[SRC-3] any text at all is read", () => {
  const pieces = ["(", ")", '"', "-", "OR", "AND", "a", "*", " ", "“", "数", "🐋", "\\", "'", "{", "%"];
  for (let seed = 0; seed < 3_000; seed++) {
    const text = Array.from(
      { length: seed % 9 },
      (_, nth) => pieces[(seed * (nth + 7) * 31 + nth) % pieces.length],
    ).join("");
    expect(() => parse(text)).not.toThrow();
    expect(() => parseQuery(text, readTerms, "or")).not.toThrow();
  }
});

test("[SRC-1] in a list of words nothing is an operator", () => {
  const words = ["OR", "-white", "wha*", '"a', "(b)", "c.*d", "e-mail", "🐋"];
  expect(write(queryOfWords(words, "and", readTerms))).toBe(
    '("or" & "white" & "wha" & "a" & "b" & "c d" & "e mail") by or white wha a b c d e mail',
  );
  expect(write(queryOfWords(["a", "数据"], "or", readTerms))).toBe('("a" | "数 据") by a "数 据"');
  expect(queryOfWords(["🐋"], "or", readTerms)).toBeUndefined();
});
