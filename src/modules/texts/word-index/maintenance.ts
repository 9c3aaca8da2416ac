// Keeps an index in shape: folds a long tail, merges segments, makes it anew when a word is no longer what it was.
import type { Sql, Tx } from "../../../kernel/db/index.ts";
import { writeSegment } from "./fold.ts";
import { mergeSegments } from "./merge.ts";
import { planMerge } from "./merge-plan.ts";
import type { CountKeys } from "./project-memory.ts";
import type { Queries } from "./query.ts";
import { type InTransaction, rebuild } from "./rebuild.ts";
import {
  addTotals,
  deleteTombstones,
  findHead,
  type IndexHead,
  listLiveDocs,
  listSegmentsWithDeleted,
  listTombstones,
  lockHead,
  markFolded,
  readDocuments,
  takeSegmentNumber,
} from "./store.ts";

export interface MaintenanceOptions {
  /** A tail of so many documents or UTF-16 units is folded: a process that has forgotten it reads it within some 10 ms. */
  readonly foldDocuments: number;
  readonly foldUnits: number;
  readonly tiers: readonly number[];
  /** So many tombstones, and a third of what is left, are worth a run. More than a tail has, in which a run leaves them. */
  readonly minTombstones: number;
  readonly tokenizerVersion: number;
}

export interface MaintenanceRun {
  readonly sql: Sql;
  readonly inTransaction: InTransaction;
  readonly signal: AbortSignal;
}

export type Maintain = (run: MaintenanceRun, projectId: string) => Promise<void>;

/** Makes the function that does all there is to do. At most one call for a project at a time, in all processes. */
export function createMaintenance(
  options: MaintenanceOptions,
  queries: Queries,
  countKeys: CountKeys,
): Maintain {
  const { tiers, tokenizerVersion } = options;

  async function fold(tx: Tx, projectId: string): Promise<number | undefined> {
    const head = await lockHead(tx, projectId);
    if (!head || head.nextDoc === head.foldedDoc) return undefined;
    const range = { toDoc: head.nextDoc };
    const bounds = { maxDocuments: head.nextDoc, maxUnits: Number.MAX_SAFE_INTEGER };
    const read = (fromDoc: number) => readDocuments(tx, projectId, { ...range, fromDoc }, bounds);
    const tail = await queries.withMemory(projectId, (memory) => memory.completeTail(head, read, countKeys));
    const live = new Set(await listLiveDocs(tx, projectId, head.foldedDoc));
    const number = await takeSegmentNumber(tx, projectId);
    await writeSegment(tx, projectId, { number, isLive: true }, tail, live);
    await addTotals(tx, projectId, number);
    await markFolded(tx, projectId, head.nextDoc);
    const deleted = await listTombstones(tx, projectId, head.foldedDoc, head.nextDoc - 1);
    await deleteTombstones(tx, projectId, deleted);
    return head.nextDoc;
  }

  return async (run, projectId) => {
    const { sql, inTransaction, signal } = run;
    const head = await findHead(sql, projectId);
    if (!head || !isDue(head, options)) return;
    if (head.tokenizerVersion < tokenizerVersion) {
      const from = await rebuild({ ...run, countKeys, tokenizerVersion }, projectId, head.nextDoc);
      await queries.withMemory(projectId, (memory) => memory.startTail(from));
    } else if (isTailLong(head, options)) {
      const from = await inTransaction((tx) => fold(tx, projectId));
      if (from !== undefined) await queries.withMemory(projectId, (memory) => memory.startTail(from));
    }
    for (;;) {
      signal.throwIfAborted();
      const sources = planMerge(await listSegmentsWithDeleted(sql, projectId), tiers);
      if (!sources) return;
      const target = await inTransaction((tx) => takeSegmentNumber(tx, projectId));
      await inTransaction((tx) => mergeSegments(tx, projectId, { sources, target, isLive: true }));
    }
  };
}

/** Some segment then has the quarter of deleted documents at which it is written anew. */
const TOMBSTONE_SHARE = 1 / 3;

/** Whether there is anything to do. */
export function isDue(head: IndexHead, options: MaintenanceOptions): boolean {
  const { tombstoneCount, documentCount } = head;
  return (
    head.tokenizerVersion < options.tokenizerVersion ||
    isTailLong(head, options) ||
    tombstoneCount >= Math.max(options.minTombstones, documentCount * TOMBSTONE_SHARE)
  );
}

function isTailLong(head: IndexHead, { foldDocuments, foldUnits }: MaintenanceOptions): boolean {
  return head.nextDoc - head.foldedDoc >= foldDocuments || head.tailUnits >= foldUnits;
}
