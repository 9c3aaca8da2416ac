// Writes documents that are in memory as a segment.
import type { Tx } from "../../../kernel/db/index.ts";
import { encodeDocuments, type IndexedDocument } from "./documents.ts";
import { PositionsEncoder } from "./positions.ts";
import { createPostingCopy } from "./posting-copy.ts";
import { PostingsEncoder } from "./postings.ts";
import { insertSegment } from "./store.ts";
import type { Tail } from "./tail.ts";
import { VarintWriter } from "./varint.ts";

/** Writes the documents that are in `live`; nothing when none is. */
export async function writeSegment(
  tx: Tx,
  projectId: string,
  segment: { readonly number: number; readonly isLive: boolean },
  tail: Tail,
  live: ReadonlySet<number>,
): Promise<void> {
  const kept: IndexedDocument[] = [];
  const newPlaces = tail.documents.map((document) => (live.has(document.doc) ? kept.push(document) - 1 : -1));
  const [first] = kept;
  const last = kept.at(-1);
  if (!first || !last) return;

  const writer = new VarintWriter();
  const encoder = new PostingsEncoder(writer);
  const positions = new PositionsEncoder(new VarintWriter(), new VarintWriter());
  const copy = createPostingCopy(tx, projectId, segment.number, writer);
  for (const word of [...tail.terms.keys()].sort()) {
    const { flat: list, positions: positionLists } = tail.term(word);
    encoder.begin();
    positions.begin();
    for (let index = 0; index < list.length; index += 2) {
      const place = newPlaces[list[index] ?? 0] ?? -1;
      if (place === -1) continue;
      encoder.add(place, list[index + 1] ?? 0);
      const at = positionLists[index / 2];
      if (at) positions.add(at);
    }
    if (encoder.documents > 0) await copy.add(word, encoder, positions);
  }
  await copy.finish();
  const row = {
    segment: segment.number,
    first_doc: first.doc,
    last_doc: last.doc,
    documents: kept.length,
  };
  await insertSegment(tx, projectId, row, encodeDocuments(kept), segment.isLive);
}
