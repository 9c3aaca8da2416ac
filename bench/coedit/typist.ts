// A typist: writes words, corrects one key in ten, and now and then goes on somewhere else, as people do who write a text.
import type { Text } from "yjs";

export interface Typist {
  /** One key. */
  press(): void;
}

const CORRECTIONS = 0.1;
/** A key in so many moves elsewhere first. */
const MOVES = 1 / 120;
const LETTERS = "etaoin shrdlu cmfwyp vbgkjq xz .,\n";

/** Chance from a fixed seed: each run writes the same. */
export function createTypist(text: Text): Typist {
  let [at, seed] = [0, 1];
  const random = () => {
    seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0;
    return seed / 2 ** 32;
  };
  return {
    press() {
      if (random() < MOVES) at = Math.floor(random() * (text.length + 1));
      if (at > 0 && random() < CORRECTIONS) text.delete(--at, 1);
      else text.insert(at++, LETTERS[Math.floor(random() * LETTERS.length)] ?? "e");
    },
  };
}
