// A part of the index as a search sees it, be it a segment or texts in memory: documents by place, postings by key.
import type { Documents } from "./documents.ts";
import { toKey } from "./key.ts";
import { PositionsReader, UnpackedPositions } from "./positions.ts";
import { decodePostings, type Postings } from "./postings.ts";
import type { SegmentView } from "./project-memory.ts";
import type { Room } from "./room.ts";
import type { Tail } from "./tail.ts";
import { NO_TERM, type SegmentTerm } from "./term-memory.ts";

/** Reads where a term stands in a document. */
export interface ReadPositions {
  /**
   * `index` is that of its postings; ask in ascending order. Puts the places into `into`, which has room for as many as the term was
   * counted there, and returns how many.
   */
  read(index: number, into: Uint32Array): number;
}

export interface Reading {
  readonly documents: number;
  readonly room: Room;
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
  /** In how many documents the term occurs, deleted ones included. Only of the keys that were asked for, as what follows. */
  documentsOf(key: string): number;
  /** In arrays that the room lends. */
  postingsOf(key: string, room: Room): Postings;
  /**
   * Undefined when positions are not kept, as of a version before them.
   * @param counts those of its postings.
   * @param reading of how many documents they will be read, and what lends the arrays for it.
   */
  positionsOf(key: string, counts: Uint32Array, reading: Reading): ReadPositions | undefined;
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
  const documentsOf = (key: string) => {
    const { flat } = tail.term(toKey(key));
    let length = flat.length / 2;
    while (length > 0 && (flat[length * 2 - 2] ?? 0) >= size) length--;
    return length;
  };
  return {
    documents,
    isNumbered,
    deleted,
    liveCount,
    liveScored,
    documentsOf,
    postingsOf(key, room) {
      const { flat } = tail.term(toKey(key));
      const length = documentsOf(key);
      const places = room.take(length);
      const counts = room.take(length);
      for (let index = 0; index < length; index++) {
        places[index] = flat[index * 2] ?? 0;
        counts[index] = flat[index * 2 + 1] ?? 0;
      }
      return { places, counts };
    },
    positionsOf(key) {
      const { positions } = tail.term(toKey(key));
      return positions.length === 0
        ? undefined
        : { read: (index, into) => copy(positions[index] ?? [], into) };
    },
  };
}

function copy(positions: readonly number[], into: Uint32Array): number {
  for (let nth = 0; nth < positions.length; nth++) into[nth] = positions[nth] ?? 0;
  return positions.length;
}

/** @param term finds what was read of a key. */
export function segmentShelf(view: SegmentView, term: (key: string) => SegmentTerm | undefined): Shelf {
  const { documents, deleted, deletedCount, deletedScored } = view;
  return {
    documents,
    isNumbered: true,
    // As of now: whoever deletes more meanwhile makes it known to the same array.
    deleted: deleted?.slice(),
    liveCount: documents.docs.length - deletedCount,
    liveScored: documents.scoredTotal - deletedScored,
    documentsOf: (key) => term(key)?.documents ?? 0,
    postingsOf(key, room) {
      const { documents, postings } = term(key) ?? NO_TERM;
      return decodePostings(postings, documents, room);
    },
    positionsOf(key, counts, { documents, room }) {
      const positions = term(key)?.positions;
      if (!positions) return undefined;
      return documents * SELDOM < counts.length
        ? new PositionsReader(positions, counts)
        : new UnpackedPositions(positions, counts, room);
    },
  };
}

/** Where fewer than one document in so many is read the others are skipped; measured about. */
const SELDOM = 16;
