// A number for all that an index says of a document, whatever the order: equal for equal texts, so that millions of postings can
// be held against their texts in the memory of some numbers.
import type { IndexedText } from "./text.ts";

/** FNV-1a, twice from different beginnings: 64 bits against chance; nobody is to be kept from forging one. */
const BEGINNINGS = [0x811c9dc5, 0x01234567] as const;
const PRIME = 0x01000193;

export class Fingerprints {
  readonly #sums: readonly [Uint32Array, Uint32Array];

  constructor(documents: number) {
    this.#sums = [new Uint32Array(documents), new Uint32Array(documents)];
  }

  /** That a word occurs so often in the document at a place, and where, if that is kept. */
  add(place: number, word: string, count: number, positions: Iterable<number> | undefined): void {
    for (const nth of [0, 1] as const) {
      const sums = this.#sums[nth];
      sums[place] = (sums[place] ?? 0) + hash(BEGINNINGS[nth], word, count, positions);
    }
  }

  equals(place: number, text: IndexedText): boolean {
    const right = new Fingerprints(1);
    for (const [word, positions] of text.positions) right.add(0, word, positions.length, positions);
    for (const [word, count] of text.counts) {
      if (!text.positions.has(word)) right.add(0, word, count, undefined);
    }
    return [0, 1].every((nth) => this.#sums[nth]?.[place] === right.#sums[nth]?.[0]);
  }
}

function hash(
  beginning: number,
  word: string,
  count: number,
  positions: Iterable<number> | undefined,
): number {
  let value = beginning;
  for (let index = 0; index < word.length; index++) value = Math.imul(value ^ word.charCodeAt(index), PRIME);
  value = Math.imul(value ^ count, PRIME);
  for (const position of positions ?? []) value = Math.imul(value ^ position, PRIME);
  return value >>> 0;
}
