// The face of the word index: how often each word occurs in which paragraph of a project, kept as rows of PostgreSQL. It hides
// segments, tail and merging; search will ask it for more than counts.
import type { Sql, Tx } from "../../../kernel/db/index.ts";
import { TOKENIZER_VERSION, type Tokenizer } from "../tokenizer/tokenizer.ts";
import { eraseIndex } from "./erase.ts";
import { toKeys } from "./key.ts";
import { createMaintenance, type Maintain, type MaintenanceOptions } from "./maintenance.ts";
import { TIERS } from "./merge-plan.ts";
import { createQueries, type Top, type TopQuery } from "./query.ts";
import { type IndexHead, insertTombstones, subtractTotals, takeNumbers, type WordTotal } from "./store.ts";

export type { MaintenanceRun } from "./maintenance.ts";
export type { Top, TopQuery } from "./query.ts";
export type { InTransaction } from "./rebuild.ts";
export type { TopDocument } from "./top.ts";

/** A paragraph that was given its number and stored as analysed. */
export interface AnalysedParagraph {
  readonly doc: number;
  readonly id: string;
  readonly authorId: string;
  readonly wordCount: number;
  readonly content: string;
}

export type RemovedParagraph = Pick<AnalysedParagraph, "doc" | "content">;

export interface WordIndex {
  /**
   * Gives consecutive numbers to paragraphs that the caller stores as analysed in the same transaction, and returns the first.
   * From its commit on they are found. Locks the index until then: rows of paragraphs must be locked before.
   */
  takeNumbers(
    tx: Tx,
    projectId: string,
    taken: { readonly documents: number; readonly occurrences: number },
  ): Promise<number>;
  /** After that commit, in the process that has counted them: spares it reading them again. */
  remember(
    projectId: string,
    paragraphs: readonly AnalysedParagraph[],
    counts: readonly ReadonlyMap<string, number>[],
  ): Promise<void>;
  /**
   * In the transaction that deletes analysed paragraphs, after their rows. Says whether so much is deleted by now that
   * `maintain` should be run.
   */
  remove(tx: Tx, projectId: string, removed: readonly RemovedParagraph[]): Promise<boolean>;
  /** Folds, merges and makes anew what needs it. One call at a time for a project, in all processes. */
  readonly maintain: Maintain;
  /** The next `maintain` will make the index anew from the paragraphs. */
  requestRebuild(tx: Tx, projectId: string): Promise<void>;
  /** Projects that were analysed by an older version of the tokenizer, some of them. */
  listOutdated(sql: Sql, limit: number): Promise<string[]>;
  top(sql: Sql, query: TopQuery): Promise<Top>;
  /** Deletes at most `limit` rows of an erased project and returns how many. */
  erase(tx: Tx, projectId: string, limit: number): Promise<number>;
}

/** Left out, what was measured to be good; tests take less of everything. */
export type WordIndexOptions = Partial<MaintenanceOptions>;

/** Fewer are not worth a run; more than a tail has, in which a run would leave them. */
const MIN_TOMBSTONES = 1_024;
/** To what is left: some segment then has the quarter of deleted documents at which it is written anew. */
const TOMBSTONE_SHARE = 1 / 3;

export function createWordIndex(tokenizer: Tokenizer, options: WordIndexOptions = {}): WordIndex {
  const given = { foldDocuments: 512, foldUnits: 512_000, tiers: TIERS, tokenizerVersion: TOKENIZER_VERSION };
  const maintenance: MaintenanceOptions = { ...given, ...options };
  const { tokenizerVersion } = maintenance;
  const countKeys = (content: string) => toKeys(tokenizer.countWords(content));
  const queries = createQueries(countKeys);
  const maintain = createMaintenance(maintenance, queries, countKeys);

  return {
    takeNumbers: (tx, projectId, taken) => takeNumbers(tx, projectId, { ...taken, tokenizerVersion }),
    remember: (projectId, paragraphs, counts) =>
      queries.withMemory(projectId, (memory) => memory.remember(paragraphs, counts.map(toKeys))),
    async remove(tx, projectId, removed) {
      const counted = removed.map(({ doc, content }) => ({ doc, counts: countKeys(content) }));
      const docs = counted.map(({ doc }) => doc);
      const head = await insertTombstones(tx, projectId, docs, sumOf(counted.map(({ counts }) => counts)));
      if (!head) return false;
      const folded = counted.filter(({ doc }) => doc < head.foldedDoc).map(({ counts }) => counts);
      if (folded.length > 0) await subtractTotals(tx, projectId, totalsOf(folded));
      return isWorthMaintaining(head);
    },
    maintain,
    async requestRebuild(tx, projectId) {
      await tx`UPDATE text_indexes SET tokenizer_version = 0 WHERE project_id = ${projectId}`;
    },
    async listOutdated(sql, limit) {
      const rows = await sql<{ project_id: string }>`
        SELECT project_id FROM text_indexes WHERE tokenizer_version < ${tokenizerVersion} LIMIT ${limit}`;
      return rows.map((row) => row.project_id);
    },
    top: queries.top,
    async erase(tx, projectId, limit) {
      queries.forget(projectId);
      return eraseIndex(tx, projectId, limit);
    },
  };
}

function isWorthMaintaining({ tombstoneCount, documentCount }: IndexHead): boolean {
  return tombstoneCount >= Math.max(MIN_TOMBSTONES, documentCount * TOMBSTONE_SHARE);
}

type Counts = ReadonlyMap<string, number>;

function sumOf(counted: readonly Counts[]): number {
  let sum = 0;
  for (const counts of counted) for (const count of counts.values()) sum += count;
  return sum;
}

function totalsOf(counted: readonly Counts[]): ReadonlyMap<string, WordTotal> {
  const totals = new Map<string, WordTotal>();
  for (const counts of counted) {
    for (const [word, count] of counts) {
      const { documents, occurrences } = totals.get(word) ?? { documents: 0, occurrences: 0 };
      totals.set(word, { documents: documents + 1, occurrences: occurrences + count });
    }
  }
  return totals;
}
