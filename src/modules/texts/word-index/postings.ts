// The postings of a word in a segment: in which of its documents it occurs, and how often. Documents by their place in it.
import { VarintReader, VarintWriter } from "./varint.ts";

export interface Postings {
  /** Places of documents within the segment, ascending. */
  readonly places: Uint32Array;
  readonly counts: Uint32Array;
}

/**
 * For each document the distance from the place before, doubled, plus one when the count is 1; any other count
 * follows as a number of its own. Most words occur once in a paragraph and so take one byte.
 */
export class PostingsEncoder {
  readonly #writer = new VarintWriter();
  #last = -1;
  documents = 0;
  occurrences = 0;

  /** Begins a new list in place of what was added. */
  begin(): void {
    this.#writer.clear();
    this.#last = -1;
    this.documents = 0;
    this.occurrences = 0;
  }

  /** Documents of another list, in which places are lower by `shift`; as they are stored there, behind the first. */
  addShifted(bytes: Uint8Array, documents: number, occurrences: number, shift: number): void {
    const reader = new VarintReader(bytes);
    const first = reader.read();
    let place = Math.floor(first / 2) - 1 + shift;
    this.#writer.write((place - this.#last) * 2 + (first % 2));
    const rest = bytes.subarray(reader.offset);
    this.#writer.writeBytes(rest);
    if (documents > 1) {
      if (first % 2 === 0) reader.read();
      for (let left = documents - 1; left > 0; left--) {
        const step = reader.read();
        place += Math.floor(step / 2);
        if (step % 2 === 0) reader.read();
      }
    }
    this.#last = place;
    this.documents += documents;
    this.occurrences += occurrences;
  }

  /** To be copied before the next list begins. */
  view(): Uint8Array {
    return this.#writer.view();
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
  for (let place = -1; !reader.isAtEnd; ) {
    const step = reader.read();
    place += Math.floor(step / 2);
    onPosting(place, step % 2 === 1 ? 1 : reader.read());
  }
}
