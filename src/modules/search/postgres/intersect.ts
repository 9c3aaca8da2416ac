// Ascending lists of places: what they have in common.

export interface Common {
  readonly places: Uint32Array;
  /** For each list and each common place its index in that list. */
  readonly indexes: readonly Uint32Array[];
}

/** From the shortest list on, so that the work goes with the rarest. */
export function intersect(lists: readonly Uint32Array[]): Common {
  const order = lists.map((_, nth) => nth).sort((a, b) => (lists[a]?.length ?? 0) - (lists[b]?.length ?? 0));
  const [rarest = 0, ...others] = order;
  const candidates = lists[rarest] ?? new Uint32Array();
  const places = candidates.slice();
  const indexes = lists.map(() => new Uint32Array(places.length));
  const rareIndexes = indexes[rarest];
  if (rareIndexes) for (let index = 0; index < places.length; index++) rareIndexes[index] = index;
  let length = places.length;
  const done = [rarest];
  for (const nth of others) {
    const list = lists[nth] ?? new Uint32Array();
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
