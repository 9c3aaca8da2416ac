// A part of the index as a search sees it, be it a segment or texts in memory: documents by place, postings by key.
import type { Documents } from "./documents.ts";
import { PositionsReader } from "./positions.ts";
import type { Postings } from "./postings.ts";
import type { Tail } from "./tail.ts";

/** Reads where a term stands in a document. */
export interface ReadPositions {
  /** `index` is that of its postings; ask in ascending order. Puts the places into `into` and returns how many. */
  read(index: number, into: number[]): number;
}

export interface Shelf {
  readonly documents: Documents;
  /** Whether the documents have numbers by which their rows are found; else it is their ids. */
  readonly isNumbered: boolean;
  /** One byte a place, 1 for a deleted document. */
  readonly deleted: Uint8Array | undefined;
  /** Documents that are not deleted, and the sum of their `scoredCounts`. */
  readonly liveCount: number;
  readonly liveScored: number;
  /** Undefined when the term does not occur. Only of the keys that were asked for. */
  postingsOf(key: string): Postings | undefined;
  /** Undefined when positions are not kept, as of a version before them. Only of the keys that were asked for. */
  positionsOf(key: string): ReadPositions | undefined;
}

/** Of a tail up to, not including, the document `nextDoc`. */
export function tailShelf(tail: Tail, nextDoc: number, isNumbered: boolean): Shelf | undefined {
  let size = tail.documents.length;
  while (size > 0 && (tail.documents[size - 1]?.doc ?? 0) >= nextDoc) size--;
  if (size === 0) return undefined;
  const documents = tail.layOut(size);
  let deleted: Uint8Array | undefined;
  let liveCount = size;
  let liveScored = documents.scoredTotal;
  for (const place of tail.deleted) {
    if (place >= size) continue;
    deleted ??= new Uint8Array(size);
    deleted[place] = 1;
    liveCount--;
    liveScored -= documents.scoredCounts[place] ?? 0;
  }
  return {
    documents,
    isNumbered,
    deleted,
    liveCount,
    liveScored,
    postingsOf(key) {
      const { flat } = tail.term(key);
      let length = flat.length / 2;
      while (length > 0 && (flat[length * 2 - 2] ?? 0) >= size) length--;
      if (length === 0) return undefined;
      const places = new Uint32Array(length);
      const counts = new Uint32Array(length);
      for (let index = 0; index < length; index++) {
        places[index] = flat[index * 2] ?? 0;
        counts[index] = flat[index * 2 + 1] ?? 0;
      }
      return { places, counts };
    },
    positionsOf(key) {
      const { positions } = tail.term(key);
      return positions.length === 0
        ? undefined
        : { read: (index, into) => copy(positions[index] ?? [], into) };
    },
  };
}

function copy(positions: readonly number[], into: number[]): number {
  for (let nth = 0; nth < positions.length; nth++) into[nth] = positions[nth] ?? 0;
  return positions.length;
}

/** What a process remembers of a term in a segment. */
export interface SegmentTerm {
  readonly postings: Postings | undefined;
  /** As stored; undefined until it is asked for, null when there are none. */
  readonly positions: Uint8Array | null | undefined;
}

export function readPositions({ postings, positions }: SegmentTerm): ReadPositions | undefined {
  return postings && positions ? new PositionsReader(positions, postings.counts) : undefined;
}
