// What a process remembers of the terms of segments: as they are stored, an eighth of what they take unpacked.
import { type BoundedMemory, createBoundedMemory } from "./bounded-memory.ts";

export interface SegmentTerm {
  /** 0 when the term does not occur. */
  readonly documents: number;
  readonly postings: Uint8Array;
  /** Undefined until they are asked for, null when there are none. */
  readonly positions: Uint8Array | null | undefined;
}

export const NO_TERM = { documents: 0, postings: new Uint8Array() };

/** A term in the segments of a project, by their numbers. */
interface Entry {
  readonly segments: Map<number, SegmentTerm>;
  bytes: number;
}

const MAX_BYTES = 40 * 1024 * 1024;
/** Besides what they hold: a segment's place in the map, and two arrays where the term occurs at all. */
const TERM_BYTES = 100;
const ARRAYS_BYTES = 250;

export class TermMemory {
  readonly #entries: BoundedMemory<Entry> = createBoundedMemory(MAX_BYTES);

  /**
   * What is remembered of a term, of these segments alone: what merges have put others in the place of is forgotten.
   * @param segments those that are there.
   */
  recall(projectId: string, key: string, segments: Iterable<number>): Map<number, SegmentTerm> {
    const found = new Map<number, SegmentTerm>();
    const entry = this.#entries.get(`${projectId} ${key}`);
    if (!entry) return found;
    for (const segment of segments) {
      const term = entry.segments.get(segment);
      if (term) found.set(segment, term);
    }
    if (entry.segments.size > found.size) {
      for (const [segment, term] of entry.segments) {
        if (found.has(segment)) continue;
        entry.segments.delete(segment);
        entry.bytes -= bytesOf(term);
      }
      this.#entries.set(`${projectId} ${key}`, entry, entry.bytes);
    }
    return found;
  }

  remember(
    projectId: string,
    key: string,
    terms: Iterable<readonly [segment: number, term: SegmentTerm]>,
  ): void {
    const entry = this.#entries.get(`${projectId} ${key}`) ?? { segments: new Map(), bytes: 0 };
    for (const [segment, term] of terms) {
      const before = entry.segments.get(segment);
      entry.bytes += bytesOf(term) - (before ? bytesOf(before) : 0);
      entry.segments.set(segment, term);
    }
    this.#entries.set(`${projectId} ${key}`, entry, entry.bytes);
  }
}

function bytesOf({ documents, postings, positions }: SegmentTerm): number {
  if (documents === 0) return TERM_BYTES;
  return TERM_BYTES + ARRAYS_BYTES + postings.length + (positions?.length ?? 0);
}
