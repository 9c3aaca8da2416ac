// Where a term stands in its documents: for each document the distances between its places, in blocks that can be skipped.
import type { Room } from "./room.ts";
import { VarintWriter } from "./varint.ts";

/** Documents of one block. A phrase of two frequent words reads the blocks in which both occur. */
const BLOCK = 64;

/** With more than one block the length of each in four bytes, little end first; the blocks. */
export class PositionsEncoder {
  readonly #blocks = new VarintWriter();
  readonly #whole = new VarintWriter();
  readonly #starts: number[] = [];
  #documents = 0;

  /** Begins a new list in place of what was added. */
  begin(): void {
    this.#blocks.clear();
    this.#starts.length = 0;
    this.#documents = 0;
  }

  /** The places of a term in the next document, ascending. */
  add(positions: readonly number[]): void {
    this.#next();
    let last = -1;
    for (const position of positions) {
      this.#blocks.write(position - last);
      last = position;
    }
  }

  /** The same, from `from` on in a list of others. */
  addRange(positions: Uint32Array, from: number, count: number): void {
    this.#next();
    let last = -1;
    for (let nth = from; nth < from + count; nth++) {
      const position = positions[nth] ?? 0;
      this.#blocks.write(position - last);
      last = position;
    }
  }

  /** The same of a document of another list, as it is stored there. */
  addBytes(bytes: Uint8Array): void {
    this.#next();
    this.#blocks.writeBytes(bytes);
  }

  /** The same of a whole list of `documents`; false when it cannot be taken as it is stored. */
  addList(bytes: Uint8Array, documents: number): boolean {
    const inBlock = this.#documents % BLOCK;
    if (inBlock + documents > BLOCK) return false;
    if (inBlock === 0) this.#starts.push(this.#blocks.length);
    this.#documents += documents;
    this.#blocks.writeBytes(bytes);
    return true;
  }

  get hasAny(): boolean {
    return this.#documents > 0;
  }

  /** To be copied or sent before the next list begins. */
  finish(): Uint8Array {
    const starts = this.#starts;
    if (starts.length <= 1) return this.#blocks.view();
    this.#whole.clear();
    const lengths = starts.map((start, index) => (starts[index + 1] ?? this.#blocks.length) - start);
    this.#whole.writeBytes(new Uint8Array(Uint32Array.from(lengths).buffer));
    this.#whole.writeBytes(this.#blocks.view());
    return this.#whole.view();
  }

  #next(): void {
    if (this.#documents++ % BLOCK === 0) this.#starts.push(this.#blocks.length);
  }
}

/** Puts so many numbers into `into`; returns where the next one begins. */
function unpackSteps(bytes: Uint8Array, from: number, numbers: number, into: Uint32Array): number {
  let offset = from;
  for (let nth = 0; nth < numbers; nth++) {
    let step = bytes[offset++] ?? 0;
    if (step > 0x7f) {
      step &= 0x7f;
      for (let shift = 7, byte = 0x80; byte > 0x7f; shift += 7) {
        byte = bytes[offset++] ?? 0;
        step += (byte & 0x7f) << shift;
      }
    }
    into[nth] = step;
  }
  return offset;
}

/** Reads the places of most documents: all numbers are unpacked at once, which is faster than to skip some of them. */
export class UnpackedPositions {
  /** Of each document where its numbers begin. */
  readonly #starts: Uint32Array;
  readonly #steps: Uint32Array;

  /** @param room lends what is needed until it is cleared. */
  constructor(bytes: Uint8Array, counts: Uint32Array, room: Room) {
    const starts = room.take(counts.length + 1);
    let numbers = 0;
    for (let index = 0; index < counts.length; index++) {
      starts[index] = numbers;
      numbers += counts[index] ?? 0;
    }
    starts[counts.length] = numbers;
    const steps = room.take(numbers);
    const blocks = Math.ceil(counts.length / BLOCK);
    unpackSteps(bytes, blocks > 1 ? blocks * 4 : 0, numbers, steps);
    this.#starts = starts;
    this.#steps = steps;
  }

  /** As PositionsReader does, in any order. */
  read(index: number, into: Uint32Array): number {
    const steps = this.#steps;
    const start = this.#starts[index] ?? 0;
    const end = this.#starts[index + 1] ?? start;
    let position = -1;
    for (let nth = start; nth < end; nth++) {
      position += steps[nth] ?? 0;
      into[nth - start] = position;
    }
    return end - start;
  }
}

/** Reads the places of single documents; it remembers where it was, so ask in ascending order. */
export class PositionsReader {
  readonly #bytes: Uint8Array;
  /** Of each document; as many as the list has. */
  readonly #counts: Uint32Array;
  readonly #starts: Uint32Array;
  #next = 0;
  #offset = 0;

  constructor(bytes: Uint8Array, counts: Uint32Array) {
    this.#bytes = bytes;
    this.#counts = counts;
    const blocks = Math.ceil(counts.length / BLOCK);
    this.#starts = new Uint32Array(Math.max(1, blocks));
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    let start = blocks > 1 ? blocks * 4 : 0;
    for (let block = 0; block < blocks; block++) {
      this.#starts[block] = start;
      if (blocks > 1) start += view.getUint32(block * 4, true);
    }
    this.#offset = this.#starts[0] ?? 0;
  }

  /** Puts the places of the document at `index` of the list into `into`, which has room for them, and returns how many. */
  read(index: number, into: Uint32Array): number {
    this.#skipTo(index);
    const count = this.#counts[index] ?? 0;
    this.#offset = unpackSteps(this.#bytes, this.#offset, count, into);
    let position = -1;
    for (let nth = 0; nth < count; nth++) {
      position += into[nth] ?? 0;
      into[nth] = position;
    }
    this.#next = index + 1;
    return count;
  }

  /** The same as it is stored. */
  readBytes(index: number): Uint8Array {
    this.#skipTo(index);
    const start = this.#offset;
    this.#skip(this.#counts[index] ?? 0);
    this.#next = index + 1;
    return this.#bytes.subarray(start, this.#offset);
  }

  #skipTo(index: number): void {
    const block = Math.floor(index / BLOCK);
    if (index < this.#next || block > Math.floor(this.#next / BLOCK)) {
      this.#next = block * BLOCK;
      this.#offset = this.#starts[block] ?? 0;
    }
    const counts = this.#counts;
    let numbers = 0;
    for (let next = this.#next; next < index; next++) numbers += counts[next] ?? 0;
    this.#skip(numbers);
  }

  /** So many numbers, of which each ends at a byte below 128. */
  #skip(numbers: number): void {
    const bytes = this.#bytes;
    let offset = this.#offset;
    for (let left = numbers; left > 0; ) left -= (bytes[offset++] ?? 0) < 0x80 ? 1 : 0;
    this.#offset = offset;
  }
}
