// Puts what the terms of a query have found on a shelf together, as the query says, and adds up what each is worth.
import type { Room, Shelf } from "../../texts/index.ts";
import type { Query, RankedQuery, TermQuery } from "../query/query.ts";
import { COUNT_MASK, type FindTerm, type Found, LEVEL_SHIFT } from "./found.ts";
import { advance, intersect } from "./intersect.ts";

/** Against adding a posting up; measured about. */
const LOOK_UP_COST = 4;

/** Places ascending, beside each what it is worth. */
export interface Matches {
  readonly places: Uint32Array;
  readonly values: Float64Array;
}

export interface Worth {
  /** By term; 0 for what adds nothing. */
  readonly weights: ReadonlyMap<TermQuery, number>;
  /** See lengthNorms; undefined: a document is worth its count. */
  readonly norms: Float64Array | undefined;
  /** Parts of a score by how a word was matched, see levelFactors. */
  readonly factors: readonly number[];
}

/** What a term adds to the score of the document at a place, where it was counted so often. */
export function worthOn(
  { documents: { lengthBytes } }: Shelf,
  { norms, factors }: Pick<Worth, "norms" | "factors">,
): (count: number, weight: number, place: number) => number {
  return (count, weight, place) => {
    if (weight === 0) return 0;
    const plain = count & COUNT_MASK;
    if (!norms) return plain * weight;
    const factor = count > COUNT_MASK ? (factors[count >>> LEVEL_SHIFT] ?? 0) : 1;
    return (factor * weight * plain) / (plain + (norms[lengthBytes[place] ?? 0] ?? 0));
  };
}

/** A term's places with the way to what they are worth, which is worked out for those that stay alone. */
type Part = Matches | { readonly found: Found; readonly weight: number };

export function combine(
  shelf: Shelf,
  query: Query,
  find: FindTerm,
  worths: Worth,
  room: Room,
  sums: SumsPool,
): Matches {
  const { docs } = shelf.documents;
  const { weights } = worths;
  const worth = worthOn(shelf, worths);

  function part(of: Query): Part {
    if (of.kind === "term") return { found: find(of), weight: weights.get(of) ?? 0 };
    return evaluate(of);
  }

  function evaluate(of: Query): Matches {
    switch (of.kind) {
      case "term":
        return all([part(of)]);
      case "all":
        return all(
          of.parts.filter(({ kind }) => kind !== "not").map(part),
          of.parts.flatMap((each) => (each.kind === "not" ? [part(each.part)] : [])),
        );
      case "any":
        return any(of.parts.map(part));
      case "not":
        return all([], [part(of.part)]);
      case "ranked":
        return ranked(of);
    }
  }

  function ranked({ match, by }: RankedQuery): Matches {
    const { places } = evaluate(match);
    const values = new Float64Array(places.length);
    const lists = by.flatMap((term) => {
      const weight = weights.get(term) ?? 0;
      return weight === 0 ? [] : [{ found: find(term), weight }];
    });
    const postings = lists.reduce((sum, { found }) => sum + found.places.length, 0);
    // Of few places each is looked up in each list; of many, the lists are added up as they are.
    if (places.length * lists.length * LOOK_UP_COST < postings) {
      for (const { found, weight } of lists) {
        for (let index = 0, at = 0; index < places.length; index++) {
          const place = places[index] ?? 0;
          at = advance(found.places, at, place);
          if (found.places[at] !== place) continue;
          values[index] = (values[index] ?? 0) + worth(found.counts[at] ?? 0, weight, place);
        }
      }
      return { places, values };
    }
    const lent = sums.take(docs.length);
    for (const { found, weight } of lists) {
      for (let index = 0; index < found.places.length; index++) {
        const place = found.places[index] ?? 0;
        lent.values[place] = (lent.values[place] ?? 0) + worth(found.counts[index] ?? 0, weight, place);
      }
    }
    for (let index = 0; index < places.length; index++) values[index] = lent.values[places[index] ?? 0] ?? 0;
    lent.values.fill(0);
    sums.giveBack(lent);
    return { places, values };
  }

  function all(wanted: readonly Part[], unwanted: readonly Part[] = []): Matches {
    const common =
      wanted.length > 0
        ? intersect(wanted.map(placesOf), room)
        : { places: Uint32Array.from({ length: docs.length }, (_, place) => place), indexes: [] };
    const values = new Float64Array(common.places.length);
    // In the order of the query, so that a document's value is the same to the last bit wherever it is kept.
    for (const [nth, each] of wanted.entries()) {
      const indexes = common.indexes[nth];
      for (let index = 0; index < values.length; index++) {
        const at = indexes?.[index] ?? 0;
        values[index] = (values[index] ?? 0) + valueAt(each, at, common.places[index] ?? 0);
      }
    }
    return without(common.places, values, unwanted);
  }

  function valueAt(each: Part, index: number, place: number): number {
    if ("values" in each) return each.values[index] ?? 0;
    return worth(each.found.counts[index] ?? 0, each.weight, place);
  }

  function any(parts: readonly Part[]): Matches {
    const lent = sums.take(docs.length);
    const { values, isThere } = lent;
    let documents = 0;
    for (const each of parts) {
      const places = placesOf(each);
      for (let index = 0; index < places.length; index++) {
        const place = places[index] ?? 0;
        if (isThere[place] === 0) {
          isThere[place] = 1;
          documents++;
        }
        values[place] = (values[place] ?? 0) + valueAt(each, index, place);
      }
    }
    const matches = gather(lent, documents);
    sums.giveBack(lent);
    return matches;
  }

  return evaluate(query);
}

function placesOf(part: Part): Uint32Array {
  return "values" in part ? part.places : part.found.places;
}

function without(places: Uint32Array, values: Float64Array, unwanted: readonly Part[]): Matches {
  let length = places.length;
  for (const each of unwanted) {
    const list = placesOf(each);
    let kept = 0;
    let at = 0;
    for (let index = 0; index < length; index++) {
      const place = places[index] ?? 0;
      at = advance(list, at, place);
      if (list[at] === place) continue;
      places[kept] = place;
      values[kept++] = values[index] ?? 0;
    }
    length = kept;
  }
  return { places: places.subarray(0, length), values: values.subarray(0, length) };
}

/** Sums by place, and whether anything was added there; all zero when lent. */
interface Sums {
  readonly values: Float64Array;
  readonly isThere: Uint8Array;
}

/** Lends arrays that are large and needed for a moment on each shelf. */
export class SumsPool {
  readonly #free: Sums[] = [];

  take(size: number): Sums {
    const free = this.#free.pop();
    if (free && free.values.length >= size) return free;
    return { values: new Float64Array(size), isThere: new Uint8Array(size) };
  }

  giveBack(sums: Sums): void {
    this.#free.push(sums);
  }
}

/** Leaves the sums all zero. */
function gather({ isThere, values }: Sums, documents: number): Matches {
  // One more than there are: each place is written, and gone over by the next. A processor is slow where it has to guess.
  const places = new Uint32Array(documents + 1);
  const worths = new Float64Array(documents + 1);
  for (let place = 0, index = 0; place < values.length; place++) {
    places[index] = place;
    worths[index] = values[place] ?? 0;
    index += isThere[place] ?? 0;
  }
  isThere.fill(0);
  values.fill(0);
  return { places: places.subarray(0, documents), values: worths.subarray(0, documents) };
}
