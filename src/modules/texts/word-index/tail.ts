// Documents in memory with their postings: the tail of an index as it was read, and a segment before it is written.
import type { IndexedDocument } from "./documents.ts";

/** Estimates for the bound on memory. */
const DOCUMENT_BYTES = 200;
const POSTING_BYTES = 24;

/** Places and counts in turns: place, count, place, count … */
export type FlatPostings = readonly number[];

export class Tail {
  /** Number of the first document that belongs here. */
  readonly first: number;
  /** All documents from `first` up to, not including, this number are here, or were deleted before they were read. */
  next: number;
  readonly documents: IndexedDocument[] = [];
  readonly postings = new Map<string, number[]>();
  /** Places of documents deleted since. */
  readonly deleted = new Set<number>();
  bytes = 0;

  constructor(first: number) {
    this.first = first;
    this.next = first;
  }

  /** Documents come in the order of their numbers. */
  add(document: IndexedDocument, counts: ReadonlyMap<string, number>): void {
    const place = this.documents.push(document) - 1;
    for (const [key, count] of counts) {
      const list = this.postings.get(key);
      if (list) list.push(place, count);
      else this.postings.set(key, [place, count]);
    }
    this.next = document.doc + 1;
    this.bytes += DOCUMENT_BYTES + counts.size * POSTING_BYTES;
  }

  /** One that can be added to without anybody else seeing it. */
  copy(): Tail {
    const copy = new Tail(this.first);
    copy.next = this.next;
    copy.documents.push(...this.documents);
    for (const [key, list] of this.postings) copy.postings.set(key, [...list]);
    for (const place of this.deleted) copy.deleted.add(place);
    copy.bytes = this.bytes;
    return copy;
  }

  /** Notes that a document is deleted; one that is not here is ignored. */
  delete(doc: number): void {
    const place = this.documents.findIndex((document) => document.doc === doc);
    if (place !== -1) this.deleted.add(place);
  }

  postingsOf(key: string): FlatPostings {
    return this.postings.get(key) ?? [];
  }
}
