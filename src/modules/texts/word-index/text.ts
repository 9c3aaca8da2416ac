// What the index keeps of a text: how often its words occur and where its terms stand, by key.
import type { Tokenizer } from "../tokenizer/tokenizer.ts";
import { toKeys } from "./key.ts";

export interface IndexedText {
  readonly counts: ReadonlyMap<string, number>;
  /** Of each term; keys of characters are no keys of words. */
  readonly positions: ReadonlyMap<string, readonly number[]>;
  readonly wordCount: number;
  /** Whether it has words of scripts without spaces. */
  readonly hasUnspaced: boolean;
}

export type ReadText = (content: string) => IndexedText;

export function createReadText(tokenizer: Pick<Tokenizer, "readText">): ReadText {
  return (content) => {
    const { counts, positions, hasUnspaced } = tokenizer.readText(content);
    let wordCount = 0;
    for (const count of counts.values()) wordCount += count;
    return { counts: toKeys(counts), positions: toKeys(positions), wordCount, hasUnspaced };
  };
}
