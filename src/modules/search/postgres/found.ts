// Where the terms of a query are found on one shelf: places, how often, and how well.
import type { Room, Shelf } from "../../texts/index.ts";
import type { TermQuery } from "../query/query.ts";
import { findPhrase } from "./phrase.ts";
import type { Leaf, Plan, Variant } from "./plan.ts";

/** In a count, above the number itself: the level of the best word that matched, index into levelFactors. */
export const LEVEL_SHIFT = 28;
export const COUNT_MASK = (1 << LEVEL_SHIFT) - 1;

/** Places ascending, beside each the count with its level. */
export interface Found {
  readonly places: Uint32Array;
  readonly counts: Uint32Array;
}

export type FindTerm = (term: TermQuery) => Found;

const NOWHERE: Found = { places: new Uint32Array(), counts: new Uint32Array() };
const NO_LEVEL = 255;

interface Wanted {
  readonly word: string;
  /** By language of the shelf how well the word stands for what was asked for. */
  readonly levels: Uint8Array;
}

export interface Rooms {
  /** Cleared for each shelf. */
  readonly room: Room;
  /** Cleared for each question. */
  readonly lasting: Room;
}

/** The terms of a plan on a shelf. */
export class FoundOnShelf {
  readonly shelf: Shelf;
  readonly #plan: Plan;
  readonly #room: Room;
  readonly #lasting: Room;
  /** What takes more than unpacking is worked out once. */
  readonly #merged = new Map<TermQuery, Found>();

  constructor(shelf: Shelf, plan: Plan, { room, lasting }: Rooms) {
    this.shelf = shelf;
    this.#plan = plan;
    this.#room = room;
    this.#lasting = lasting;
  }

  /**
   * Until the room is cleared.
   * @param leastCount where a document has a phrase less often it may be left out.
   */
  readonly find = (term: TermQuery, leastCount = 1): Found => {
    const leaf = this.#plan.leaves.get(term);
    if (!leaf) return NOWHERE;
    if (leaf.kind === "phrase") return findPhrase(this.shelf, leaf.terms, this.#room, leastCount);
    const known = this.#merged.get(term);
    if (known) return known;
    const wanted = this.#wantedOf(leaf);
    const only = onlyWord(wanted);
    if (only !== undefined) return this.shelf.postingsOf(only, this.#room);
    const merged = wanted.length === 0 ? NOWHERE : this.#merge(wanted);
    this.#merged.set(term, merged);
    return merged;
  };

  /** Documents with the term that are not deleted; of a phrase those with its nth term. */
  countLive(term: TermQuery, nth = 0): number {
    const leaf = this.#plan.leaves.get(term);
    if (!leaf) return 0;
    const only = leaf.kind === "phrase" ? leaf.terms[nth] : onlyWord(this.#wantedOf(leaf));
    const { deleted } = this.shelf;
    if (only !== undefined && !deleted) return this.shelf.documentsOf(only);
    const { places } = only === undefined ? this.find(term) : this.shelf.postingsOf(only, this.#room);
    if (!deleted) return places.length;
    let live = 0;
    for (let index = 0; index < places.length; index++) live += 1 - (deleted[places[index] ?? 0] ?? 0);
    return live;
  }

  #wantedOf({ variants }: Extract<Leaf, { kind: "words" }>): readonly Wanted[] {
    return variants.flatMap((variant) => {
      if (this.shelf.documentsOf(variant.word) === 0) return [];
      const levels = levelsOf(this.shelf, variant);
      return levels.every((level) => level === NO_LEVEL) ? [] : [{ word: variant.word, levels }];
    });
  }

  #merge(wanted: readonly Wanted[]): Found {
    const { langOf, docs } = this.shelf.documents;
    const merged = this.#room.take(docs.length).fill(0);
    let documents = 0;
    for (const { word, levels } of wanted) {
      const { places, counts } = this.shelf.postingsOf(word, this.#room);
      for (let index = 0; index < places.length; index++) {
        const place = places[index] ?? 0;
        const level = levels[langOf[place] ?? 0] ?? NO_LEVEL;
        if (level === NO_LEVEL) continue;
        const before = merged[place] ?? 0;
        if (before === 0) documents++;
        const best = before === 0 ? level : Math.min(level, before >>> LEVEL_SHIFT);
        merged[place] = ((best << LEVEL_SHIFT) | ((before & COUNT_MASK) + (counts[index] ?? 0))) >>> 0;
      }
    }
    return gather(merged, documents, this.#lasting);
  }
}

/** Most words by far: themselves and no other. */
function onlyWord(wanted: readonly Wanted[]): string | undefined {
  const [first] = wanted;
  return wanted.length === 1 && first?.levels.every((level) => level === 0) ? first.word : undefined;
}

/** For each language of the shelf how well the word stands for what was asked for. */
function levelsOf({ documents }: Shelf, { level = NO_LEVEL, langs, langLevel }: Variant): Uint8Array {
  return Uint8Array.from(documents.langs, (lang) => (langs.has(lang) ? langLevel : level));
}

/** Counts by place as a list of those that are not 0. */
function gather(merged: Uint32Array, documents: number, room: Room): Found {
  // One more than there are: each place is written, and gone over by the next. A processor is slow where it has to guess.
  const places = room.take(documents + 1);
  const counts = room.take(documents + 1);
  for (let place = 0, index = 0; place < merged.length; place++) {
    const count = merged[place] ?? 0;
    places[index] = place;
    counts[index] = count;
    index += count === 0 ? 0 : 1;
  }
  return { places: places.subarray(0, documents), counts: counts.subarray(0, documents) };
}
