// Where one term of a query is found on one shelf: places, how often, and how well.
import type { Shelf } from "../../texts/index.ts";
import { findPhrase } from "./phrase.ts";
import type { Leaf, Variant } from "./plan.ts";

/** In a count, above the number itself: the level of the best word that matched, index into LEVEL_FACTORS. */
export const LEVEL_SHIFT = 28;
export const COUNT_MASK = (1 << LEVEL_SHIFT) - 1;

/** Places ascending, beside each the count with its level. */
export interface Found {
  readonly places: Uint32Array;
  readonly counts: Uint32Array;
}

export const NOWHERE: Found = { places: new Uint32Array(), counts: new Uint32Array() };

export function findLeaf(shelf: Shelf, leaf: Leaf): Found {
  return leaf.kind === "phrase" ? findPhrase(shelf, leaf.terms) : findWords(shelf, leaf.variants);
}

function findWords(shelf: Shelf, variants: readonly Variant[]): Found {
  const lists = variants.flatMap((variant) => {
    const postings = shelf.postingsOf(variant.word);
    if (!postings) return [];
    const levels = levelsOf(shelf, variant);
    return levels.every((level) => level === NO_LEVEL) ? [] : [{ postings, levels }];
  });
  const [first] = lists;
  if (!first) return NOWHERE;
  // Most words by far: themselves and no other.
  if (lists.length === 1 && first.levels.every((level) => level === 0)) return first.postings;

  const { langOf } = shelf.documents;
  const merged = new Uint32Array(shelf.documents.docs.length);
  let documents = 0;
  for (const { postings, levels } of lists) {
    const { places, counts } = postings;
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
  return gather(merged, documents);
}

const NO_LEVEL = 255;

/** For each language of the shelf how well the word stands for what was asked for. */
function levelsOf({ documents }: Shelf, { level = NO_LEVEL, langs, langLevel }: Variant): Uint8Array {
  return Uint8Array.from(documents.langs, (lang) => (langs.has(lang) ? langLevel : level));
}

/** Counts by place as a list of those that are not 0. */
function gather(merged: Uint32Array, documents: number): Found {
  const places = new Uint32Array(documents);
  const counts = new Uint32Array(documents);
  for (let place = 0, index = 0; index < documents; place++) {
    const count = merged[place] ?? 0;
    if (count === 0) continue;
    places[index] = place;
    counts[index++] = count;
  }
  return { places, counts };
}

/** Documents among them that are not deleted. */
export function countLive({ deleted }: Shelf, { places }: Found): number {
  if (!deleted) return places.length;
  let live = 0;
  for (let index = 0; index < places.length; index++) if (deleted[places[index] ?? 0] === 0) live++;
  return live;
}
