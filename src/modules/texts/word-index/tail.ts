// Documents in memory with their postings: the tail of an index as it was read, and a segment before it is written.

import { isStemmable, scoredCount } from "../language/languages.ts";
import { type Documents, type IndexedDocument, layDocumentsOut } from "./documents.ts";
import type { IndexedText } from "./text.ts";

/** Estimates for the bound on memory. */
const DOCUMENT_BYTES = 250;
const POSTING_BYTES = 64;

/** A term in the documents. */
export interface TailTerm {
  /** Places and counts in turns: place, count, place, count … */
  readonly flat: number[];
  /** Its positions, a list for each document; none of words of scripts without spaces. */
  readonly positions: (readonly number[])[];
}

const NO_TERM: TailTerm = { flat: [], positions: [] };

export class Tail {
  /** Number of the first document that belongs here. */
  readonly first: number;
  /** All documents from `first` up to, not including, this number are here, or were deleted before they were read. */
  next: number;
  readonly documents: IndexedDocument[] = [];
  readonly terms = new Map<string, TailTerm>();
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
    const scored = scoredCount(document.lang, text);
    const place = this.documents.push({ ...document, wordCount, scoredCount: scored }) - 1;
    for (const [key, positions] of text.positions) {
      const term = this.terms.get(key);
      if (term) {
        term.flat.push(place, positions.length);
        term.positions.push(positions);
      } else this.terms.set(key, { flat: [place, positions.length], positions: [positions] });
    }
    if (text.hasUnspaced) this.#addUnspaced(place, text);
    this.next = document.doc + 1;
    this.bytes += DOCUMENT_BYTES + text.counts.size * POSTING_BYTES;
  }

  /** Words within scripts without spaces are counted and have no position of their own. */
  #addUnspaced(place: number, text: IndexedText): void {
    for (const [key, count] of text.counts) {
      if (text.positions.has(key)) continue;
      const term = this.terms.get(key);
      if (term) term.flat.push(place, count);
      else this.terms.set(key, { flat: [place, count], positions: [] });
    }
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
    if (known.read < this.terms.size) {
      let nth = 0;
      for (const word of this.terms.keys()) {
        if (nth++ < known.read || !isStemmable(word)) continue;
        const own = stemOf(lang, word);
        const list = known.words.get(own);
        if (list) list.push(word);
        else known.words.set(own, [word]);
      }
      known.read = this.terms.size;
    }
    return known.words.get(stem) ?? [];
  }

  /** The first `size` documents side by side. */
  layOut(size: number): Documents {
    if (this.#laidOut?.docs.length !== size) this.#laidOut = layDocumentsOut(this.documents.slice(0, size));
    return this.#laidOut;
  }

  term(key: string): TailTerm {
    return this.terms.get(key) ?? NO_TERM;
  }
}
