// Writes documents that are in memory as a segment: first what can be done without the database, then the rest.
import { setImmediate } from "node:timers/promises";
import type { Tx } from "../../../kernel/db/index.ts";
import type { Languages } from "../language/languages.ts";
import { BlockRows } from "./block-copy.ts";
import { encodeDocuments } from "./documents.ts";
import { sortKeys } from "./key.ts";
import { PositionsEncoder } from "./positions.ts";
import { PostingsEncoder } from "./postings.ts";
import type { SegmentBuilder } from "./segment-builder.ts";
import { encodeStemWords, stemsOf, toStemEntry } from "./stems.ts";
import { insertSegment } from "./store.ts";
import { createWordTotals, type WordTotals } from "./word-totals.ts";

/** The words of a segment, ready to be sent. */
export interface EncodedWords {
  readonly rows: BlockRows;
  readonly totals: WordTotals;
}

/** So many words at a time, some milliseconds of work, then others go on. */
const SLICE = 1_024;

export async function encodeWords(builder: SegmentBuilder, languages: Languages): Promise<EncodedWords> {
  const totals = createWordTotals();
  const encoder = new PostingsEncoder();
  const positions = new PositionsEncoder();
  const rows = new BlockRows();
  await languages.load();
  const stems = stemsOf(builder, languages);
  for (const [nth, word] of sortKeys([...builder.words(), ...stems.keys()]).entries()) {
    if (nth % SLICE === SLICE - 1) await setImmediate();
    const words = stems.get(word);
    if (words) {
      rows.add(Buffer.from(word), toStemEntry(encodeStemWords(words)));
      continue;
    }
    encoder.begin();
    positions.begin();
    builder.encode(word, encoder, positions);
    const { documents, occurrences } = encoder;
    // Of documents alone that were dropped.
    if (documents === 0) continue;
    totals.add(word, documents, occurrences);
    rows.add(Buffer.from(word), {
      documents,
      occurrences,
      postings: encoder.view(),
      positions: positions.hasAny ? positions.finish() : undefined,
    });
  }
  rows.finish();
  return { rows, totals };
}

/** Writes the documents, nothing when there is none, with their words as they were encoded last. */
export async function writeSegment(
  tx: Tx,
  projectId: string,
  segment: { readonly number: number; readonly isLive: boolean },
  { documents }: Pick<SegmentBuilder, "documents">,
  { rows }: EncodedWords,
): Promise<void> {
  const [first] = documents;
  const last = documents.at(-1);
  if (!first || !last) return;
  await rows.send(tx, projectId, segment.number);
  const row = {
    segment: segment.number,
    first_doc: first.doc,
    last_doc: last.doc,
    documents: documents.length,
  };
  await insertSegment(tx, projectId, row, encodeDocuments(documents), segment.isLive);
}
