// The postings of a word in a segment: in which of its documents it occurs, and how often. Documents by their place in it.
import type { Room } from "./room.ts";
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

/**
 * @param documents how many there are; the entry says it.
 * @param room lends the arrays; without it they are made.
 */
export function decodePostings(bytes: Uint8Array, documents: number, room?: Room): Postings {
  const places = room?.take(documents) ?? new Uint32Array(documents);
  const counts = room?.take(documents) ?? new Uint32Array(documents);
  let place = -1;
  let index = 0;
  // By hand: the whole of a common word is read for each search.
  for (let offset = 0; offset < bytes.length; index++) {
    let step = bytes[offset++] ?? 0;
    if (step > 0x7f) {
      step &= 0x7f;
      for (let shift = 7, byte = 0x80; byte > 0x7f; shift += 7) {
        byte = byteAt(bytes, offset++);
        step |= (byte & 0x7f) << shift;
      }
    }
    place += step >>> 1;
    let count = 1;
    if ((step & 1) === 0) {
      count = byteAt(bytes, offset++);
      if (count > 0x7f) {
        count &= 0x7f;
        for (let shift = 7, byte = 0x80; byte > 0x7f; shift += 7) {
          byte = byteAt(bytes, offset++);
          count |= (byte & 0x7f) << shift;
        }
      }
    }
    places[index] = place;
    counts[index] = count;
  }
  if (index !== documents) throw new RangeError(`${index} documents in the postings of ${documents}`);
  return { places, counts };
}

function byteAt(bytes: Uint8Array, offset: number): number {
  const byte = bytes[offset];
  if (byte === undefined) throw new RangeError("a number is cut off");
  return byte;
}
