// The documents in which a word occurs most: one pass over its postings, keeping the best.
import { createdMsOf } from "../model.ts";
import type { Postings } from "./postings.ts";
import type { SegmentView } from "./project-memory.ts";
import type { Tail } from "./tail.ts";

export interface TopDocument {
  readonly doc: number;
  readonly count: number;
}

interface Candidate extends TopDocument {
  readonly createdMs: number;
}

/** Keeps the best: most occurrences first, then the oldest, then by number. */
export class Best {
  readonly #limit: number;
  readonly #kept: Candidate[] = [];
  /** The one to beat, once there are enough; as plain numbers, since most of 300,000 offers end at them. */
  #count = 0;
  #createdMs = Number.POSITIVE_INFINITY;
  #doc = Number.POSITIVE_INFINITY;

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** A count below it has no chance. */
  get threshold(): number {
    return this.#count;
  }

  offer(doc: number, count: number, createdMs: number): void {
    if (count < this.#count) return;
    if (count === this.#count) {
      if (createdMs > this.#createdMs) return;
      if (createdMs === this.#createdMs && doc > this.#doc) return;
    }
    const candidate = { doc, count, createdMs };
    let at = this.#kept.length;
    while (at > 0 && isBefore(candidate, this.#kept[at - 1] ?? candidate)) at--;
    this.#kept.splice(at, 0, candidate);
    if (this.#kept.length > this.#limit) this.#kept.pop();
    const last = this.#kept.at(-1);
    if (this.#kept.length < this.#limit || !last) return;
    this.#count = last.count;
    this.#createdMs = last.createdMs;
    this.#doc = last.doc;
  }

  list(): TopDocument[] {
    return this.#kept.map(({ doc, count }) => ({ doc, count }));
  }
}

function isBefore(a: Candidate, b: Candidate): boolean {
  if (a.count !== b.count) return a.count > b.count;
  if (a.createdMs !== b.createdMs) return a.createdMs < b.createdMs;
  return a.doc < b.doc;
}

export interface Totals {
  /** Documents that have the word. */
  documents: number;
  /** How often it occurs in them together. */
  occurrences: number;
}

/** Offers the documents of a segment. With an author, only his, and their totals are added up on the way. */
export function offerSegment(best: Best, view: SegmentView, postings: Postings, author?: Author): void {
  const { documents, deleted } = view;
  const { places, counts } = postings;
  const authorIndex = author ? documents.authors.indexOf(author.id) : -1;
  if (author && authorIndex === -1) return;
  for (let index = 0; index < places.length; index++) {
    const count = counts[index] ?? 0;
    if (!author && count < best.threshold) continue;
    const place = places[index] ?? 0;
    if (deleted && deleted[place] === 1) continue;
    if (author) {
      if (documents.authorOf[place] !== authorIndex) continue;
      author.totals.documents++;
      author.totals.occurrences += count;
      if (count < best.threshold) continue;
    }
    best.offer(documents.docs[place] ?? 0, count, documents.createdMs[place] ?? 0);
  }
}

export interface Author {
  readonly id: string;
  readonly totals: Totals;
}

/** Offers the documents of the tail that a snapshot up to `nextDoc` holds, and returns their totals. */
export function offerTail(best: Best, tail: Tail, key: string, nextDoc: number, authorId?: string): Totals {
  const totals = { documents: 0, occurrences: 0 };
  const list = tail.term(key).flat;
  for (let index = 0; index < list.length; index += 2) {
    const place = list[index] ?? 0;
    const count = list[index + 1] ?? 0;
    const document = tail.documents[place];
    if (!document || document.doc >= nextDoc || tail.deleted.has(place)) continue;
    if (authorId !== undefined && document.authorId !== authorId) continue;
    totals.documents++;
    totals.occurrences += count;
    best.offer(document.doc, count, createdMsOf(document.id));
  }
  return totals;
}
