// Terms that stand side by side: documents that have all of them, then their places there.
import type { ReadPositions, Shelf } from "../../texts/index.ts";
import { type Found, NOWHERE } from "./found.ts";
import { intersect } from "./intersect.ts";

export function findPhrase(shelf: Shelf, terms: readonly string[]): Found {
  const lists: Found[] = [];
  for (const term of terms) {
    const postings = shelf.postingsOf(term);
    if (!postings) return NOWHERE;
    lists.push(postings);
  }
  const { places, indexes } = intersect(lists.map((list) => list.places));
  const counts = new Uint32Array(places.length);
  const readers = terms.flatMap((term) => shelf.positionsOf(term) ?? []);
  // Without positions, as of a version before them, all that can be said is that the document has the terms.
  if (readers.length < terms.length) return { places, counts: counts.fill(1) };

  // Reused for each document: there may be as many as the project has.
  const runs = new Runs(terms.length);
  const kept = new Uint32Array(places.length);
  let length = 0;
  for (let index = 0; index < places.length; index++) {
    for (let nth = 0; nth < readers.length; nth++) runs.read(nth, readers[nth], indexes[nth]?.[index] ?? 0);
    const count = runs.count();
    if (count === 0) continue;
    kept[length] = places[index] ?? 0;
    counts[length++] = count;
  }
  return { places: kept.subarray(0, length), counts: counts.subarray(0, length) };
}

/** The places of the terms in one document. */
class Runs {
  readonly #lists: number[][];
  readonly #lengths: number[];
  readonly #next: number[];

  constructor(terms: number) {
    this.#lists = Array.from({ length: terms }, () => []);
    this.#lengths = new Array<number>(terms).fill(0);
    this.#next = new Array<number>(terms).fill(0);
  }

  read(nth: number, reader: ReadPositions | undefined, index: number): void {
    const list = this.#lists[nth];
    this.#lengths[nth] = reader && list ? reader.read(index, list) : 0;
    this.#next[nth] = 0;
  }

  /** How often a place of the first is followed by one of the second, and so on. */
  count(): number {
    const first = this.#lists[0] ?? [];
    const length = this.#lengths[0] ?? 0;
    let runs = 0;
    for (let at = 0; at < length; at++) {
      const start = first[at] ?? 0;
      let isRun = true;
      for (let nth = 1; nth < this.#lists.length && isRun; nth++) isRun = this.#has(nth, start + nth);
      if (isRun) runs++;
    }
    return runs;
  }

  /** Asked in ascending order. */
  #has(nth: number, place: number): boolean {
    const list = this.#lists[nth] ?? [];
    const length = this.#lengths[nth] ?? 0;
    let index = this.#next[nth] ?? 0;
    while (index < length && (list[index] ?? 0) < place) index++;
    this.#next[nth] = index;
    return index < length && list[index] === place;
  }
}
