// Terms that stand side by side: documents that have all of them, then their places there.
import type { ReadPositions, Room, Shelf } from "../../texts/index.ts";
import { COUNT_MASK, type Found } from "./found.ts";
import { intersect } from "./intersect.ts";

/** @param leastCount where a document has a phrase less often it may be left out. */
export function findPhrase(shelf: Shelf, terms: readonly string[], room: Room, leastCount: number): Found {
  const all = terms.map((term) => shelf.postingsOf(term, room));
  // A phrase is there no more often than any of its terms.
  const lists = all.map((list) =>
    leastCount > 1 ? withCount(list, leastCount, room) : { ...list, indexes: undefined },
  );
  const { places, indexes } = intersect(
    lists.map((list) => list.places),
    room,
  );
  const counts = room.take(places.length);
  if (places.length === 0) return { places, counts };
  const reading = { documents: places.length, room };
  const readers = all.flatMap((list, nth) => shelf.positionsOf(terms[nth] ?? "", list.counts, reading) ?? []);
  // Without positions, as of a version before them, all that can be said is that the document has the terms.
  if (readers.length < terms.length) return { places, counts: counts.fill(1) };

  const runs = new Runs(readers, all);
  const kept = room.take(places.length);
  let length = 0;
  for (let index = 0; index < places.length; index++) {
    runs.begin();
    for (let nth = 0; nth < lists.length && runs.length > 0; nth++) {
      const at = indexes[nth]?.[index] ?? 0;
      runs.goOn(nth, lists[nth]?.indexes?.[at] ?? at);
    }
    kept[length] = places[index] ?? 0;
    counts[length] = runs.length;
    length += runs.length > 0 ? 1 : 0;
  }
  return { places: kept.subarray(0, length), counts: counts.subarray(0, length) };
}

/** What has a count is kept, with the index that it had. */
function withCount(
  { places, counts }: Found,
  leastCount: number,
  room: Room,
): Found & { readonly indexes: Uint32Array } {
  const kept = room.take(places.length);
  const indexes = room.take(places.length);
  let length = 0;
  for (let index = 0; index < places.length; index++) {
    const count = (counts[index] ?? 0) & COUNT_MASK;
    // Written in any case, and gone over by the next: a processor is slow where it has to guess.
    kept[length] = places[index] ?? 0;
    indexes[length] = index;
    length += count >= leastCount ? 1 : 0;
  }
  return { places: kept.subarray(0, length), counts, indexes: indexes.subarray(0, length) };
}

/** Where in one document runs of the terms begin; the arrays are used again for the next, since there may be a million. */
class Runs {
  readonly #readers: readonly ReadPositions[];
  readonly #starts: Uint32Array;
  readonly #places: Uint32Array;
  length = 0;

  constructor(readers: readonly ReadPositions[], lists: readonly Found[]) {
    let most = 0;
    for (const { counts } of lists) {
      for (let index = 0; index < counts.length; index++) most = Math.max(most, counts[index] ?? 0);
    }
    this.#readers = readers;
    this.#starts = new Uint32Array(most);
    this.#places = new Uint32Array(most);
  }

  begin(): void {
    this.length = Number.POSITIVE_INFINITY;
  }

  /** Keeps the runs that go on with the nth term. */
  goOn(nth: number, index: number): void {
    const starts = this.#starts;
    const reader = this.#readers[nth];
    if (!reader) return;
    if (nth === 0) {
      this.length = reader.read(index, starts);
      return;
    }
    const places = this.#places;
    const count = reader.read(index, places);
    let kept = 0;
    let at = 0;
    for (let run = 0; run < this.length; run++) {
      const start = starts[run] ?? 0;
      while (at < count && (places[at] ?? 0) < start + nth) at++;
      starts[kept] = start;
      kept += at < count && places[at] === start + nth ? 1 : 0;
    }
    this.length = kept;
  }
}
