// Joins adjacent segments into one and leaves out what was deleted, so that a query meets few segments and no ballast.
import type { Tx } from "../../../kernel/db/index.ts";
import { BlockRows } from "./block-copy.ts";
import type { BlockEntry } from "./blocks.ts";
import { decodeDocuments, documentAt, encodeDocuments, type IndexedDocument } from "./documents.ts";
import { PositionsEncoder, PositionsReader } from "./positions.ts";
import { decodePostings, PostingsEncoder } from "./postings.ts";
import { readWords } from "./segment-reader.ts";
import { isStemKey, joinStemWords, toStemEntry } from "./stems.ts";
import {
  deleteSegments,
  deleteTombstones,
  insertSegment,
  listTombstones,
  lockHead,
  readDocumentData,
  type SegmentRow,
} from "./store.ts";

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
  const encoder = new PostingsEncoder();
  const positions = new PositionsEncoder();
  const rows = new BlockRows();
  const moves = numbers.map((segment) => toMove(newPlaces.get(segment) ?? new Int32Array()));
  await readWords(tx, projectId, numbers, {
    withPositions: true,
    // Places grow from source to source, so in the order of the sources the new list is in order as well.
    onWord(entries) {
      const [first] = entries;
      if (first && isStemKey(first.word)) {
        rows.add(first.word, toStemEntry(joinStemWords(entries.map(({ postings }) => postings))));
        return;
      }
      encoder.begin();
      positions.begin();
      for (const entry of entries) {
        const move = moves[entry.source];
        if (move) addMoved(entry, move, encoder, positions);
      }
      const { documents, occurrences } = encoder;
      if (documents === 0 || !first) return;
      rows.add(first.word, {
        documents,
        occurrences,
        postings: encoder.view(),
        positions: positions.hasAny ? positions.finish() : undefined,
      });
    },
    async onPause() {
      if (!rows.isFull) return;
      await rows.send(tx, projectId, target);
      rows.clear();
    },
  });
  rows.finish();
  await rows.send(tx, projectId, target);
}

/** Where the documents of a source go; `shift` where all of them stay side by side, so that their postings do, too. */
interface Move {
  readonly places: Int32Array;
  readonly shift: number | undefined;
}

function toMove(places: Int32Array): Move {
  const shift = places[0] ?? 0;
  const isWhole = shift >= 0 && places.every((place, index) => place === index + shift);
  return { places, shift: isWhole ? shift : undefined };
}

function addMoved(
  entry: BlockEntry,
  { places: newPlaces, shift }: Move,
  encoder: PostingsEncoder,
  positions: PositionsEncoder,
): void {
  const { documents, occurrences, postings } = entry;
  if (shift !== undefined) {
    const isCopied = entry.positions === undefined || positions.addList(entry.positions, documents);
    encoder.addShifted(postings, documents, occurrences, shift);
    if (isCopied) return;
  }
  const { places, counts } = decodePostings(postings, documents);
  const reader = entry.positions && new PositionsReader(entry.positions, counts);
  for (let index = 0; index < places.length; index++) {
    if (shift === undefined) {
      const moved = newPlaces[places[index] ?? 0] ?? -1;
      if (moved === -1) continue;
      encoder.add(moved, counts[index] ?? 0);
    }
    if (reader) positions.addBytes(reader.readBytes(index));
  }
}
