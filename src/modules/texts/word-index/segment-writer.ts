// Writes documents that are in memory as a segment.
import type { Tx } from "../../../kernel/db/index.ts";
import type { Languages } from "../language/languages.ts";
import { createBlockCopy } from "./block-copy.ts";
import { encodeDocuments } from "./documents.ts";
import { sortKeys } from "./key.ts";
import { PositionsEncoder } from "./positions.ts";
import { PostingsEncoder } from "./postings.ts";
import type { SegmentBuilder } from "./segment-builder.ts";
import { encodeStemWords, stemsOf, toStemEntry } from "./stems.ts";
import { insertSegment } from "./store.ts";
import { createWordTotals, type WordTotals } from "./word-totals.ts";

/** Writes the documents, nothing when there is none, and returns how often each word occurs in them. */
export async function writeSegment(
  tx: Tx,
  projectId: string,
  segment: { readonly number: number; readonly isLive: boolean },
  builder: SegmentBuilder,
  languages: Languages,
): Promise<WordTotals> {
  const { documents: kept } = builder;
  const totals = createWordTotals();
  const [first] = kept;
  const last = kept.at(-1);
  if (!first || !last) return totals;

  const encoder = new PostingsEncoder();
  const positions = new PositionsEncoder();
  const copy = createBlockCopy(tx, projectId, segment.number);
  await languages.load();
  const stems = stemsOf(builder, languages);
  for (const word of sortKeys([...builder.words(), ...stems.keys()])) {
    const words = stems.get(word);
    if (words) {
      copy.add(Buffer.from(word), toStemEntry(encodeStemWords(words)));
      continue;
    }
    encoder.begin();
    positions.begin();
    builder.encode(word, encoder, positions);
    const { documents, occurrences } = encoder;
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
