// The documents of a segment before it is written: all that is known of their words goes one behind the other into one long array
// of numbers, and is put in order word by word at the end. Lists for each word would be mostly lists of one.
import type { IndexedDocument } from "./documents.ts";
import type { PositionsEncoder } from "./positions.ts";
import type { PostingsEncoder } from "./postings.ts";
import type { Tail } from "./tail.ts";
import { type IndexedText, scoredCountOf } from "./text.ts";

const INITIAL_NUMBERS = 65_536;

export class SegmentBuilder {
  readonly documents: IndexedDocument[] = [];
  readonly #ids = new Map<string, number>();
  /** Of each word in turn: its id, twice its place plus 1 if it has positions, how often it occurs there, its positions. */
  #log = new Uint32Array(INITIAL_NUMBERS);
  #length = 0;
  /** By id how many numbers of the log are its own, less the id. */
  #sizes = new Uint32Array(INITIAL_NUMBERS / 8);
  /** The log in the order of ids, and where each begins; undefined until it is needed. */
  #sorted: { readonly numbers: Uint32Array; readonly starts: Uint32Array } | undefined;

  /** Documents come in the order of their numbers. */
  add(document: Omit<IndexedDocument, "wordCount" | "scoredCount">, text: IndexedText): void {
    const { doc, id, authorId, postId, source, lang } = document;
    const { wordCount } = text;
    const scoredCount = scoredCountOf(text, lang);
    const place =
      this.documents.push({ doc, id, authorId, postId, source, lang, wordCount, scoredCount }) - 1;
    for (const [key, positions] of text.positions) this.#add(key, place, positions.length, positions);
    if (!text.hasUnspaced) return;
    // Words within scripts without spaces are counted and have no position of their own.
    for (const [key, count] of text.counts) {
      if (!text.positions.has(key)) this.#add(key, place, count, undefined);
    }
  }

  /** Documents of a tail that are in `live`, before all others. */
  addTail(tail: Tail, live: ReadonlySet<number>): void {
    const places = tail.documents.map((document) =>
      live.has(document.doc) ? this.documents.push(document) - 1 : -1,
    );
    for (const [key, { flat, positions }] of tail.terms) {
      for (let index = 0; index < flat.length; index += 2) {
        const place = places[flat[index] ?? 0] ?? -1;
        if (place !== -1) this.#add(key, place, flat[index + 1] ?? 0, positions[index / 2]);
      }
    }
  }

  words(): Iterable<string> {
    return this.#ids.keys();
  }

  /** Gives all that is known of a word to the encoders. */
  encode(word: string, postings: PostingsEncoder, positions: PositionsEncoder): void {
    this.#read(word, (numbers, at, count) => {
      const head = numbers[at] ?? 0;
      postings.add(head >>> 1, count);
      if (head % 2 === 1) positions.addRange(numbers, at + 2, count);
    });
  }

  /** Places of the documents that have a word. */
  placesOf(word: string): number[] {
    const places: number[] = [];
    this.#read(word, (numbers, at) => places.push((numbers[at] ?? 0) >>> 1));
    return places;
  }

  #read(word: string, onPosting: (numbers: Uint32Array, at: number, count: number) => void): void {
    const id = this.#ids.get(word);
    if (id === undefined) return;
    const { numbers, starts } = this.#sort();
    const end = starts[id + 1] ?? 0;
    for (let at = starts[id] ?? 0; at < end; ) {
      const count = numbers[at + 1] ?? 0;
      onPosting(numbers, at, count);
      at += 2 + ((numbers[at] ?? 0) % 2 === 1 ? count : 0);
    }
  }

  #add(key: string, place: number, count: number, positions: readonly number[] | undefined): void {
    this.#sorted = undefined;
    let id = this.#ids.get(key);
    if (id === undefined) {
      id = this.#ids.size;
      this.#ids.set(key, id);
      if (id === this.#sizes.length) this.#sizes = grow(this.#sizes, id * 2);
    }
    const size = 2 + (positions?.length ?? 0);
    this.#sizes[id] = (this.#sizes[id] ?? 0) + size;
    if (this.#length + 1 + size > this.#log.length) {
      this.#log = grow(this.#log, Math.max(this.#log.length * 2, this.#length + 1 + size));
    }
    const log = this.#log;
    let at = this.#length;
    log[at++] = id;
    log[at++] = place * 2 + (positions ? 1 : 0);
    log[at++] = count;
    if (positions) for (let nth = 0; nth < positions.length; nth++) log[at++] = positions[nth] ?? 0;
    this.#length = at;
  }

  #sort(): { readonly numbers: Uint32Array; readonly starts: Uint32Array } {
    if (this.#sorted) return this.#sorted;
    const words = this.#ids.size;
    const starts = new Uint32Array(words + 1);
    for (let id = 0; id < words; id++) starts[id + 1] = (starts[id] ?? 0) + (this.#sizes[id] ?? 0);
    const numbers = new Uint32Array(starts[words] ?? 0);
    const next = starts.slice();
    const log = this.#log;
    for (let at = 0; at < this.#length; ) {
      const id = log[at++] ?? 0;
      const size = 2 + ((log[at] ?? 0) % 2 === 1 ? (log[at + 1] ?? 0) : 0);
      let to = next[id] ?? 0;
      for (const end = at + size; at < end; at++) numbers[to++] = log[at] ?? 0;
      next[id] = to;
    }
    this.#sorted = { numbers, starts };
    return this.#sorted;
  }
}

function grow(numbers: Uint32Array, length: number): Uint32Array<ArrayBuffer> {
  const grown = new Uint32Array(length);
  grown.set(numbers);
  return grown;
}
