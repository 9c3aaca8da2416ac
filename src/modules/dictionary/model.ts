// What a word means, as the dictionary keeps it.

export const SOURCES = ["service", "wordnet", "grammar"] as const;

export interface Definition {
  readonly word: string;
  /** The word that is defined: the same, or the one it is a form of. Null when nobody knows it. */
  readonly lemma: string | null;
  readonly phonetic: string | null;
  /** Such as noun; of the definitions given. */
  readonly partOfSpeech: string | null;
  readonly definitions: readonly string[];
  readonly source: (typeof SOURCES)[number] | null;
  /** A better source could not be asked just now. */
  readonly isProvisional: boolean;
}

/** Of one word. */
export const MAX_DEFINITIONS = 5;

export function unknownWord(word: string): Definition {
  return {
    word,
    lemma: null,
    phonetic: null,
    partOfSpeech: null,
    definitions: [],
    source: null,
    isProvisional: false,
  };
}
