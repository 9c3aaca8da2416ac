// The documents of a segment: numbers, lengths, dates and authors side by side, so that a query needs no row of theirs.
import { VarintReader, VarintWriter } from "./varint.ts";

const VERSION = 1;
const UUID_BYTES = 16;

/** One analysed paragraph as the index knows it. */
export interface IndexedDocument {
  /** Its number within the project. */
  readonly doc: number;
  readonly authorId: string;
  /** Unix milliseconds. */
  readonly createdMs: number;
  readonly wordCount: number;
}

/** Documents in ascending order of their numbers; the index into the arrays is the place that postings name. */
export interface Documents {
  readonly docs: Uint32Array;
  readonly wordCounts: Uint32Array;
  readonly createdMs: Float64Array;
  /** Index into `authors`. */
  readonly authorOf: Uint32Array;
  readonly authors: readonly string[];
}

/** Version, count, the authors' ids, then for each document: distance of number, words, distance in time, author. */
export function encodeDocuments(documents: readonly IndexedDocument[]): Uint8Array {
  const authors = new Map<string, number>();
  for (const { authorId } of documents) if (!authors.has(authorId)) authors.set(authorId, authors.size);
  const writer = new VarintWriter();
  writer.write(VERSION);
  writer.write(documents.length);
  writer.write(authors.size);
  for (const author of authors.keys()) writer.writeBytes(Buffer.from(author.replaceAll("-", ""), "hex"));
  let lastDoc = 0;
  let lastMs = 0;
  for (const { doc, wordCount, createdMs, authorId } of documents) {
    writer.write(doc - lastDoc);
    writer.write(wordCount);
    // Zigzag: numbers follow the order of analysis, in which an older one may come after a newer.
    writer.write(createdMs >= lastMs ? (createdMs - lastMs) * 2 : (lastMs - createdMs) * 2 - 1);
    writer.write(authors.get(authorId) ?? 0);
    lastDoc = doc;
    lastMs = createdMs;
  }
  return writer.view();
}

export function decodeDocuments(bytes: Uint8Array): Documents {
  const reader = new VarintReader(bytes);
  const version = reader.read();
  if (version !== VERSION) throw new RangeError(`documents of the unknown version ${version}`);
  const length = reader.read();
  const authors = Array.from({ length: reader.read() }, () => toUuid(reader.readBytes(UUID_BYTES)));
  const docs = new Uint32Array(length);
  const wordCounts = new Uint32Array(length);
  const createdMs = new Float64Array(length);
  const authorOf = new Uint32Array(length);
  let doc = 0;
  let ms = 0;
  for (let place = 0; place < length; place++) {
    doc += reader.read();
    docs[place] = doc;
    wordCounts[place] = reader.read();
    const step = reader.read();
    ms += step % 2 === 0 ? step / 2 : -(step + 1) / 2;
    createdMs[place] = ms;
    authorOf[place] = reader.read();
  }
  return { docs, wordCounts, createdMs, authorOf, authors };
}

export function documentAt(documents: Documents, place: number): IndexedDocument {
  return {
    doc: documents.docs[place] ?? 0,
    wordCount: documents.wordCounts[place] ?? 0,
    createdMs: documents.createdMs[place] ?? 0,
    authorId: documents.authors[documents.authorOf[place] ?? 0] ?? "",
  };
}

/** The place of a document by its number, or -1. */
export function placeOf({ docs }: Documents, doc: number): number {
  let low = 0;
  let high = docs.length - 1;
  while (low <= high) {
    const middle = (low + high) >>> 1;
    const found = docs[middle] ?? 0;
    if (found === doc) return middle;
    if (found < doc) low = middle + 1;
    else high = middle - 1;
  }
  return -1;
}

function toUuid(bytes: Uint8Array): string {
  const hex = Buffer.from(bytes).toString("hex");
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}
