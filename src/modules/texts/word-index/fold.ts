// Folds the tail of an index into a segment.
import type { Tx } from "../../../kernel/db/index.ts";
import { type Languages, UNKNOWN } from "../language/languages.ts";
import type { CountedRow } from "./project-memory.ts";
import type { Queries } from "./query.ts";
import { SegmentBuilder } from "./segment-builder.ts";
import { writeSegment } from "./segment-writer.ts";
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

/**
 * In a transaction that holds the head. `fresh` are the last documents, noted by this same transaction, which nobody may
 * remember before it is committed.
 */
export type Fold = (
  tx: Tx,
  projectId: string,
  head: IndexHead,
  fresh: readonly CountedRow[],
) => Promise<void>;

export function createFold(queries: Queries, readText: ReadText, languages: Languages): Fold {
  return async (tx, projectId, head, fresh) => {
    const { foldedDoc } = head;
    const toDoc = fresh[0]?.row.doc ?? head.nextDoc;
    const bounds = { maxDocuments: toDoc, maxUnits: Number.MAX_SAFE_INTEGER };
    const read = (fromDoc: number) => readDocuments(tx, projectId, { fromDoc, toDoc }, bounds);
    const committed = await queries.withMemory(projectId, (memory) =>
      memory.completeTail({ foldedDoc, nextDoc: toDoc }, read, readText),
    );
    const live = new Set(await listLiveDocs(tx, projectId, foldedDoc));
    const builder = new SegmentBuilder();
    builder.addTail(committed, live);
    for (const { row, text } of fresh) {
      if (live.has(row.doc)) builder.add({ ...row, lang: row.lang ?? UNKNOWN }, text);
    }
    const number = await takeSegmentNumber(tx, projectId);
    const totals = await writeSegment(tx, projectId, { number, isLive: true }, builder, languages);
    await addTotals(tx, projectId, totals);
    await markFolded(tx, projectId, head.nextDoc);
    await deleteTombstones(tx, projectId, await listTombstones(tx, projectId, foldedDoc, head.nextDoc - 1));
    tx.afterCommit(() => queries.withMemory(projectId, (memory) => memory.startTail(head.nextDoc)));
  };
}
