// Writes posting rows by COPY in PostgreSQL's binary format ("COPY", File Formats): twice as fast as INSERT, and in little memory.
import type { Tx } from "../../../kernel/db/index.ts";
import type { PositionsEncoder } from "./positions.ts";
import type { PostingsEncoder } from "./postings.ts";
import type { VarintWriter } from "./varint.ts";

/** Signature, no flags, no extension. */
const HEADER = Buffer.from("PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0", "latin1");
const TRAILER = Buffer.from([0xff, 0xff]);
const COLUMNS = 7;
const NULL_LENGTH = -1;
/** A statement's worth of rows, gathered before it is sent. */
const FLUSH_BYTES = 1_048_576;
/** All columns of a row but its word and postings, with their lengths. */
const FIXED_BYTES = 2 + (4 + 16) + (4 + 4) + 4 + (4 + 4) + (4 + 8) + 4 + 4;

export interface PostingCopy {
  /** Adds the row of a word with what the encoders hold. */
  add(word: string, encoder: PostingsEncoder, positions: PositionsEncoder): Promise<void>;
  /** Sends the rest. */
  finish(): Promise<void>;
}

/** @param writer the one that the encoder of the postings writes to. */
export function createPostingCopy(
  tx: Tx,
  projectId: string,
  segment: number,
  writer: VarintWriter,
): PostingCopy {
  const project = Buffer.from(projectId.replaceAll("-", ""), "hex");
  let buffer = Buffer.allocUnsafe(FLUSH_BYTES + FLUSH_BYTES / 4);
  let length = HEADER.copy(buffer);

  async function flush(): Promise<void> {
    if (length === HEADER.length) return;
    TRAILER.copy(buffer, length);
    const copy = tx`COPY text_postings (project_id, segment, word, documents, occurrences, postings, positions)
      FROM STDIN (FORMAT binary)`;
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

  return {
    async add(word, encoder, positions) {
      const postings = writer.view();
      const places = positions.hasAny ? positions.finish() : undefined;
      // Three bytes a UTF-16 unit are the most that UTF-8 takes.
      reserve(FIXED_BYTES + word.length * 3 + postings.length + (places?.length ?? 0) + TRAILER.length);
      length = buffer.writeInt16BE(COLUMNS, length);
      length = buffer.writeInt32BE(project.length, length);
      length += project.copy(buffer, length);
      length = writeInteger(buffer, segment, length);
      const wordBytes = buffer.write(word, length + 4, "utf8");
      length = buffer.writeInt32BE(wordBytes, length) + wordBytes;
      length = writeInteger(buffer, encoder.documents, length);
      length = buffer.writeBigInt64BE(BigInt(encoder.occurrences), buffer.writeInt32BE(8, length));
      length = buffer.writeInt32BE(postings.length, length);
      buffer.set(postings, length);
      length += postings.length;
      length = buffer.writeInt32BE(places?.length ?? NULL_LENGTH, length);
      if (places) buffer.set(places, length);
      length += places?.length ?? 0;
      if (length >= FLUSH_BYTES) await flush();
    },
    finish: flush,
  };
}

function writeInteger(buffer: Buffer, value: number, offset: number): number {
  return buffer.writeInt32BE(value, buffer.writeInt32BE(4, offset));
}
