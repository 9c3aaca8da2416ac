// Writes documents that are in memory as a segment.
import type { Tx } from "../../../kernel/db/index.ts";
import type { Languages } from "../language/languages.ts";
import { createBlockCopy } from "./block-copy.ts";
import { encodeDocuments, type IndexedDocument } from "./documents.ts";
import { sortKeys } from "./key.ts";
import { PositionsEncoder } from "./positions.ts";
import { PostingsEncoder } from "./postings.ts";
import { encodeStemWords, stemsOf, toStemEntry } from "./stems.ts";
import { insertSegment } from "./store.ts";
import type { Tail } from "./tail.ts";
import { createWordTotals, type WordTotals } from "./word-totals.ts";

/** Writes the documents that are in `live`, nothing when none is, and returns how often each word occurs in them. */
export async function writeSegment(
  tx: Tx,
  projectId: string,
  segment: { readonly number: number; readonly isLive: boolean },
  tail: Tail,
  { live, languages }: { readonly live: ReadonlySet<number>; readonly languages: Languages },
): Promise<WordTotals> {
  const kept: IndexedDocument[] = [];
  const newPlaces = tail.documents.map((document) => (live.has(document.doc) ? kept.push(document) - 1 : -1));
  const totals = createWordTotals();
  const [first] = kept;
  const last = kept.at(-1);
  if (!first || !last) return totals;

  const encoder = new PostingsEncoder();
  const positions = new PositionsEncoder();
  const copy = createBlockCopy(tx, projectId, segment.number);
  await languages.load();
  const stems = stemsOf(tail, languages);
  for (const word of sortKeys([...tail.terms.keys(), ...stems.keys()])) {
    const words = stems.get(word);
    if (words) {
      copy.add(Buffer.from(word), toStemEntry(encodeStemWords(words)));
      continue;
    }
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
    const { documents, occurrences } = encoder;
    if (documents === 0) continue;
    totals.add(word, documents, occurrences);
    copy.add(Buffer.from(word), {
      documents,
      occurrences,
      postings: encoder.view(),
      positions: positions.hasAny ? positions.finish() : undefined,
    });
    if (copy.isFull) await copy.send();
  }
  await copy.finish();
  const row = {
    segment: segment.number,
    first_doc: first.doc,
    last_doc: last.doc,
    documents: kept.length,
  };
  await insertSegment(tx, projectId, row, encodeDocuments(kept), segment.isLive);
  return totals;
}
