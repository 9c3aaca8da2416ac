// Hits that have any of some terms, best first: adds up what each term is worth, and leaves out what cannot come onto the page.
import type { Shelf } from "../../texts/index.ts";
import type { Query, TermQuery } from "../query/query.ts";
import type { Best } from "./best.ts";
import { type SumsPool, type Worth, worthOn } from "./combine.ts";
import type { Passes } from "./filters.ts";
import { COUNT_MASK, type Found, type FoundOnShelf, LEVEL_SHIFT } from "./found.ts";

export interface AnyTerms {
  /** A hit has one of them at least. */
  readonly match: readonly TermQuery[];
  /** Those that it is scored by, in the order of the query. */
  readonly by: readonly TermQuery[];
}

/** Undefined for a query that asks for more than any of some terms. */
export function readAnyTerms(query: Query): AnyTerms | undefined {
  if (query.kind === "ranked") {
    const match = readAnyTerms(query.match)?.match;
    return match && { match, by: query.by };
  }
  const parts = query.kind === "any" ? query.parts : [query];
  const match = parts.flatMap((part) => (part.kind === "term" ? [part] : []));
  return match.length === parts.length ? { match, by: match } : undefined;
}

export interface Offering {
  readonly best: Best;
  readonly worth: Worth;
  readonly passes: Passes | undefined;
  readonly sums: SumsPool;
  /** Whether hits must be counted one by one; else those that cannot come onto the page are not looked at. */
  readonly isCounting: boolean;
}

/** Sums are rounded: so little may be missing of what is left out. */
const ROUNDING = 1 + 1e-6;

/** Offers what has one of the terms on a shelf; returns how many these are where they are counted. */
export function offerAny({ match, by }: AnyTerms, on: FoundOnShelf, offering: Offering): number {
  const { best, worth, passes, sums, isCounting } = offering;
  const { shelf } = on;
  const weightOf = (term: TermQuery) => worth.weights.get(term) ?? 0;
  const { needed, left, leftWeight } = isCounting
    ? { needed: by, left: [], leftWeight: 0 }
    : leaveOut(by, best.threshold, weightOf);
  if (needed.length === 0) return 0;
  const isOther = match !== by;
  /** What the needed terms of a document must be worth together, so that it has a chance. */
  const least = () => best.threshold / ROUNDING - leftWeight;
  const complete = isOther || left.length > 0 ? completion({ match, by, left }, on, offering) : undefined;
  const [only] = needed;
  let total = 0;

  if (only && needed.length === 1 && !(isOther && isCounting)) {
    const weight = weightOf(only);
    const worthAt = worthOn(shelf, worth);
    let low = least();
    let leastCount = leastCountFor(low, weight, { shelf, worth });
    const { places, counts } = on.find(only, isCounting ? 1 : leastCount);
    if (isCounting) total = passes ? countPassing(places, passes) : places.length;
    for (let index = places.length - 1; index >= 0; index--) {
      const count = counts[index] ?? 0;
      if ((count & COUNT_MASK) < leastCount) continue;
      const place = places[index] ?? 0;
      const part = worthAt(count, weight, place);
      if (part < low) continue;
      offer(place, part);
      if (least() === low) continue;
      low = least();
      leastCount = leastCountFor(low, weight, { shelf, worth });
    }
    return total;
  }

  const { length } = shelf.documents.docs;
  const lent = sums.take(length);
  const { values, isThere } = lent;
  for (const term of needed) {
    const found = on.find(term);
    addWorths(values, found, { shelf, worth, weight: weightOf(term) });
    if (!isOther) mark(isThere, found.places);
  }
  if (isOther) for (const term of match) mark(isThere, on.find(term).places);
  if (isCounting) total = countThere(isThere, length, passes);
  let low = least();
  for (let place = length - 1; place >= 0; place--) {
    const part = values[place] ?? 0;
    if (part < low || isThere[place] === 0) continue;
    offer(place, part);
    low = least();
  }
  values.fill(0);
  isThere.fill(0);
  sums.giveBack(lent);
  return total;

  function offer(place: number, part: number): void {
    if (passes && !passes(place)) return;
    const score = complete ? complete(place, part) : part;
    if (score !== undefined) best.offer(shelf, place, Math.fround(score), score);
  }
}

/** How often a document of the shelf must have a term at least, so that the term is worth so much. */
function leastCountFor(
  least: number,
  weight: number,
  { shelf, worth: { norms } }: { readonly shelf: Shelf; readonly worth: Worth },
): number {
  if (least <= 0) return 0;
  if (!norms) return Math.ceil(least / weight);
  if (least >= weight) return COUNT_MASK;
  // weight count / (count + norm) >= least, for the shortest of the documents.
  const count = (least * (norms[shelf.documents.shortest] ?? 0)) / (weight - least) / ROUNDING;
  return Math.min(Math.ceil(count), COUNT_MASK);
}

interface Adding {
  readonly shelf: Shelf;
  readonly worth: Worth;
  readonly weight: number;
}

/** As worthOn does, in one piece: this is what most of the time goes into. */
function addWorths(values: Float64Array, { places, counts }: Found, { shelf, worth, weight }: Adding): void {
  if (weight === 0) return;
  const { norms, factors } = worth;
  const { lengthBytes } = shelf.documents;
  for (let index = 0; index < places.length; index++) {
    const place = places[index] ?? 0;
    const count = counts[index] ?? 0;
    const plain = count & COUNT_MASK;
    const factor = count > COUNT_MASK ? (factors[count >>> LEVEL_SHIFT] ?? 0) : 1;
    const added = norms
      ? (factor * weight * plain) / (plain + (norms[lengthBytes[place] ?? 0] ?? 0))
      : plain * weight;
    values[place] = (values[place] ?? 0) + added;
  }
}

function mark(isThere: Uint8Array, places: Uint32Array): void {
  for (let index = 0; index < places.length; index++) isThere[places[index] ?? 0] = 1;
}

function countPassing(places: Uint32Array, passes: Passes): number {
  let total = 0;
  for (let index = 0; index < places.length; index++) if (passes(places[index] ?? 0)) total++;
  return total;
}

function countThere(isThere: Uint8Array, length: number, passes: Passes | undefined): number {
  let total = 0;
  if (!passes) for (let place = 0; place < length; place++) total += isThere[place] ?? 0;
  else for (let place = 0; place < length; place++) if (isThere[place] === 1 && passes(place)) total++;
  return total;
}

/**
 * The terms of which a hit on the page must have one (MaxScore: Turtle and Flood, 1995): those that are left are worth too little
 * together. No term is ever worth more than its weight.
 */
function leaveOut(
  terms: readonly TermQuery[],
  threshold: number,
  weightOf: (term: TermQuery) => number,
): { needed: readonly TermQuery[]; left: readonly TermQuery[]; leftWeight: number } {
  const heaviestFirst = terms.toSorted((a, b) => weightOf(b) - weightOf(a));
  let needed = heaviestFirst.length;
  let leftWeight = 0;
  while (needed > 0) {
    const next = leftWeight + weightOf(heaviestFirst[needed - 1] as TermQuery);
    if (next * ROUNDING >= threshold) break;
    leftWeight = next;
    needed--;
  }
  return { needed: heaviestFirst.slice(0, needed), left: heaviestFirst.slice(needed), leftWeight };
}

/**
 * Makes the score of a document whole, of which it is known what the needed terms are worth; undefined when it is not a hit or has no
 * chance. Documents are asked for from the last on.
 */
function completion(
  { match, by, left }: AnyTerms & { readonly left: readonly TermQuery[] },
  on: FoundOnShelf,
  { best, worth }: Offering,
): (place: number, part: number) => number | undefined {
  const worthAt = worthOn(on.shelf, worth);
  const open = (term: TermQuery) => {
    const found = on.find(term);
    return { found, weight: worth.weights.get(term) ?? 0, cursor: found.places.length - 1 };
  };
  // Read when the first document that has a chance is found.
  let lists:
    | { left: ReturnType<typeof open>[]; by: ReturnType<typeof open>[]; match: ReturnType<typeof open>[] }
    | undefined;
  const isOther = match !== by;

  return (place, part) => {
    lists ??= { left: left.map(open), by: by.map(open), match: isOther ? match.map(open) : [] };
    let most = part;
    for (const { weight } of lists.left) most += weight;
    for (const list of lists.left) {
      most -= list.weight;
      const { places, counts } = list.found;
      list.cursor = retreat(places, list.cursor, place);
      if (places[list.cursor] === place) most += worthAt(counts[list.cursor] ?? 0, list.weight, place);
      if (most * ROUNDING < best.threshold) return undefined;
    }
    if (isOther && !lists.match.some((list) => isAt(list, place))) return undefined;
    let score = 0;
    // In the order of the query, so that a document's score is the same to the last bit wherever it is kept.
    for (const list of lists.by) {
      if (isAt(list, place)) score += worthAt(list.found.counts[list.cursor] ?? 0, list.weight, place);
    }
    return score;
  };
}

function isAt(list: { readonly found: Found; cursor: number }, place: number): boolean {
  list.cursor = retreat(list.found.places, list.cursor, place);
  return list.found.places[list.cursor] === place;
}

/** Index of the last place up to `from` that is not above `place`, or -1: by steps that double, since it is mostly near. */
function retreat(places: Uint32Array, from: number, place: number): number {
  if (from < 0 || (places[from] ?? 0) <= place) return from;
  let step = 1;
  let high = from;
  while (high - step >= 0 && (places[high - step] ?? 0) > place) {
    high -= step;
    step *= 2;
  }
  let low = Math.max(high - step, -1);
  while (low + 1 < high) {
    const middle = (low + high) >>> 1;
    if ((places[middle] ?? 0) > place) high = middle;
    else low = middle;
  }
  return low;
}
