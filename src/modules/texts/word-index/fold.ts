// Folds the tail of an index into a segment.
import type { Tx } from "../../../kernel/db/index.ts";
import { type Languages, UNKNOWN } from "../language/languages.ts";
import type { CountedRow } from "./project-memory.ts";
import type { Queries } from "./query.ts";
import { SegmentBuilder } from "./segment-builder.ts";
import { type EncodedWords, encodeWords, writeSegment } from "./segment-writer.ts";
import {
  addTotals,
  deleteTombstones,
  type IndexHead,
  listLiveDocs,
  listTombstones,
  markFolded,
  readDocuments,
  takeSegmentNumber,
} from "./store.ts";
import type { ReadText } from "./text.ts";

/** Documents that make a segment by themselves. */
export interface BuiltSegment {
  readonly builder: SegmentBuilder;
  readonly words: EncodedWords;
}

/** The last documents, noted by this same transaction, which nobody may remember before it is committed. */
export type Fresh = readonly CountedRow[] | BuiltSegment;

/** In a transaction that holds the head. */
export type Fold = (tx: Tx, projectId: string, head: IndexHead, fresh: Fresh) => Promise<void>;

export function createFold(queries: Queries, readText: ReadText, languages: Languages): Fold {
  return async (tx, projectId, head, fresh) => {
    const { foldedDoc } = head;
    const built = "builder" in fresh ? fresh : undefined;
    const rows = "builder" in fresh ? [] : fresh;
    const toDoc = (built?.builder.documents[0] ?? rows[0]?.row)?.doc ?? head.nextDoc;
    const builder = new SegmentBuilder();
    if (toDoc > foldedDoc) {
      const bounds = { maxDocuments: toDoc, maxUnits: Number.MAX_SAFE_INTEGER };
      const read = (fromDoc: number) => readDocuments(tx, projectId, { fromDoc, toDoc }, bounds);
      const committed = await queries.withMemory(projectId, (memory) =>
        memory.completeTail({ foldedDoc, nextDoc: toDoc }, read, readText),
      );
      builder.addTail(committed, new Set(await listLiveDocs(tx, projectId, { fromDoc: foldedDoc, toDoc })));
    }
    // Rows that are new here are locked: none of them can be deleted meanwhile.
    for (const { row, text } of rows) builder.add({ ...row, lang: row.lang ?? UNKNOWN }, text);
    if (builder.documents.length > 0) {
      await add(tx, projectId, { builder, words: await encodeWords(builder, languages) });
    }
    // A segment of its own: merges put the two together.
    if (built) await add(tx, projectId, built);
    await markFolded(tx, projectId, head.nextDoc);
    await deleteTombstones(tx, projectId, await listTombstones(tx, projectId, foldedDoc, head.nextDoc - 1));
    tx.afterCommit(() => queries.withMemory(projectId, (memory) => memory.startTail(head.nextDoc)));
  };
}

async function add(tx: Tx, projectId: string, { builder, words }: BuiltSegment): Promise<void> {
  const number = await takeSegmentNumber(tx, projectId);
  await writeSegment(tx, projectId, { number, isLive: true }, builder, words);
  await addTotals(tx, projectId, words.totals);
}
