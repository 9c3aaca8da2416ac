// The face of the import: a body of one of four media types becomes paragraphs and refusals, in constant memory.
import { createCsvReader } from "./csv.ts";
import type { Piece, Reader } from "./format.ts";
import { createLineSplitter } from "./lines.ts";
import { createMarkdownReader } from "./markdown.ts";
import { createNdjsonReader } from "./ndjson.ts";
import { createPlainTextReader } from "./plain-text.ts";

export { type Piece, REJECTIONS, type RejectionCode } from "./format.ts";

export const IMPORT_TYPES = ["text/plain", "text/markdown", "text/csv", "application/x-ndjson"] as const;

export type ImportType = (typeof IMPORT_TYPES)[number];

export interface ImportRefusals {
  /** A file that begins like UTF-16. */
  notUtf8(): Error;
  /** A CSV without the column. */
  noContentColumn(): Error;
}

/**
 * The pieces of a body, as many at once as a chunk of it holds. Nothing is read of it while the caller works on them. Throws
 * one of the refusals, or what the body throws when it is cut off.
 */
export async function* readPieces(
  body: AsyncIterable<Uint8Array>,
  type: ImportType,
  refusals: ImportRefusals,
): AsyncGenerator<Piece[]> {
  const splitter = createLineSplitter();
  const reader = createReader(type, refusals);
  let head: Uint8Array = new Uint8Array();
  for await (const chunk of body) {
    if (head.length < 2) {
      head = Buffer.concat([head, chunk.subarray(0, 2)]);
      if (isUtf16(head)) throw refusals.notUtf8();
    }
    const pieces: Piece[] = [];
    for (const line of splitter.push(chunk)) reader.push(line, pieces);
    if (pieces.length > 0) yield pieces;
  }
  const pieces: Piece[] = [];
  for (const line of splitter.end()) reader.push(line, pieces);
  reader.end(pieces);
  if (pieces.length > 0) yield pieces;
}

function createReader(type: ImportType, refusals: ImportRefusals): Reader {
  switch (type) {
    case "text/plain":
      return createPlainTextReader();
    case "text/markdown":
      return createMarkdownReader();
    case "text/csv":
      return createCsvReader(refusals.noContentColumn);
    case "application/x-ndjson":
      return createNdjsonReader();
  }
}

/** Its byte-order mark, which no UTF-8 can begin with. */
function isUtf16(head: Uint8Array): boolean {
  return (head[0] === 0xff && head[1] === 0xfe) || (head[0] === 0xfe && head[1] === 0xff);
}

/** The pieces of a Markdown text that is in memory anyway. */
export function readMarkdown(text: string): Piece[] {
  const reader = createMarkdownReader();
  const pieces: Piece[] = [];
  for (const [index, line] of text.split(/\r\n|\n|\r/).entries())
    reader.push({ number: index + 1, text: line }, pieces);
  reader.end(pieces);
  return pieces;
}
