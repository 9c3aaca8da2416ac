// What a process remembers of the terms of segments: as they are stored, an eighth of what they take unpacked.
import { type BoundedMemory, createBoundedMemory } from "./bounded-memory.ts";
import type { ProjectMemory } from "./project-memory.ts";

export interface SegmentTerm {
  /** 0 when the term does not occur. */
  readonly documents: number;
  readonly postings: Uint8Array;
  /** Undefined until they are asked for, null when there are none. */
  readonly positions: Uint8Array | null | undefined;
}

export const NO_TERM = { documents: 0, postings: new Uint8Array() };

const MAX_BYTES = 48 * 1024 * 1024;
/** Besides what they hold: the entry, and two arrays where a term occurs at all. */
const TERM_BYTES = 200;
const ARRAYS_BYTES = 400;

export class TermMemory {
  readonly #terms: BoundedMemory<SegmentTerm> = createBoundedMemory(MAX_BYTES);

  get(projectId: string, segment: number, key: string): SegmentTerm | undefined {
    return this.#terms.get(`${projectId} ${segment} ${key}`);
  }

  set(projectId: string, segment: number, key: string, term: SegmentTerm): void {
    const { documents, postings, positions } = term;
    const arrays = documents === 0 ? 0 : ARRAYS_BYTES + postings.length + (positions?.length ?? 0);
    this.#terms.set(`${projectId} ${segment} ${key}`, term, TERM_BYTES + arrays, `${projectId} ${segment}`);
  }

  /** Forgets the segments that merges have put others in the place of. */
  forgetGone(projectId: string, memory: ProjectMemory): void {
    for (const segment of memory.takeGone()) this.#terms.deleteGroup(`${projectId} ${segment}`);
  }
}
