// The face of the word index: how often each word occurs in which paragraph of a project, kept as rows of PostgreSQL. It hides
// segments, tail and merging; search will ask it for more than counts.
import type { Database, Query, Sql, Tx } from "../../../kernel/db/index.ts";
import { createLanguages, type Languages } from "../language/languages.ts";
import { TOKENIZER_VERSION, type Tokenizer } from "../tokenizer/tokenizer.ts";
import { createBoundedMemory } from "./bounded-memory.ts";
import {
  type Counted,
  countParagraphs,
  listCounted,
  numberBuilt,
  numberCounted,
  type WaitingParagraph,
} from "./counting.ts";
import { eraseIndex } from "./erase.ts";
import { createFold } from "./fold.ts";
import { countDistinct, type FrequentQuery, type FrequentWord, listFrequent } from "./frequent.ts";
import { toKeys } from "./key.ts";
import {
  createMaintenance,
  isDue,
  isTailLong,
  type Maintain,
  type MaintenanceOptions,
} from "./maintenance.ts";
import { TIERS } from "./merge-plan.ts";
import type { ProjectMemory } from "./project-memory.ts";
import { createQueries, type Queries, type Top, type TopQuery } from "./query.ts";
import { createListWordsByStem, type ListWordsByStem } from "./stem-words.ts";
import { forgetColumn, forgetDocuments, type LaidOutWords, numberPending } from "./store.ts";
import { TermMemory } from "./term-memory.ts";
import { createReadText } from "./text.ts";
import { type Verification, verifyIndex } from "./verify.ts";
import { createViews, type Views } from "./views.ts";

export type { Counted, WaitingParagraph } from "./counting.ts";
export type { WordDay } from "./days.ts";
export type { FrequentQuery, FrequentWord } from "./frequent.ts";
export type { MaintenanceRun } from "./maintenance.ts";
export type { Top, TopQuery } from "./query.ts";
export type { InTransaction } from "./rebuild.ts";
export { Room } from "./room.ts";
export type { ReadPositions, Shelf } from "./shelf.ts";
export type { TopDocument } from "./top.ts";
export type { Verification } from "./verify.ts";
export type { IndexView, WantedTerms } from "./views.ts";

/** Of what processes remember of projects: the documents of a million paragraphs, and tails. */
const PROJECTS_BYTES = 48 * 1024 * 1024;

export interface Taken {
  /** Ids of those that still waited and are analysed now, in the order of their numbers. */
  readonly ids: readonly string[];
  /** Whether `maintain` should be run; until then `merge` may be, beside the next `take`. */
  readonly isDue: boolean;
}

export interface RemovedParagraph {
  readonly doc: number;
  readonly content: string;
}

export interface WordIndex {
  /** Counts the words of paragraphs, which come in the order of their ids; gives way to others now and then. */
  count(paragraphs: readonly WaitingParagraph[], signal?: AbortSignal): Promise<Counted>;
  /**
   * Notes paragraphs as analysed: from the commit on they are found. Those that were deleted or analysed meanwhile are left out.
   * Folds a tail that has become long. Locks the index until the commit.
   */
  take(tx: Tx, projectId: string, counted: Counted): Promise<Taken>;
  /**
   * In the transaction that deletes analysed paragraphs, after their rows. Says whether so much is deleted by now that
   * `maintain` should be run.
   */
  remove(tx: Tx, projectId: string, removed: readonly RemovedParagraph[]): Promise<boolean>;
  /**
   * The same as an aggregate in the statement that deletes them: over rows with the columns `place`, of a paragraph among the
   * contents, and `doc`, its number.
   */
  removeColumn(sql: Sql, projectId: string, contents: readonly string[]): Query<unknown>;
  /** Merges and makes anew what needs it. One call at a time for a project, in all processes, and not beside `take`. */
  readonly maintain: Maintain;
  /** The merges alone: one call at a time for a project, but beside `take`. */
  readonly merge: Maintain;
  /** The next `maintain` will make the index anew from the paragraphs. */
  requestRebuild(tx: Tx, projectId: string): Promise<void>;
  /** Projects that were analysed by an older version of the tokenizer, some of them. */
  listOutdated(sql: Sql, limit: number): Promise<string[]>;
  top(sql: Sql, query: TopQuery): Promise<Top>;
  /** In how many paragraphs a word occurs, day by day; oldest first. */
  readonly days: Queries["days"];
  /** The most frequent words, most occurrences first, then by code point. */
  frequent(sql: Sql, query: FrequentQuery): Promise<FrequentWord[]>;
  /** How many different words there are; takes long in large projects. */
  countDistinct(sql: Sql, projectId: string): Promise<number>;
  /** Holds it against the paragraphs; undefined when the project has none. Others may write meanwhile. */
  verify(db: Pick<Database, "transaction">, projectId: string): Promise<Verification | undefined>;
  /** All projects that have an index. */
  listProjects(sql: Sql): Promise<string[]>;
  /** For searching. */
  readonly openView: Views["open"];
  readonly listWordsByStem: ListWordsByStem;
  readonly languages: Languages;
  /** Deletes at most `limit` rows of an erased project and returns how many. */
  erase(tx: Tx, projectId: string, limit: number): Promise<number>;
}

/** Left out, what was measured to be good; tests take less of everything. */
export type WordIndexOptions = Partial<MaintenanceOptions>;

export function createWordIndex(tokenizer: Tokenizer, options: WordIndexOptions = {}): WordIndex {
  const maintenance: MaintenanceOptions = {
    foldDocuments: 512,
    foldUnits: 512_000,
    tiers: TIERS,
    minTombstones: 1_024,
    tokenizerVersion: TOKENIZER_VERSION,
    ...options,
  };
  const { tokenizerVersion } = maintenance;
  const countKeys = (content: string) => toKeys(tokenizer.countWords(content));
  const readText = createReadText(tokenizer);
  const languages = createLanguages();
  const projects = createBoundedMemory<ProjectMemory>(PROJECTS_BYTES);
  const terms = new TermMemory();
  const queries = createQueries({ projects, terms, readText });
  const views = createViews({ projects, terms, readText, languages });
  const fold = createFold(queries, readText, languages);
  const { scanTerms } = tokenizer;
  const { maintain, merge } = createMaintenance(maintenance, fold, queries, { scanTerms, languages });
  const counting = { ...maintenance, readText, scanTerms, languages };

  return {
    count: (paragraphs, signal) => countParagraphs(counting, paragraphs, signal),
    async take(tx, projectId, counted) {
      const { docs, head } = await numberPending(tx, projectId, listCounted(counted), tokenizerVersion);
      if (!head) return { ids: [], isDue: false };
      if ("builder" in counted) {
        const built = await numberBuilt(counted, docs, languages);
        await fold(tx, projectId, head, built);
        return { ids: built.builder.documents.map(({ id }) => id), isDue: true };
      }
      const taken = numberCounted(counted, docs);
      const ids = taken.map(({ row }) => row.id);
      if (isTailLong(head, maintenance)) {
        // At once, so that no reader ever meets a tail much longer than that.
        await fold(tx, projectId, head, taken);
        return { ids, isDue: true };
      }
      // Spares this process reading them again when it folds them.
      tx.afterCommit(() => queries.withMemory(projectId, (memory) => memory.remember(taken)));
      return { ids, isDue: isDue(head, maintenance) };
    },
    async remove(tx, projectId, removed) {
      const docs = removed.map(({ doc }) => doc);
      const words = layOut(removed.map(({ content }) => countKeys(content)));
      const head = await forgetDocuments(tx, projectId, docs, words);
      return head !== undefined && isDue(head, maintenance);
    },
    removeColumn: (sql, projectId, contents) => forgetColumn(sql, projectId, layOut(contents.map(countKeys))),
    maintain,
    merge,
    async requestRebuild(tx, projectId) {
      await tx`UPDATE text_indexes SET tokenizer_version = 0 WHERE project_id = ${projectId}`;
    },
    async listOutdated(sql, limit) {
      const rows = await sql<{ project_id: string }>`
        SELECT project_id FROM text_indexes WHERE tokenizer_version < ${tokenizerVersion} LIMIT ${limit}`;
      return rows.map((row) => row.project_id);
    },
    verify: (db, projectId) => verifyIndex({ db, readText, languages }, projectId),
    async listProjects(sql) {
      const rows = await sql<{ project_id: string }>`SELECT project_id FROM text_indexes ORDER BY project_id`;
      return rows.map((row) => row.project_id);
    },
    top: queries.top,
    days: queries.days,
    countDistinct: (sql, projectId) => countDistinct(sql, projectId, countKeys),
    frequent: (sql, query) => listFrequent(sql, query, countKeys),
    openView: views.open,
    listWordsByStem: createListWordsByStem(),
    languages,
    async erase(tx, projectId, limit) {
      queries.forget(projectId);
      views.forget(projectId);
      return eraseIndex(tx, projectId, limit);
    },
  };
}

function layOut(counted: readonly ReadonlyMap<string, number>[]): LaidOutWords {
  const places: number[] = [];
  const words: string[] = [];
  const counts: number[] = [];
  for (const [place, each] of counted.entries()) {
    for (const [word, count] of each) {
      places.push(place);
      words.push(word);
      counts.push(count);
    }
  }
  return { places, words, counts };
}
