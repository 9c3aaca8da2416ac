// Ascending lists of places: what they have in common.
import type { Room } from "../../texts/index.ts";

export interface Common {
  readonly places: Uint32Array;
  /** For each list and each common place its index in that list. */
  readonly indexes: readonly Uint32Array[];
}

const NONE = new Uint32Array();
/** For a list of less than so many times as many places it is faster to look each up than to leap. */
const DENSE = 8;

/** From the shortest list on, so that the work goes with the rarest; in arrays that the room lends. */
export function intersect(lists: readonly Uint32Array[], room: Room): Common {
  const order = lists.map((_, nth) => nth).sort((a, b) => (lists[a]?.length ?? 0) - (lists[b]?.length ?? 0));
  const [rarest = 0, ...others] = order;
  const candidates = lists[rarest] ?? new Uint32Array();
  const places = room.take(candidates.length);
  places.set(candidates);
  const indexes = lists.map(() => room.take(places.length));
  const rareIndexes = indexes[rarest];
  if (rareIndexes) for (let index = 0; index < places.length; index++) rareIndexes[index] = index;
  let length = places.length;
  const done = [rarest];
  for (const nth of others) {
    const list = lists[nth] ?? NONE;
    if (list.length < length * DENSE) {
      length = keepCommon(list, { nth, length, places, indexes, done }, room);
      done.push(nth);
      continue;
    }
    let kept = 0;
    let at = 0;
    for (let index = 0; index < length; index++) {
      const place = places[index] ?? 0;
      at = advance(list, at, place);
      if (at >= list.length) break;
      if (list[at] !== place) continue;
      places[kept] = place;
      for (const other of done) {
        const own = indexes[other];
        if (own) own[kept] = own[index] ?? 0;
      }
      const own = indexes[nth];
      if (own) own[kept] = at;
      kept++;
    }
    done.push(nth);
    length = kept;
  }
  return { places: places.subarray(0, length), indexes: indexes.map((own) => own.subarray(0, length)) };
}

interface Candidates {
  readonly nth: number;
  readonly length: number;
  readonly places: Uint32Array;
  readonly indexes: readonly Uint32Array[];
  readonly done: readonly number[];
}

/** The same by a look into a table: whether a place is there is chance, and a processor is slow where it cannot guess. */
function keepCommon(
  list: Uint32Array,
  { nth, length, places, indexes, done }: Candidates,
  room: Room,
): number {
  const size = Math.max(list.at(-1) ?? 0, length > 0 ? (places[length - 1] ?? 0) : 0) + 1;
  const after = room.take(size).fill(0);
  for (let index = 0; index < list.length; index++) after[list[index] ?? 0] = index + 1;
  const own = indexes[nth] ?? new Uint32Array(length);
  const others = done.map((each) => indexes[each] ?? own);
  let kept = 0;
  for (let index = 0; index < length; index++) {
    const place = places[index] ?? 0;
    const found = after[place] ?? 0;
    // Written in any case, and gone over by the next.
    places[kept] = place;
    own[kept] = found - 1;
    for (let other = 0; other < others.length; other++) {
      const list = others[other];
      if (list) list[kept] = list[index] ?? 0;
    }
    kept += found > 0 ? 1 : 0;
  }
  return kept;
}

/** Index of the first place from `from` on that is not below `place`: by steps that double, since it is mostly near. */
export function advance(list: Uint32Array, from: number, place: number): number {
  if (from >= list.length || (list[from] ?? 0) >= place) return from;
  let step = 1;
  let low = from;
  while (low + step < list.length && (list[low + step] ?? 0) < place) {
    low += step;
    step *= 2;
  }
  let high = Math.min(low + step, list.length);
  while (low + 1 < high) {
    const middle = (low + high) >>> 1;
    if ((list[middle] ?? 0) < place) low = middle;
    else high = middle;
  }
  return high;
}
