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

export interface BlockCopy {
  /** Adds a word, in UTF-8; words ascend by their bytes. */
  add(word: Uint8Array, entry: BlockEntry): void;
  /** Whether so much has gathered that it should be sent. */
  readonly isFull: boolean;
  send(): Promise<void>;
  /** Sends the rest. */
  finish(): Promise<void>;
}

export function createBlockCopy(tx: Tx, projectId: string, segment: number): BlockCopy {
  const project = Buffer.from(projectId.replaceAll("-", ""), "hex");
  const encoder = new BlockEncoder();
  let buffer = Buffer.allocUnsafe(FLUSH_BYTES + FLUSH_BYTES / 4);
  let length = HEADER.copy(buffer);
  encoder.begin();

  async function send(): Promise<void> {
    if (length === HEADER.length) return;
    TRAILER.copy(buffer, length);
    const copy = tx`COPY text_blocks (project_id, segment, first_word, data, positions) FROM STDIN (FORMAT binary)`;
    const stream = copy.writable().getWriter();
    await stream.write(buffer.subarray(0, length + TRAILER.length));
    await stream.close();
    await copy;
    length = HEADER.length;
  }

  function reserve(bytes: number): void {
    if (length + bytes <= buffer.length) return;
    const grown = Buffer.allocUnsafe(Math.max(buffer.length * 2, length + bytes));
    buffer.copy(grown, 0, 0, length);
    buffer = grown;
  }

  function endBlock(): void {
    const { data, positions } = encoder.finish();
    const word = encoder.firstWord;
    reserve(FIXED_BYTES + word.length + data.length + (positions?.length ?? 0) + TRAILER.length);
    length = buffer.writeInt16BE(COLUMNS, length);
    writeBytes(project);
    length = buffer.writeInt32BE(segment, buffer.writeInt32BE(4, length));
    writeBytes(word);
    writeBytes(data);
    if (positions) writeBytes(positions);
    else length = buffer.writeInt32BE(NULL_LENGTH, length);
    encoder.begin();
  }

  function writeBytes(bytes: Uint8Array): void {
    length = buffer.writeInt32BE(bytes.length, length);
    buffer.set(bytes, length);
    length += bytes.length;
  }

  return {
    add(word, entry) {
      if (!encoder.hasRoomFor(word, entry)) endBlock();
      encoder.add(word, entry);
    },
    get isFull() {
      return length >= FLUSH_BYTES;
    },
    send,
    async finish() {
      if (!encoder.isEmpty) endBlock();
      await send();
    },
  };
}
