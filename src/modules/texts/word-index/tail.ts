// Documents in memory with their postings: the tail of an index as it was read, and a segment before it is written.

import { isStemmable } from "../language/languages.ts";
import { type Documents, type IndexedDocument, layDocumentsOut } from "./documents.ts";
import { type IndexedText, scoredCountOf } from "./text.ts";

/** Estimates for the bound on memory. */
const DOCUMENT_BYTES = 250;
const POSTING_BYTES = 64;

/** Places and counts in turns: place, count, place, count … */
export type FlatPostings = readonly number[];

const NONE: readonly (readonly number[])[] = [];

export class Tail {
  /** Number of the first document that belongs here. */
  readonly first: number;
  /** All documents from `first` up to, not including, this number are here, or were deleted before they were read. */
  next: number;
  readonly documents: IndexedDocument[] = [];
  readonly postings = new Map<string, number[]>();
  /** Of each term its positions, a list for each document of its postings; none of words of scripts without spaces. */
  readonly positions = new Map<string, (readonly number[])[]>();
  /** Places of documents deleted since. */
  readonly deleted = new Set<number>();
  bytes = 0;
  #laidOut: Documents | undefined;
  /** By language, then by stem; of the first `read` words, since words only come at the end. */
  readonly #stems = new Map<string, { read: number; readonly words: Map<string, string[]> }>();

  constructor(first: number) {
    this.first = first;
    this.next = first;
  }

  /** Documents come in the order of their numbers. */
  add(document: Omit<IndexedDocument, "wordCount" | "scoredCount">, text: IndexedText): void {
    const { wordCount } = text;
    const scoredCount = scoredCountOf(text, document.lang);
    const place = this.documents.push({ ...document, wordCount, scoredCount }) - 1;
    for (const [key, positions] of text.positions) {
      this.#post(key, place, positions.length);
      const lists = this.positions.get(key);
      if (lists) lists.push(positions);
      else this.positions.set(key, [positions]);
    }
    // The others are words within scripts without spaces, which are counted and have no position of their own.
    for (const [key, count] of text.counts) {
      if (!text.positions.has(key)) this.#post(key, place, count);
    }
    this.next = document.doc + 1;
    this.bytes += DOCUMENT_BYTES + text.counts.size * POSTING_BYTES;
  }

  #post(key: string, place: number, count: number): void {
    const list = this.postings.get(key);
    if (list) list.push(place, count);
    else this.postings.set(key, [place, count]);
  }

  /** One that can be added to without anybody else seeing it. */
  copy(): Tail {
    const copy = new Tail(this.first);
    copy.next = this.next;
    copy.documents.push(...this.documents);
    for (const [key, list] of this.postings) copy.postings.set(key, [...list]);
    for (const [key, lists] of this.positions) copy.positions.set(key, [...lists]);
    for (const place of this.deleted) copy.deleted.add(place);
    copy.bytes = this.bytes;
    return copy;
  }

  /** Notes that a document is deleted; one that is not here is ignored. */
  delete(doc: number): void {
    const place = this.documents.findIndex((document) => document.doc === doc);
    if (place !== -1) this.deleted.add(place);
  }

  /** Words that have a stem, in whatever documents they occur. */
  listWordsByStem(
    lang: string,
    stem: string,
    stemOf: (lang: string, word: string) => string,
  ): readonly string[] {
    const known = this.#stems.get(lang) ?? { read: 0, words: new Map<string, string[]>() };
    this.#stems.set(lang, known);
    if (known.read < this.postings.size) {
      let nth = 0;
      for (const word of this.postings.keys()) {
        if (nth++ < known.read || !isStemmable(word)) continue;
        const own = stemOf(lang, word);
        const list = known.words.get(own);
        if (list) list.push(word);
        else known.words.set(own, [word]);
      }
      known.read = this.postings.size;
    }
    return known.words.get(stem) ?? [];
  }

  /** The first `size` documents side by side. */
  layOut(size: number): Documents {
    if (this.#laidOut?.docs.length !== size) this.#laidOut = layDocumentsOut(this.documents.slice(0, size));
    return this.#laidOut;
  }

  postingsOf(key: string): FlatPostings {
    return this.postings.get(key) ?? [];
  }

  positionsOf(key: string): readonly (readonly number[])[] {
    return this.positions.get(key) ?? NONE;
  }
}
