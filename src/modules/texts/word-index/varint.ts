// Whole numbers in seven bits a byte, the lowest first, as in protocol buffers: small ones take one byte.

const INITIAL_BYTES = 64;

export class VarintWriter {
  #bytes = new Uint8Array(INITIAL_BYTES);
  #length = 0;

  get length(): number {
    return this.#length;
  }

  /** @param value a whole number from 0 to 2^53 - 1. */
  write(value: number): void {
    // Ten bytes hold any number we write.
    if (this.#length + 10 > this.#bytes.length) this.#grow(10);
    let rest = value;
    while (rest > 0x7fffffff) {
      this.#bytes[this.#length++] = (rest % 128) | 0x80;
      rest = Math.floor(rest / 128);
    }
    while (rest > 0x7f) {
      this.#bytes[this.#length++] = (rest & 0x7f) | 0x80;
      rest >>>= 7;
    }
    this.#bytes[this.#length++] = rest;
  }

  writeBytes(bytes: Uint8Array): void {
    if (this.#length + bytes.length > this.#bytes.length) this.#grow(bytes.length);
    this.#bytes.set(bytes, this.#length);
    this.#length += bytes.length;
  }

  /** What was written, to be copied or sent before the next write. */
  view(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }

  clear(): void {
    this.#length = 0;
  }

  #grow(bytes: number): void {
    const grown = new Uint8Array(Math.max(this.#bytes.length * 2, this.#length + bytes));
    grown.set(this.#bytes);
    this.#bytes = grown;
  }
}

export class VarintReader {
  readonly #bytes: Uint8Array;
  #offset = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  /** Of the next byte. */
  get offset(): number {
    return this.#offset;
  }

  get isAtEnd(): boolean {
    return this.#offset >= this.#bytes.length;
  }

  read(): number {
    const bytes = this.#bytes;
    const first = bytes[this.#offset++] ?? 0;
    if (first < 0x80) return first;
    let value = first & 0x7f;
    for (let scale = 128; ; scale *= 128) {
      const byte = bytes[this.#offset++];
      if (byte === undefined) throw new RangeError("a number is cut off");
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
    }
  }

  /** The next number as it is stored. */
  readNumberBytes(): Uint8Array {
    const start = this.#offset;
    while ((this.#bytes[this.#offset++] ?? 0) > 0x7f);
    return this.#bytes.subarray(start, this.#offset);
  }

  readBytes(length: number): Uint8Array {
    const end = this.#offset + length;
    if (end > this.#bytes.length) throw new RangeError("bytes are cut off");
    const part = this.#bytes.subarray(this.#offset, end);
    this.#offset = end;
    return part;
  }
}
