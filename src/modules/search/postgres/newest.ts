// Hits in the order of their time: what each is worth is worked out for those alone that are shown.
import type { Room, Shelf } from "../../texts/index.ts";
import type { Query } from "../query/query.ts";
import type { Best, Candidate } from "./best.ts";
import type { Matches } from "./combine.ts";
import type { FindTerm, FoundOnShelf } from "./found.ts";
import { advance, intersect } from "./intersect.ts";

/** Places of the documents that match, ascending. */
export function findPlaces(shelf: Shelf, query: Query, find: FindTerm, room: Room): Uint32Array {
  const { length } = shelf.documents.docs;

  function places(of: Query): Uint32Array {
    switch (of.kind) {
      case "term":
        return find(of).places;
      case "any":
        return unite(of.parts.map(places), length, room);
      case "not":
        return without(everywhere(length), [places(of.part)]);
      case "all": {
        const wanted = of.parts.filter(({ kind }) => kind !== "not").map(places);
        const unwanted = of.parts.flatMap((each) => (each.kind === "not" ? [places(each.part)] : []));
        return without(wanted.length > 0 ? common(wanted, length, room) : everywhere(length), unwanted);
      }
      case "ranked":
        return places(of.match);
    }
  }

  return places(query);
}

function everywhere(length: number): Uint32Array {
  return Uint32Array.from({ length }, (_, place) => place);
}

function unite(lists: readonly Uint32Array[], length: number, room: Room): Uint32Array {
  const isThere = room.take(length).fill(0);
  for (const list of lists) for (let index = 0; index < list.length; index++) isThere[list[index] ?? 0] = 1;
  return gather(isThere, 1, room);
}

/** The places of which there is so much. */
function gather(amounts: Uint32Array, wanted: number, room: Room): Uint32Array {
  const places = room.take(amounts.length);
  let count = 0;
  for (let place = 0; place < amounts.length; place++) {
    // Written in any case, and gone over by the next: a processor is slow where it has to guess.
    places[count] = place;
    count += amounts[place] === wanted ? 1 : 0;
  }
  return places.subarray(0, count);
}

/** For lists that are in less than so many times as many documents it is faster to count than to leap. */
const DENSE = 8;

function common(lists: readonly Uint32Array[], length: number, room: Room): Uint32Array {
  const [first] = lists;
  if (first && lists.length === 1) return first;
  const total = lists.reduce((sum, list) => sum + list.length, 0);
  const least = Math.min(...lists.map((list) => list.length));
  if (total > least * DENSE) return intersect(lists, room).places;
  const counts = room.take(length).fill(0);
  for (const list of lists) {
    for (let index = 0; index < list.length; index++) {
      const place = list[index] ?? 0;
      counts[place] = (counts[place] ?? 0) + 1;
    }
  }
  return gather(counts, lists.length, room);
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
  founds: readonly FoundOnShelf[],
  combineOn: (on: FoundOnShelf) => Matches,
): Candidate[] {
  const scores = new Map<Candidate, number>();
  for (const on of founds) {
    const own = candidates.filter(({ shelf }) => shelf === on.shelf);
    if (own.length === 0) continue;
    const { places, values } = combineOn(on);
    for (const candidate of own) {
      scores.set(candidate, values[advance(places, 0, candidate.place)] ?? 0);
    }
  }
  return candidates.map((candidate) => ({ ...candidate, score: scores.get(candidate) ?? 0 }));
}
