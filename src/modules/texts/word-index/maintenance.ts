// Keeps an index in shape: folds a long tail, merges segments, makes it anew when a word is no longer what it was.
import type { Sql } from "../../../kernel/db/index.ts";
import type { Fold } from "./fold.ts";
import { mergeSegments } from "./merge.ts";
import { planMerge } from "./merge-plan.ts";
import type { Queries } from "./query.ts";
import { type InTransaction, type RebuildDeps, rebuild } from "./rebuild.ts";
import { findHead, type IndexHead, listSegmentsWithDeleted, lockHead, takeSegmentNumber } from "./store.ts";

/** Some segment then has the quarter of deleted documents at which it is written anew. */
const TOMBSTONE_SHARE = 1 / 3;

/** A merge of so many documents leaves as many dead rows as it writes. */
const VACUUM_DOCUMENTS = 32_768;

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

/** All there is to do, and the merges alone. At most one call for a project at a time, in all processes. */
export function createMaintenance(
  options: MaintenanceOptions,
  fold: Fold,
  queries: Queries,
  reading: Pick<RebuildDeps, "scanTerms" | "languages">,
): { readonly maintain: Maintain; readonly merge: Maintain } {
  const { tiers, tokenizerVersion } = options;

  async function maintain(run: MaintenanceRun, projectId: string): Promise<void> {
    const { sql, inTransaction } = run;
    const head = await findHead(sql, projectId);
    if (!head) return;
    if (head.tokenizerVersion < tokenizerVersion) {
      const from = await rebuild({ ...run, ...reading, tokenizerVersion }, projectId, head.nextDoc);
      queries.withMemory(projectId, (memory) => memory.startTail(from));
    } else if (isTailLong(head, options)) {
      await inTransaction(async (tx) => {
        const locked = await lockHead(tx, projectId);
        if (locked && isTailLong(locked, options)) await fold(tx, projectId, locked, []);
      });
    }
    await merge(run, projectId);
  }

  async function merge({ sql, inTransaction, signal }: MaintenanceRun, projectId: string): Promise<void> {
    for (;;) {
      signal.throwIfAborted();
      const sources = planMerge(await listSegmentsWithDeleted(sql, projectId), tiers);
      if (!sources) return;
      const target = await inTransaction((tx) => takeSegmentNumber(tx, projectId));
      await inTransaction((tx) => mergeSegments(tx, projectId, { sources, target, isLive: true }));
      const documents = sources.reduce((sum, source) => sum + source.documents, 0);
      if (documents >= VACUUM_DOCUMENTS) await vacuum(sql);
    }
  }

  return { maintain, merge };
}

/** Frees the rows that merges have replaced before as many again are written: autovacuum looks only once a minute. */
async function vacuum(sql: Sql): Promise<void> {
  // Giving pages back to the system would lock out who reads; they are needed again at once.
  await sql.unsafe("VACUUM (TRUNCATE false, SKIP_LOCKED) text_blocks");
}

/** Whether the index should be made anew, or rid of what is deleted. */
export function isDue(head: IndexHead, options: MaintenanceOptions): boolean {
  const { tombstoneCount, documentCount } = head;
  return (
    head.tokenizerVersion < options.tokenizerVersion ||
    tombstoneCount >= Math.max(options.minTombstones, documentCount * TOMBSTONE_SHARE)
  );
}

export function isTailLong(head: IndexHead, { foldDocuments, foldUnits }: MaintenanceOptions): boolean {
  return head.nextDoc - head.foldedDoc >= foldDocuments || head.tailUnits >= foldUnits;
}
