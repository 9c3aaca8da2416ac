// The documents of a segment: what filters, scores and orders them, side by side, so that a query needs no row of theirs.
import { createdMsOf, PARAGRAPH_SOURCES, type ParagraphSource } from "../model.ts";
import { toLengthByte } from "./length-byte.ts";
import { VarintReader, VarintWriter } from "./varint.ts";

/** The first had neither ids, posts and languages nor what a score counts; its index is made anew, and answers meanwhile. */
const FIRST_VERSION = 1;
const VERSION = 2;
const UUID_BYTES = 16;
/** Of an id after the six bytes of its time. */
export const ID_REST_BYTES = 10;
const NO_REST = new Uint8Array(ID_REST_BYTES);

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

/** Documents in ascending order of their numbers; the index into the arrays is the place that postings name. */
export interface Documents {
  readonly docs: Uint32Array;
  readonly wordCounts: Uint32Array;
  readonly scoredCounts: Uint32Array;
  /** Of `scoredCounts`, see length-byte.ts. */
  readonly lengthBytes: Uint8Array;
  readonly createdMs: Float64Array;
  /** Of each id what follows its time. */
  readonly idRests: Uint8Array;
  /** Index into `authors`. */
  readonly authorOf: Uint32Array;
  readonly authors: readonly string[];
  /** Index into `langs`. */
  readonly langOf: Uint8Array;
  readonly langs: readonly string[];
  /** Index into PARAGRAPH_SOURCES. */
  readonly sourceOf: Uint8Array;
  /** Index into `posts`, less one; 0 for none. */
  readonly postOf: Uint32Array;
  /** Sixteen bytes each: there may be as many as documents. */
  readonly posts: Uint8Array;
  /** Sum of `scoredCounts`. */
  readonly scoredTotal: number;
}

/** Version, count, authors, languages and posts, then for each document its fields, numbers and times as distances. */
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
  let lastDoc = 0;
  let lastMs = 0;
  for (const { doc, id, wordCount, scoredCount, authorId, lang, postId, source } of documents) {
    const createdMs = createdMsOf(id);
    writer.write(doc - lastDoc);
    writer.write(wordCount);
    writer.write(wordCount - scoredCount);
    // Zigzag: numbers follow the order of analysis, in which an older one may come after a newer.
    writer.write(createdMs >= lastMs ? (createdMs - lastMs) * 2 : (lastMs - createdMs) * 2 - 1);
    writer.writeBytes(toBytes(id).subarray(UUID_BYTES - ID_REST_BYTES));
    writer.write(authors.get(authorId) ?? 0);
    writer.write(langs.get(lang) ?? 0);
    writer.write(postId === null ? 0 : (posts.get(postId) ?? 0) + 1);
    writer.write(PARAGRAPH_SOURCES.indexOf(source));
    lastDoc = doc;
    lastMs = createdMs;
  }
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
  if (version !== VERSION && version !== FIRST_VERSION) {
    throw new RangeError(`documents of the unknown version ${version}`);
  }
  const isFirst = version === FIRST_VERSION;
  const length = reader.read();
  const authors = Array.from({ length: reader.read() }, () => toUuid(reader.readBytes(UUID_BYTES)));
  const langs = isFirst
    ? ["und"]
    : Array.from({ length: reader.read() }, () => Buffer.from(reader.readBytes(reader.read())).toString());
  const posts = isFirst ? new Uint8Array() : reader.readBytes(reader.read() * UUID_BYTES).slice();
  const documents = emptyDocuments(length, { authors, langs, posts });
  let doc = 0;
  let ms = 0;
  let scoredTotal = 0;
  for (let place = 0; place < length; place++) {
    doc += reader.read();
    const wordCount = reader.read();
    const scoredCount = isFirst ? wordCount : wordCount - reader.read();
    const step = reader.read();
    ms += step % 2 === 0 ? step / 2 : -(step + 1) / 2;
    const rest = isFirst ? NO_REST : reader.readBytes(ID_REST_BYTES);
    fill(documents, place, { doc, wordCount, scoredCount, ms, rest });
    documents.authorOf[place] = reader.read();
    documents.langOf[place] = isFirst ? 0 : reader.read();
    documents.postOf[place] = isFirst ? 0 : reader.read();
    documents.sourceOf[place] = isFirst ? 0 : reader.read();
    scoredTotal += scoredCount;
  }
  return { ...documents, scoredTotal };
}

/** Of documents that are in memory. */
export function layDocumentsOut(list: readonly IndexedDocument[]): Documents {
  const authors = number(list.map(({ authorId }) => authorId));
  const langs = number(list.map(({ lang }) => lang));
  const posts = number(list.flatMap(({ postId }) => postId ?? []));
  const documents = emptyDocuments(list.length, {
    authors: [...authors.keys()],
    langs: [...langs.keys()],
    posts: Buffer.concat([...posts.keys()].map(toBytes)),
  });
  let scoredTotal = 0;
  for (const [place, each] of list.entries()) {
    const { doc, id, wordCount, scoredCount, authorId, lang, postId, source } = each;
    const rest = toBytes(id).subarray(UUID_BYTES - ID_REST_BYTES);
    fill(documents, place, { doc, wordCount, scoredCount, ms: createdMsOf(id), rest });
    documents.authorOf[place] = authors.get(authorId) ?? 0;
    documents.langOf[place] = langs.get(lang) ?? 0;
    documents.postOf[place] = postId === null ? 0 : (posts.get(postId) ?? 0) + 1;
    documents.sourceOf[place] = PARAGRAPH_SOURCES.indexOf(source);
    scoredTotal += scoredCount;
  }
  return { ...documents, scoredTotal };
}

function emptyDocuments(
  length: number,
  lists: Pick<Documents, "authors" | "langs" | "posts">,
): Omit<Documents, "scoredTotal"> {
  return {
    docs: new Uint32Array(length),
    wordCounts: new Uint32Array(length),
    scoredCounts: new Uint32Array(length),
    lengthBytes: new Uint8Array(length),
    createdMs: new Float64Array(length),
    idRests: new Uint8Array(length * ID_REST_BYTES),
    authorOf: new Uint32Array(length),
    langOf: new Uint8Array(length),
    sourceOf: new Uint8Array(length),
    postOf: new Uint32Array(length),
    ...lists,
  };
}

interface Filling {
  readonly doc: number;
  readonly wordCount: number;
  readonly scoredCount: number;
  readonly ms: number;
  readonly rest: Uint8Array;
}

function fill(documents: Omit<Documents, "scoredTotal">, place: number, filling: Filling): void {
  documents.docs[place] = filling.doc;
  documents.wordCounts[place] = filling.wordCount;
  documents.scoredCounts[place] = filling.scoredCount;
  documents.lengthBytes[place] = toLengthByte(filling.scoredCount);
  documents.createdMs[place] = filling.ms;
  documents.idRests.set(filling.rest, place * ID_REST_BYTES);
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
  return toUuid(documents.posts.subarray(index * UUID_BYTES, (index + 1) * UUID_BYTES));
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
