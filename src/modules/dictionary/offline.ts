// What words mean without asking anybody: words of grammar from our own list, all others from WordNet, opened at the first word.
import type { Logger } from "../../kernel/telemetry/index.ts";
import type { Grammar } from "./grammar.ts";
import { type Definition, unknownWord } from "./model.ts";
import type { WordNet } from "./wordnet/wordnet.ts";

export interface Offline {
  define(word: string): Promise<Definition>;
  /** Closes the files; the next word opens them again. */
  close(): Promise<void>;
}

export function createOffline(grammar: Grammar, log: Logger): Offline {
  let opening: Promise<WordNet | undefined> | undefined;

  async function open(): Promise<WordNet | undefined> {
    const { openWordNet } = await import("./wordnet/wordnet.ts");
    try {
      return openWordNet();
    } catch (error) {
      log.warn({ err: error }, "the files of WordNet cannot be read: words are shown without definitions");
      return undefined;
    }
  }

  return {
    async define(word) {
      const known = grammar.find(word);
      if (known) return known;
      opening ??= open();
      return (await opening)?.find(word) ?? unknownWord(word);
    },
    async close() {
      const opened = opening;
      opening = undefined;
      (await opened)?.close();
    },
  };
}
