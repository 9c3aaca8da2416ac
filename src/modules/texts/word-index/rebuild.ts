// Makes a project's index anew from its paragraphs, beside the old one, which answers until the new one takes its place at once.
import type { Sql, Tx } from "../../../kernel/db/index.ts";
import type { Languages } from "../language/languages.ts";
import type { Tokenizer } from "../tokenizer/tokenizer.ts";
import { mergeSegments } from "./merge.ts";
import { SegmentBuilder } from "./segment-builder.ts";
import { readWords } from "./segment-reader.ts";
import { encodeWords, writeSegment } from "./segment-writer.ts";
import type { TailRow } from "./snapshot.ts";
import { isStemKey } from "./stems.ts";
import {
  addTotals,
  deleteSegments,
  deleteTotals,
  listSegments,
  listTombstones,
  lockHead,
  readDocuments,
  takeSegmentNumber,
} from "./store.ts";
import { createWordTotals } from "./word-totals.ts";

/** Runs a part of the work in a transaction of its own, which a worker that has lost the job cannot commit. */
export type InTransaction = <T>(work: (tx: Tx) => Promise<T>) => Promise<T>;

/** Documents of one new segment; merging goes on from there. */
const BOUNDS = { maxDocuments: 8_192, maxUnits: 4_000_000 };

export interface RebuildDeps {
  readonly sql: Sql;
  readonly inTransaction: InTransaction;
  readonly scanTerms: Tokenizer["scanTerms"];
  readonly languages: Languages;
  readonly tokenizerVersion: number;
  readonly signal: AbortSignal;
}

/** Returns the number from which the tail goes on. Whoever calls it sees to it that nobody analyses or folds meanwhile. */
export async function rebuild(deps: RebuildDeps, projectId: string, nextDoc: number): Promise<number> {
  const { sql, inTransaction, signal } = deps;
  // What an attempt has left that did not get to its end.
  await inTransaction(async (tx) => {
    await lockHead(tx, projectId);
    await deleteSegments(tx, projectId, await segmentNumbers(tx, projectId, false));
  });
  for (let fromDoc = 0; ; ) {
    signal.throwIfAborted();
    const rows = await readDocuments(sql, projectId, { fromDoc, toDoc: nextDoc }, BOUNDS);
    const last = rows.at(-1);
    if (!last) break;
    await buildSegment(deps, projectId, rows);
    fromDoc = last.doc + 1;
  }
  await inTransaction((tx) => takeTheirPlace(tx, projectId, nextDoc, deps.tokenizerVersion));
  return nextDoc;
}

async function buildSegment(deps: RebuildDeps, projectId: string, rows: readonly TailRow[]): Promise<void> {
  const { inTransaction, tokenizerVersion, languages } = deps;
  const builder = new SegmentBuilder();
  // What was said or recognised of a language stays; before there were languages, nothing was.
  for (const row of rows) await builder.read(row, deps);
  const words = await encodeWords(builder, languages);
  const number = await inTransaction((tx) => takeSegmentNumber(tx, projectId));
  await inTransaction(async (tx) => {
    await writeSegment(tx, projectId, { number, isLive: false }, builder, words);
    const langs = builder.documents.map((document) => document.lang);
    const docs = builder.documents.map((document) => document.doc);
    const wordCounts = builder.documents.map((document) => document.wordCount);
    await tx`
      UPDATE paragraphs p SET word_count = u.word_count, lang = u.lang, tokenizer_version = ${tokenizerVersion}
      FROM unnest(${docs}::int[], ${wordCounts}::int[], ${langs}::text[]) AS u (doc, word_count, lang)
      WHERE p.project_id = ${projectId} AND p.doc = u.doc
        AND (p.word_count, p.lang, p.tokenizer_version) IS DISTINCT FROM (u.word_count, u.lang, ${tokenizerVersion})`;
  });
}

async function takeTheirPlace(
  tx: Tx,
  projectId: string,
  nextDoc: number,
  tokenizerVersion: number,
): Promise<void> {
  if (!(await lockHead(tx, projectId))) return;
  // Deleted since they were read: the totals are summed up from the rows, so they must not be in them.
  for (const source of await listSegments(tx, projectId, false)) {
    const dropped = await listTombstones(tx, projectId, source.first_doc, source.last_doc);
    if (dropped.length === 0) continue;
    const target = await takeSegmentNumber(tx, projectId);
    await mergeSegments(tx, projectId, { sources: [source], target, isLive: false });
  }
  await deleteSegments(tx, projectId, await segmentNumbers(tx, projectId, true));
  await tx`UPDATE text_segments SET is_live = true WHERE project_id = ${projectId}`;
  await replaceTotals(tx, projectId, await segmentNumbers(tx, projectId, true));
  await tx`DELETE FROM text_tombstones WHERE project_id = ${projectId}`;
  await tx`
    UPDATE text_indexes SET folded_doc = ${nextDoc}, tail_units = 0, tokenizer_version = ${tokenizerVersion},
      tombstone_count = 0,
      document_count = (SELECT coalesce(sum(documents), 0) FROM text_segments WHERE project_id = ${projectId}),
      occurrence_count = (SELECT coalesce(sum(occurrences), 0) FROM text_words WHERE project_id = ${projectId})
    WHERE project_id = ${projectId}`;
}

/** Words of one statement. */
const TOTALS_WORDS = 20_000;

/** The totals anew, from the given segments. */
async function replaceTotals(tx: Tx, projectId: string, segments: readonly number[]): Promise<void> {
  await deleteTotals(tx, projectId);
  const totals = createWordTotals();
  await readWords(tx, projectId, segments, {
    withPositions: false,
    onWord(entries) {
      const [first] = entries;
      if (!first || isStemKey(first.word)) return;
      let documents = 0;
      let occurrences = 0;
      for (const entry of entries) {
        documents += entry.documents;
        occurrences += entry.occurrences;
      }
      totals.add(first.word.toString(), documents, occurrences);
    },
    async onPause() {
      if (totals.words.length < TOTALS_WORDS) return;
      await addTotals(tx, projectId, totals);
      totals.clear();
    },
  });
  await addTotals(tx, projectId, totals);
}

async function segmentNumbers(sql: Sql, projectId: string, isLive: boolean): Promise<number[]> {
  return (await listSegments(sql, projectId, isLive)).map((row) => row.segment);
}
