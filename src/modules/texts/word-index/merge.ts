// Joins adjacent segments into one and leaves out what was deleted, so that a query meets few segments and no ballast.
import type { Tx } from "../../../kernel/db/index.ts";
import { decodeDocuments, documentAt, encodeDocuments, type IndexedDocument } from "./documents.ts";
import { PositionsEncoder, PositionsReader } from "./positions.ts";
import { createPostingCopy } from "./posting-copy.ts";
import { decodePostings, PostingsEncoder } from "./postings.ts";
import {
  deleteSegments,
  deleteTombstones,
  insertSegment,
  listTombstones,
  lockHead,
  type PostingRow,
  readDocumentData,
  type SegmentRow,
} from "./store.ts";
import { VarintWriter } from "./varint.ts";

/** Rows of one round trip; at a kilobyte or so each, a megabyte or two. */
const FETCH_ROWS = 4_000;

export interface Merge {
  /** In the order of their documents, with none between them. */
  readonly sources: readonly SegmentRow[];
  /** Taken beforehand: taking it here would lock the index for as long as the merge takes. */
  readonly target: number;
  readonly isLive: boolean;
}

/** One transaction. Deletions go on meanwhile; those that come after ours have been read stay tombstones. */
export async function mergeSegments(tx: Tx, projectId: string, merge: Merge): Promise<void> {
  const numbers = merge.sources.map((source) => source.segment);
  const firstDoc = merge.sources[0]?.first_doc ?? 0;
  const lastDoc = merge.sources.at(-1)?.last_doc ?? 0;
  const dropped = await listTombstones(tx, projectId, firstDoc, lastDoc);
  const { documents, newPlaces } = await joinDocuments(tx, projectId, numbers, new Set(dropped));
  if (documents.length > 0) await joinPostings(tx, projectId, numbers, merge.target, newPlaces);

  await lockHead(tx, projectId);
  if ((await deleteSegments(tx, projectId, numbers)) !== numbers.length) {
    throw new Error("a segment was dropped while it was merged");
  }
  const [first] = documents;
  const last = documents.at(-1);
  if (first && last) {
    const row = {
      segment: merge.target,
      first_doc: first.doc,
      last_doc: last.doc,
      documents: documents.length,
    };
    await insertSegment(tx, projectId, row, encodeDocuments(documents), merge.isLive);
  }
  // Those of documents that a reader still has in an old segment: it drops them with that segment.
  await deleteTombstones(tx, projectId, dropped);
}

/** The documents that stay, and for each source the new place of each old one, or -1. */
async function joinDocuments(
  tx: Tx,
  projectId: string,
  numbers: readonly number[],
  dropped: ReadonlySet<number>,
): Promise<{ documents: IndexedDocument[]; newPlaces: ReadonlyMap<number, Int32Array> }> {
  const documents: IndexedDocument[] = [];
  const newPlaces = new Map<number, Int32Array>();
  for (const row of await readDocumentData(tx, projectId, numbers)) {
    const source = decodeDocuments(row.document_data);
    const places = new Int32Array(source.docs.length);
    for (let place = 0; place < places.length; place++) {
      const document = documentAt(source, place);
      places[place] = dropped.has(document.doc) ? -1 : documents.push(document) - 1;
    }
    newPlaces.set(row.segment, places);
  }
  return { documents, newPlaces };
}

async function joinPostings(
  tx: Tx,
  projectId: string,
  numbers: readonly number[],
  target: number,
  newPlaces: ReadonlyMap<number, Int32Array>,
): Promise<void> {
  const writer = new VarintWriter();
  const encoder = new PostingsEncoder(writer);
  const positions = new PositionsEncoder(new VarintWriter(), new VarintWriter());
  const copy = createPostingCopy(tx, projectId, target, writer);
  let word: string | undefined;
  // Places grow from source to source, so by word and then by order of documents the new list is in order as well.
  await tx`
    DECLARE merged_postings NO SCROLL CURSOR FOR
    SELECT p.segment, p.word, p.documents, p.postings, p.positions
    FROM unnest(${numbers}::int[]) WITH ORDINALITY AS source (segment, position)
    JOIN text_postings p ON p.project_id = ${projectId} AND p.segment = source.segment
    ORDER BY p.word, source.position`;
  for (;;) {
    const rows = await tx<PostingRow>`FETCH ${tx.unsafe(String(FETCH_ROWS))} FROM merged_postings`;
    for (const row of rows) {
      if (row.word !== word) {
        if (word !== undefined && encoder.documents > 0) await copy.add(word, encoder, positions);
        encoder.begin();
        positions.begin();
        word = row.word;
      }
      const newPlacesOf = newPlaces.get(row.segment);
      const { places, counts } = decodePostings(row.postings, row.documents);
      const reader = row.positions && new PositionsReader(row.positions, counts);
      for (let index = 0; index < places.length; index++) {
        const moved = newPlacesOf?.[places[index] ?? 0] ?? -1;
        if (moved === -1) continue;
        encoder.add(moved, counts[index] ?? 0);
        if (reader) positions.addBytes(reader.readBytes(index));
      }
    }
    if (rows.length < FETCH_ROWS) break;
  }
  if (word !== undefined && encoder.documents > 0) await copy.add(word, encoder, positions);
  await copy.finish();
  await tx`CLOSE merged_postings`;
}
