// The documents of a segment: what filters, scores and orders them, side by side, so that a query needs no row of theirs.
import { createdMsOf, PARAGRAPH_SOURCES, type ParagraphSource } from "../model.ts";
import { type Column, readColumn, writeColumn } from "./column.ts";
import { readRows } from "./document-rows.ts";
import { toLengthByte } from "./length-byte.ts";
import { VarintReader, VarintWriter } from "./varint.ts";

const UUID_BYTES = 16;
/** Of an id after the six bytes of its time. */
export const ID_REST_BYTES = 10;
/** Of stored documents, beside those in document-rows.ts. */
const VERSION = 3;

/** One analysed paragraph as the index knows it. */
export interface IndexedDocument {
  /** Its number within the project. */
  readonly doc: number;
  readonly id: string;
  readonly authorId: string;
  readonly postId: string | null;
  readonly source: ParagraphSource;
  /** As in the column `lang`. */
  readonly lang: string;
  readonly wordCount: number;
  /** Words that make up its length to a score: those that are no stop words. */
  readonly scoredCount: number;
}

/** Documents in ascending order of their numbers, as they are stored; the index into the arrays is the place that postings name. */
export interface DocumentColumns {
  readonly docs: Uint32Array;
  readonly wordCounts: Column;
  readonly scoredCounts: Column;
  readonly createdMs: Float64Array;
  /** Of each id what follows its time. */
  readonly idRests: Uint8Array;
  /** Index into `authorIds`. */
  readonly authorOf: Column;
  /** Sixteen bytes each. */
  readonly authorIds: Uint8Array;
  /** Index into `langs`. */
  readonly langOf: Column;
  readonly langs: readonly string[];
  /** Index into PARAGRAPH_SOURCES. */
  readonly sourceOf: Column;
  /** Index into `posts`, less one; 0 for none. */
  readonly postOf: Column;
  /** Sixteen bytes each: there may be as many as documents. */
  readonly posts: Uint8Array;
}

/** The same with what is worked out from it. */
export interface Documents extends DocumentColumns {
  readonly authors: readonly string[];
  /** Of `scoredCounts`, see length-byte.ts. */
  readonly lengthBytes: Uint8Array;
  /** The least of them. */
  readonly shortest: number;
  /** Sum of `scoredCounts`. */
  readonly scoredTotal: number;
  /** The latest of `createdMs`. */
  readonly newestMs: number;
}

/** Version, count, authors, languages and posts; then the fields in columns (column.ts), so that a million are read in no time. */
export function encodeDocuments(documents: readonly IndexedDocument[]): Uint8Array {
  const authors = number(documents.map(({ authorId }) => authorId));
  const langs = number(documents.map(({ lang }) => lang));
  const posts = number(documents.flatMap(({ postId }) => postId ?? []));
  const writer = new VarintWriter();
  writer.write(VERSION);
  writer.write(documents.length);
  writer.write(authors.size);
  for (const author of authors.keys()) writer.writeBytes(toBytes(author));
  writer.write(langs.size);
  for (const lang of langs.keys()) {
    const bytes = Buffer.from(lang);
    writer.write(bytes.length);
    writer.writeBytes(bytes);
  }
  writer.write(posts.size);
  for (const post of posts.keys()) writer.writeBytes(toBytes(post));
  const column = (toNumber: (document: IndexedDocument, place: number) => number) =>
    writeColumn(writer, documents.map(toNumber));
  // Where none was deleted the numbers follow each other, and what is written is one number.
  column(({ doc }, place) => doc - place);
  column(({ wordCount }) => wordCount);
  column(({ scoredCount }) => scoredCount);
  column(({ id }) => createdMsOf(id));
  column(({ authorId }) => authors.get(authorId) ?? 0);
  column(({ lang }) => langs.get(lang) ?? 0);
  column(({ postId }) => (postId === null ? 0 : (posts.get(postId) ?? 0) + 1));
  column(({ source }) => PARAGRAPH_SOURCES.indexOf(source));
  for (const { id } of documents) writer.writeBytes(idRestOf(id));
  return writer.view();
}

function number(values: readonly string[]): ReadonlyMap<string, number> {
  const numbers = new Map<string, number>();
  for (const value of values) if (!numbers.has(value)) numbers.set(value, numbers.size);
  return numbers;
}

export function decodeDocuments(bytes: Uint8Array): Documents {
  const reader = new VarintReader(bytes);
  const version = reader.read();
  if (version === 1 || version === 2) return complete(readRows(reader, version));
  if (version !== VERSION) throw new RangeError(`documents of the unknown version ${version}`);
  const length = reader.read();
  const authorIds = reader.readBytes(reader.read() * UUID_BYTES);
  const langs = Array.from({ length: reader.read() }, () =>
    Buffer.from(reader.readBytes(reader.read())).toString(),
  );
  const posts = reader.readBytes(reader.read() * UUID_BYTES);
  const docs = new Uint32Array(readColumn(reader, length));
  for (let place = 0; place < length; place++) docs[place] = (docs[place] ?? 0) + place;
  return complete({
    docs,
    wordCounts: readColumn(reader, length),
    scoredCounts: readColumn(reader, length),
    createdMs: new Float64Array(readColumn(reader, length)),
    authorOf: readColumn(reader, length),
    langOf: readColumn(reader, length),
    postOf: readColumn(reader, length),
    sourceOf: readColumn(reader, length),
    idRests: reader.readBytes(length * ID_REST_BYTES),
    authorIds,
    langs,
    posts,
  });
}

/** Of documents that are in memory. */
export function layDocumentsOut(list: readonly IndexedDocument[]): Documents {
  return decodeDocuments(encodeDocuments(list));
}

function complete(columns: DocumentColumns): Documents {
  const { scoredCounts, createdMs, authorIds } = columns;
  const lengthBytes = new Uint8Array(scoredCounts.length);
  let shortest = 255;
  let scoredTotal = 0;
  let newestMs = 0;
  for (let place = 0; place < scoredCounts.length; place++) {
    const scoredCount = scoredCounts[place] ?? 0;
    const byte = toLengthByte(scoredCount);
    lengthBytes[place] = byte;
    shortest = Math.min(shortest, byte);
    scoredTotal += scoredCount;
    newestMs = Math.max(newestMs, createdMs[place] ?? 0);
  }
  const authors = Array.from({ length: authorIds.length / UUID_BYTES }, (_, index) =>
    uuidAt(authorIds, index),
  );
  return { ...columns, authors, lengthBytes, shortest, scoredTotal, newestMs };
}

export function documentAt(documents: Documents, place: number): IndexedDocument {
  const post = documents.postOf[place] ?? 0;
  return {
    doc: documents.docs[place] ?? 0,
    id: idAt(documents, place),
    wordCount: documents.wordCounts[place] ?? 0,
    scoredCount: documents.scoredCounts[place] ?? 0,
    authorId: documents.authors[documents.authorOf[place] ?? 0] ?? "",
    lang: documents.langs[documents.langOf[place] ?? 0] ?? "",
    postId: post === 0 ? null : postAt(documents, post - 1),
    source: PARAGRAPH_SOURCES[documents.sourceOf[place] ?? 0] ?? "direct",
  };
}

export function idAt(documents: Documents, place: number): string {
  const bytes = Buffer.alloc(UUID_BYTES);
  bytes.writeUIntBE(documents.createdMs[place] ?? 0, 0, UUID_BYTES - ID_REST_BYTES);
  bytes.set(documents.idRests.subarray(place * ID_REST_BYTES, (place + 1) * ID_REST_BYTES), 6);
  return toUuid(bytes);
}

/** Of an id what follows its time. */
export function idRestOf(id: string): Uint8Array {
  return toBytes(id).subarray(UUID_BYTES - ID_REST_BYTES);
}

export function postAt(documents: Documents, index: number): string {
  return uuidAt(documents.posts, index);
}

function uuidAt(bytes: Uint8Array, index: number): string {
  return toUuid(bytes.subarray(index * UUID_BYTES, (index + 1) * UUID_BYTES));
}

/** The place of a document by its number, or -1. */
export function placeOf({ docs }: Pick<Documents, "docs">, doc: number): number {
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

function toBytes(uuid: string): Buffer {
  return Buffer.from(uuid.replaceAll("-", ""), "hex");
}

function toUuid(bytes: Uint8Array): string {
  const hex = Buffer.from(bytes).toString("hex");
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}
