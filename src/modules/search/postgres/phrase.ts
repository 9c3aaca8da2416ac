// Terms that stand side by side: documents that have all of them, then their places there.
import type { Shelf } from "../../texts/index.ts";
import { type Found, NOWHERE } from "./found.ts";
import { intersect } from "./intersect.ts";

export function findPhrase(shelf: Shelf, terms: readonly string[]): Found {
  const lists: Found[] = [];
  for (const term of terms) {
    const postings = shelf.postingsOf(term);
    if (!postings) return NOWHERE;
    lists.push(postings);
  }
  const readers = terms.map((term) => shelf.positionsOf(term));
  const { places, indexes } = intersect(lists.map((list) => list.places));
  const counts = new Uint32Array(places.length);
  const kept = new Uint32Array(places.length);
  const buffers = terms.map((): number[] => []);
  let length = 0;
  for (let index = 0; index < places.length; index++) {
    let count = 1;
    // Without positions, as of a version before them, all that can be said is that the document has the terms.
    if (readers.every((reader) => reader !== undefined)) {
      const lengths = readers.map((reader, nth) =>
        reader.read(indexes[nth]?.[index] ?? 0, buffers[nth] ?? []),
      );
      count = countRuns(buffers, lengths);
    }
    if (count === 0) continue;
    kept[length] = places[index] ?? 0;
    counts[length++] = count;
  }
  return { places: kept.subarray(0, length), counts: counts.subarray(0, length) };
}

/** How often a place of the first is followed by one of the second, and so on. */
function countRuns(lists: readonly (readonly number[])[], lengths: readonly number[]): number {
  const [first = []] = lists;
  const next = new Array<number>(lists.length).fill(0);
  let runs = 0;
  for (let at = 0; at < (lengths[0] ?? 0); at++) {
    const start = first[at] ?? 0;
    let isRun = true;
    for (let nth = 1; nth < lists.length && isRun; nth++) {
      const list = lists[nth] ?? [];
      const wanted = start + nth;
      let index = next[nth] ?? 0;
      while (index < (lengths[nth] ?? 0) && (list[index] ?? 0) < wanted) index++;
      next[nth] = index;
      isRun = index < (lengths[nth] ?? 0) && list[index] === wanted;
    }
    if (isRun) runs++;
  }
  return runs;
}
