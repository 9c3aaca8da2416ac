// Hits in the order of their time: what each is worth is worked out for those alone that are shown.
import type { Shelf } from "../../texts/index.ts";
import type { Query, TermQuery } from "../query/query.ts";
import type { Best, Candidate } from "./best.ts";
import type { Matches } from "./combine.ts";
import { type Found, NOWHERE } from "./found.ts";
import { advance, intersect } from "./intersect.ts";

/** Places of the documents that match, ascending. */
export function findPlaces(shelf: Shelf, query: Query, founds: ReadonlyMap<TermQuery, Found>): Uint32Array {
  const { length } = shelf.documents.docs;

  function places(of: Query): Uint32Array {
    switch (of.kind) {
      case "term":
        return (founds.get(of) ?? NOWHERE).places;
      case "any":
        return unite(of.parts.map(places), length);
      case "not":
        return without(everywhere(length), [places(of.part)]);
      case "all": {
        const wanted = of.parts.filter(({ kind }) => kind !== "not").map(places);
        const unwanted = of.parts.flatMap((each) => (each.kind === "not" ? [places(each.part)] : []));
        return without(wanted.length > 0 ? intersect(wanted).places : everywhere(length), unwanted);
      }
    }
  }

  return places(query);
}

function everywhere(length: number): Uint32Array {
  return Uint32Array.from({ length }, (_, place) => place);
}

function unite(lists: readonly Uint32Array[], length: number): Uint32Array {
  const isThere = new Uint8Array(length);
  for (const list of lists) for (let index = 0; index < list.length; index++) isThere[list[index] ?? 0] = 1;
  const united = new Uint32Array(length);
  let count = 0;
  for (let place = 0; place < length; place++) {
    // Written in any case, and gone over by the next: without a branch it is twice as fast.
    united[count] = place;
    count += isThere[place] ?? 0;
  }
  return united.subarray(0, count);
}

function without(places: Uint32Array, unwanted: readonly Uint32Array[]): Uint32Array {
  let left = places;
  for (const list of unwanted) {
    let at = 0;
    left = left.filter((place) => {
      at = advance(list, at, place);
      return list[at] !== place;
    });
  }
  return left;
}

/** Offers what passes, and returns how many these are. */
export function offerNewest(
  best: Best,
  shelf: Shelf,
  places: Uint32Array,
  passes: ((place: number) => boolean) | undefined,
): number {
  const { createdMs } = shelf.documents;
  let total = 0;
  for (let index = places.length - 1; index >= 0; index--) {
    const place = places[index] ?? 0;
    if (passes && !passes(place)) continue;
    total++;
    const ms = createdMs[place] ?? 0;
    if (ms >= best.thresholdMs && ms <= best.afterMs) best.offer(shelf, place, 0, 0);
  }
  return total;
}

/** The same candidates with what they are worth; `combineOn` says it of all that match on a shelf. */
export function withScores(
  candidates: readonly Candidate[],
  combineOn: (shelf: Shelf) => Matches,
): Candidate[] {
  const matches = new Map<Shelf, Matches>();
  return candidates.map((candidate) => {
    const { shelf, place } = candidate;
    const { places, values } = matches.get(shelf) ?? combineOn(shelf);
    matches.set(shelf, { places, values });
    return { ...candidate, score: values[advance(places, 0, place)] ?? 0 };
  });
}
