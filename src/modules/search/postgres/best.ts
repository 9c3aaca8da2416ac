// Keeps the best hits of a page: by value, then the newest, and only those after the mark where the page before ended.
import { createdMsOf, ID_REST_BYTES, idAt, idRestOf, type Shelf } from "../../texts/index.ts";

export interface Candidate {
  readonly shelf: Shelf;
  readonly place: number;
  readonly value: number;
  readonly score: number;
}

/** A place in the order of hits. */
interface Key {
  readonly value: number;
  readonly createdMs: number;
  /** Of the id what follows its time, and where in the bytes. */
  readonly rests: Uint8Array;
  readonly offset: number;
}

interface Kept extends Key, Candidate {}

export class Best {
  readonly #limit: number;
  readonly #after: Key | undefined;
  readonly #kept: Kept[] = [];
  #threshold = Number.NEGATIVE_INFINITY;
  /** Of the last one kept: among equals an older one has no chance. */
  #thresholdMs = Number.NEGATIVE_INFINITY;

  constructor(limit: number, after: { readonly value: number; readonly id: string } | undefined) {
    this.#limit = limit;
    this.#after = after && {
      value: after.value,
      createdMs: createdMsOf(after.id),
      rests: idRestOf(after.id),
      offset: 0,
    };
  }

  /** Below it a value has no chance. */
  get threshold(): number {
    return this.#threshold;
  }

  /** Of equal values one created before it has no chance. */
  get thresholdMs(): number {
    return this.#thresholdMs;
  }

  /** Of equal values one created after it was on a page before. */
  get afterMs(): number {
    return this.#after?.createdMs ?? Number.POSITIVE_INFINITY;
  }

  offer(shelf: Shelf, place: number, value: number, score: number): void {
    const { createdMs, idRests } = shelf.documents;
    if (value < this.#threshold || (value === this.#threshold && (createdMs[place] ?? 0) < this.#thresholdMs))
      return;
    const kept: Kept = {
      shelf,
      place,
      value,
      score,
      createdMs: createdMs[place] ?? 0,
      rests: idRests,
      offset: place * ID_REST_BYTES,
    };
    if (this.#after && !isBefore(this.#after, kept)) return;
    const list = this.#kept;
    const last = list.at(-1);
    if (list.length === this.#limit && last && !isBefore(kept, last)) return;
    let low = 0;
    let high = list.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const other = list[middle];
      if (other && isBefore(other, kept)) low = middle + 1;
      else high = middle;
    }
    list.splice(low, 0, kept);
    if (list.length > this.#limit) list.pop();
    const worst = list.at(-1);
    if (list.length < this.#limit || !worst) return;
    this.#threshold = worst.value;
    this.#thresholdMs = worst.createdMs;
  }

  list(): readonly Candidate[] {
    return this.#kept;
  }
}

export function idOf({ shelf, place }: Candidate): string {
  return idAt(shelf.documents, place);
}

/** No two are equal, since no two ids are. */
function isBefore(a: Key, b: Key): boolean {
  if (a.value !== b.value) return a.value > b.value;
  if (a.createdMs !== b.createdMs) return a.createdMs > b.createdMs;
  for (let byte = 0; byte < ID_REST_BYTES; byte++) {
    const [one = 0, other = 0] = [a.rests[a.offset + byte], b.rests[b.offset + byte]];
    if (one !== other) return one > other;
  }
  return false;
}
