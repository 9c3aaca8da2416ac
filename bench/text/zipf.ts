// Made-up text whose words are as frequent as those of a language: the nth commonest in proportion to 1 / (n + 1).
import { createRandom, type Random } from "./random.ts";

const VOCABULARY = 50_000;
const CONSONANTS = "bcdfghklmnprstvw";
const VOWELS = "aeiou";

export interface Language {
  /** From the commonest to the rarest. */
  readonly words: readonly string[];
  /** A word, drawn as often as it is common. */
  draw(random: Random): string;
}

export function createLanguage(): Language {
  const words = Array.from({ length: VOCABULARY }, (_, rank) => spell(rank));
  const cumulative = new Float64Array(VOCABULARY);
  let total = 0;
  for (let rank = 0; rank < VOCABULARY; rank++) {
    total += 1 / (rank + 2);
    cumulative[rank] = total;
  }
  return { words, draw: (random) => words[search(cumulative, random() * total)] ?? "" };
}

/** Paragraphs one after the other, the same for the same seed. */
export function* makeParagraphs(
  language: Language,
  options: { count: number; words: number; seed: number },
): Generator<string> {
  const random = createRandom(options.seed);
  for (let made = 0; made < options.count; made++) {
    const words = Array.from({ length: options.words }, () => language.draw(random));
    yield `${words.join(" ")}.`;
  }
}

/** A word of two or more syllables that no other rank has. */
function spell(rank: number): string {
  let word = "";
  for (let rest = rank + CONSONANTS.length * VOWELS.length; rest > 0; ) {
    word += CONSONANTS[rest % CONSONANTS.length];
    rest = Math.floor(rest / CONSONANTS.length);
    word += VOWELS[rest % VOWELS.length];
    rest = Math.floor(rest / VOWELS.length);
  }
  return word;
}

/** Index of the first value above the one sought. */
function search(cumulative: Float64Array, value: number): number {
  let low = 0;
  let high = cumulative.length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((cumulative[middle] ?? 0) > value) high = middle;
    else low = middle + 1;
  }
  return low;
}
