// A block of a segment: neighbouring words with their postings, and beside them their positions. A row for each word would be
// mostly the row itself, since most words of a language are rare ones.
import { VarintReader, VarintWriter } from "./varint.ts";

/** First byte of the stored form. */
const VERSION = 1;
/** With its key and header a row of this size stays whole in its page, and four of them fill one. */
const BLOCK_BYTES = 1_900;
/** A key of 256 UTF-16 units takes three bytes each at most. */
const MAX_WORD_BYTES = 1_024;
/** Numbers of an entry beside what they tell the length of. */
const NUMBERS_BYTES = 16;

/** A word within a segment. */
export interface BlockEntry {
  readonly documents: number;
  readonly occurrences: number;
  /** See postings.ts. */
  readonly postings: Uint8Array;
  /** See positions.ts; undefined where only counts are kept. */
  readonly positions: Uint8Array | undefined;
}

export interface StoredBlock {
  readonly data: Uint8Array;
  /** Null when none of its words has any, or when they were not asked for. */
  readonly positions: Uint8Array | null;
}

/**
 * Version, then for each word: bytes that it shares with the word before, length of the rest, the rest, and four times the number
 * of its documents, plus 2 if it occurs once in each, plus 1 if it has positions. Then how many occurrences more there are than
 * documents, unless it is once in each, and the lengths of postings and positions; but these lengths not for a word that occurs
 * once in all, which has a number of each. Then the postings. Positions stand in the same order in a value of their own.
 */
export class BlockEncoder {
  readonly #data = new VarintWriter();
  readonly #positions = new VarintWriter();
  readonly #first = new Uint8Array(MAX_WORD_BYTES);
  #firstLength = 0;
  readonly #last = new Uint8Array(MAX_WORD_BYTES);
  #lastLength = 0;
  #words = 0;

  get isEmpty(): boolean {
    return this.#words === 0;
  }

  /** In UTF-8. */
  get firstWord(): Uint8Array {
    return this.#first.subarray(0, this.#firstLength);
  }

  begin(): void {
    this.#data.clear();
    this.#data.write(VERSION);
    this.#positions.clear();
    this.#lastLength = 0;
    this.#words = 0;
  }

  /** Whether the block would become too large; an empty one takes an entry of any size. */
  hasRoomFor(word: Uint8Array, { postings, positions }: BlockEntry): boolean {
    const more = word.length + postings.length + (positions?.length ?? 0) + NUMBERS_BYTES;
    return this.#words === 0 || this.#data.length + this.#positions.length + more <= BLOCK_BYTES;
  }

  /** @param word in UTF-8; words ascend by their bytes. */
  add(word: Uint8Array, { documents, occurrences, postings, positions }: BlockEntry): void {
    const data = this.#data;
    let shared = 0;
    const most = Math.min(word.length, this.#lastLength);
    while (shared < most && word[shared] === this.#last[shared]) shared++;
    data.write(shared);
    data.write(word.length - shared);
    data.writeBytes(word.subarray(shared));
    const isOnceEach = occurrences === documents;
    data.write(documents * 4 + (isOnceEach ? 2 : 0) + (positions ? 1 : 0));
    if (!isOnceEach) data.write(occurrences - documents);
    if (!isOnceEach || documents !== 1) {
      data.write(postings.length);
      if (positions) data.write(positions.length);
    }
    data.writeBytes(postings);
    if (positions) this.#positions.writeBytes(positions);
    this.#last.set(word);
    this.#lastLength = word.length;
    if (this.#words++ > 0) return;
    this.#first.set(word);
    this.#firstLength = word.length;
  }

  /** To be copied or sent before the next block begins. */
  finish(): StoredBlock {
    return {
      data: this.#data.view(),
      positions: this.#positions.length > 0 ? this.#positions.view() : null,
    };
  }
}

/** Reads the words of a block one after the other. */
export class BlockReader implements BlockEntry {
  readonly #word = Buffer.alloc(MAX_WORD_BYTES);
  #wordLength = 0;
  #reader = new VarintReader(new Uint8Array());
  #positionBytes: Uint8Array | null = null;
  #positionOffset = 0;
  documents = 0;
  occurrences = 0;
  postings: Uint8Array = new Uint8Array();
  positions: Uint8Array | undefined;

  open({ data, positions }: StoredBlock): void {
    this.#reader = new VarintReader(data);
    const version = this.#reader.read();
    if (version !== VERSION) throw new RangeError(`a block of the unknown version ${version}`);
    this.#positionBytes = positions;
    this.#positionOffset = 0;
    this.#wordLength = 0;
  }

  /** Goes to the next word; false when there is none. What was read of the one before stays as it was. */
  next(): boolean {
    const reader = this.#reader;
    if (reader.isAtEnd) return false;
    const shared = reader.read();
    const rest = reader.readBytes(reader.read());
    this.#word.set(rest, shared);
    this.#wordLength = shared + rest.length;
    const flags = reader.read();
    this.documents = Math.floor(flags / 4);
    const isOnceEach = flags % 4 >= 2;
    const hasPositions = flags % 2 === 1;
    this.occurrences = isOnceEach ? this.documents : this.documents + reader.read();
    let positionLength = 0;
    if (isOnceEach && this.documents === 1) {
      this.postings = reader.readNumberBytes();
      positionLength = hasPositions ? this.#numberLength() : 0;
    } else {
      const length = reader.read();
      positionLength = hasPositions ? reader.read() : 0;
      this.postings = reader.readBytes(length);
    }
    const end = this.#positionOffset + positionLength;
    this.positions = hasPositions ? this.#positionBytes?.subarray(this.#positionOffset, end) : undefined;
    this.#positionOffset = end;
    return true;
  }

  /** In UTF-8, until the next word is read. */
  get word(): Buffer {
    return this.#word.subarray(0, this.#wordLength);
  }

  /** Below 0 if the word comes before the other one, 0 if it is that. */
  compare(other: Uint8Array): number {
    const word = this.#word;
    const most = Math.min(this.#wordLength, other.length);
    for (let at = 0; at < most; at++) {
      const difference = (word[at] ?? 0) - (other[at] ?? 0);
      if (difference !== 0) return difference;
    }
    return this.#wordLength - other.length;
  }

  #numberLength(): number {
    let length = 1;
    const bytes = this.#positionBytes;
    if (!bytes) return 0;
    while ((bytes[this.#positionOffset + length - 1] ?? 0) > 0x7f) length++;
    return length;
  }
}

/** Calls `onFound` for each of the words that the block has. Both ascend by their UTF-8. */
export function findWords(
  block: StoredBlock,
  words: readonly Uint8Array[],
  onFound: (nth: number, entry: BlockEntry) => void,
): void {
  const reader = new BlockReader();
  reader.open(block);
  let nth = 0;
  while (nth < words.length && reader.next()) {
    for (let word = words[nth]; word; word = words[nth]) {
      const order = reader.compare(word);
      if (order < 0) break;
      if (order === 0) onFound(nth, reader);
      nth++;
    }
  }
}
