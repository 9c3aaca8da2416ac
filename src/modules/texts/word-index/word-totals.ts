// How often words occur in some documents, laid out for the database.
import { CHARACTER } from "../tokenizer/tokenizer.ts";

export interface WordTotals {
  readonly words: readonly string[];
  readonly documents: readonly number[];
  readonly occurrences: readonly number[];
  /** A character of a script without spaces, which is only there to be found, is left out. */
  add(key: string, documents: number, occurrences: number): void;
  clear(): void;
}

export function createWordTotals(): WordTotals {
  const words: string[] = [];
  const documents: number[] = [];
  const occurrences: number[] = [];
  return {
    words,
    documents,
    occurrences,
    add(key, documentCount, occurrenceCount) {
      if (key.startsWith(CHARACTER)) return;
      words.push(key);
      documents.push(documentCount);
      occurrences.push(occurrenceCount);
    },
    clear() {
      words.length = 0;
      documents.length = 0;
      occurrences.length = 0;
    },
  };
}
