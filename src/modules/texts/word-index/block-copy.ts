// Writes the blocks of a segment by COPY in PostgreSQL's binary format ("COPY", File Formats): faster than INSERT, in little memory.
import type { Tx } from "../../../kernel/db/index.ts";
import { BlockEncoder, type BlockEntry } from "./blocks.ts";

/** Signature, no flags, no extension. */
const HEADER = Buffer.from("PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0", "latin1");
const TRAILER = Buffer.from([0xff, 0xff]);
const COLUMNS = 5;
const NULL_LENGTH = -1;
/** A statement's worth of rows, gathered before it is sent. */
const FLUSH_BYTES = 1_048_576;
/** All columns of a row but its word, data and positions, with their lengths. */
const FIXED_BYTES = 2 + (4 + 16) + (4 + 4) + 4 + 4 + 4;

/** Where in a row its project and its segment stand. */
const PROJECT_OFFSET = 2 + 4;
const SEGMENT_OFFSET = PROJECT_OFFSET + 16 + 4;

/** Gathers the rows of a segment; of which one it is, is said when they are sent. */
export class BlockRows {
  readonly #encoder = new BlockEncoder();
  #buffer = Buffer.allocUnsafe(FLUSH_BYTES + FLUSH_BYTES / 4);
  #length = HEADER.copy(this.#buffer);
  readonly #rows: number[] = [];

  constructor() {
    this.#encoder.begin();
  }

  /** Adds a word, in UTF-8; words ascend by their bytes. */
  add(word: Uint8Array, entry: BlockEntry): void {
    if (!this.#encoder.hasRoomFor(word, entry)) this.#endBlock();
    this.#encoder.add(word, entry);
  }

  /** Whether so much has gathered that it should be sent. */
  get isFull(): boolean {
    return this.#length >= FLUSH_BYTES;
  }

  /** After the last word. */
  finish(): void {
    if (!this.#encoder.isEmpty) this.#endBlock();
  }

  /** Sends what has gathered. */
  async send(tx: Tx, projectId: string, segment: number): Promise<void> {
    if (this.#rows.length === 0) return;
    const project = Buffer.from(projectId.replaceAll("-", ""), "hex");
    for (const row of this.#rows) {
      project.copy(this.#buffer, row + PROJECT_OFFSET);
      this.#buffer.writeInt32BE(segment, row + SEGMENT_OFFSET);
    }
    TRAILER.copy(this.#buffer, this.#length);
    const copy = tx`COPY text_blocks (project_id, segment, first_word, data, positions) FROM STDIN (FORMAT binary)`;
    const stream = copy.writable().getWriter();
    await stream.write(this.#buffer.subarray(0, this.#length + TRAILER.length));
    await stream.close();
    await copy;
  }

  /** Begins anew, after what was gathered has been sent. */
  clear(): void {
    this.#length = HEADER.length;
    this.#rows.length = 0;
  }

  #endBlock(): void {
    const { data, positions } = this.#encoder.finish();
    const word = this.#encoder.firstWord;
    this.#reserve(FIXED_BYTES + word.length + data.length + (positions?.length ?? 0) + TRAILER.length);
    this.#rows.push(this.#length);
    this.#length = this.#buffer.writeInt16BE(COLUMNS, this.#length);
    this.#length = this.#buffer.writeInt32BE(16, this.#length) + 16;
    this.#length = this.#buffer.writeInt32BE(4, this.#length) + 4;
    this.#writeBytes(word);
    this.#writeBytes(data);
    if (positions) this.#writeBytes(positions);
    else this.#length = this.#buffer.writeInt32BE(NULL_LENGTH, this.#length);
    this.#encoder.begin();
  }

  #writeBytes(bytes: Uint8Array): void {
    this.#length = this.#buffer.writeInt32BE(bytes.length, this.#length);
    this.#buffer.set(bytes, this.#length);
    this.#length += bytes.length;
  }

  #reserve(bytes: number): void {
    if (this.#length + bytes <= this.#buffer.length) return;
    const grown = Buffer.allocUnsafe(Math.max(this.#buffer.length * 2, this.#length + bytes));
    this.#buffer.copy(grown, 0, 0, this.#length);
    this.#buffer = grown;
  }
}
