// The postings of a word in a segment: in which of its documents it occurs, and how often. Documents by their place in it.
import { VarintReader, type VarintWriter } from "./varint.ts";

/** First byte of the stored form. Counts only; positions will come as another version. */
const COUNTS = 1;

export interface Postings {
  /** Places of documents within the segment, ascending. */
  readonly places: Uint32Array;
  readonly counts: Uint32Array;
}

/**
 * Version, then for each document the distance from the place before, doubled, plus one when the count is 1; any other count
 * follows as a number of its own. Most words occur once in a paragraph and so take one byte.
 */
export class PostingsEncoder {
  readonly #writer: VarintWriter;
  #last = -1;
  documents = 0;
  occurrences = 0;

  constructor(writer: VarintWriter) {
    this.#writer = writer;
  }

  /** Begins a new list in place of what the writer holds. */
  begin(): void {
    this.#writer.clear();
    this.#writer.write(COUNTS);
    this.#last = -1;
    this.documents = 0;
    this.occurrences = 0;
  }

  add(place: number, count: number): void {
    this.#writer.write((place - this.#last) * 2 + (count === 1 ? 1 : 0));
    if (count !== 1) this.#writer.write(count);
    this.#last = place;
    this.documents++;
    this.occurrences += count;
  }
}

/** @param documents how many there are; the row says it. */
export function decodePostings(bytes: Uint8Array, documents: number): Postings {
  const places = new Uint32Array(documents);
  const counts = new Uint32Array(documents);
  let index = 0;
  forEachPosting(bytes, (place, count) => {
    places[index] = place;
    counts[index++] = count;
  });
  if (index !== documents) throw new RangeError(`${index} documents in the postings of ${documents}`);
  return { places, counts };
}

function forEachPosting(bytes: Uint8Array, onPosting: (place: number, count: number) => void): void {
  const reader = new VarintReader(bytes);
  const version = reader.read();
  if (version !== COUNTS) throw new RangeError(`postings of the unknown version ${version}`);
  for (let place = -1; !reader.isAtEnd; ) {
    const step = reader.read();
    place += Math.floor(step / 2);
    onPosting(place, step % 2 === 1 ? 1 : reader.read());
  }
}
