// The SQL of the word index, but for the statement of a query (snapshot.ts), of merging and of rebuilding.
import type { Query, Sql, Tx } from "../../../kernel/db/index.ts";
import { type ParagraphSource, sourceOf } from "../model.ts";
import type { TailRow } from "./snapshot.ts";
import type { WordTotals } from "./word-totals.ts";

/** The row of a project's index. */
export interface IndexHead {
  readonly nextDoc: number;
  readonly foldedDoc: number;
  readonly tailUnits: number;
  readonly documentCount: number;
  readonly occurrenceCount: number;
  readonly tombstoneCount: number;
  readonly tokenizerVersion: number;
}

const HEAD = `next_doc, folded_doc, tail_units::float8 AS tail_units, document_count,
  occurrence_count::float8 AS occurrence_count, tombstone_count, tokenizer_version`;

interface IndexRow {
  readonly next_doc: number;
  readonly folded_doc: number;
  readonly tail_units: number;
  readonly document_count: number;
  readonly occurrence_count: number;
  readonly tombstone_count: number;
  readonly tokenizer_version: number;
}

export interface SegmentRow {
  readonly segment: number;
  readonly first_doc: number;
  readonly last_doc: number;
  readonly documents: number;
}

export async function findHead(sql: Sql, projectId: string): Promise<IndexHead | undefined> {
  const [row] = await sql<IndexRow>`
    SELECT ${sql.unsafe(HEAD)}
    FROM text_indexes WHERE project_id = ${projectId}`;
  return row && toHead(row);
}

/** Holds the index against every other change of it until the transaction ends. */
export async function lockHead(tx: Tx, projectId: string): Promise<IndexHead | undefined> {
  const [row] = await tx<IndexRow>`
    SELECT ${tx.unsafe(HEAD)}
    FROM text_indexes WHERE project_id = ${projectId} FOR UPDATE`;
  return row && toHead(row);
}

function toHead(row: IndexRow): IndexHead {
  return {
    nextDoc: row.next_doc,
    foldedDoc: row.folded_doc,
    tailUnits: row.tail_units,
    documentCount: row.document_count,
    occurrenceCount: row.occurrence_count,
    tombstoneCount: row.tombstone_count,
    tokenizerVersion: row.tokenizer_version,
  };
}

export interface Counted {
  readonly id: string;
  readonly wordCount: number;
  readonly lang: string;
}

/**
 * Gives consecutive numbers to those of the paragraphs that still wait, and notes what was counted. One statement, which locks
 * the rows in the order of their ids, as all who lock several do, and the head only then.
 */
export async function numberPending(
  tx: Tx,
  projectId: string,
  counted: readonly Counted[],
  tokenizerVersion: number,
): Promise<{ readonly docs: ReadonlyMap<string, number>; readonly head: IndexHead | undefined }> {
  const ids = counted.map(({ id }) => id);
  const wordCounts = counted.map(({ wordCount }) => wordCount);
  const langs = counted.map(({ lang }) => lang);
  const rows = await tx<IndexRow & { id: string; doc: number }>`
    WITH waiting AS MATERIALIZED (
      SELECT p.id, p.length, c.word_count, c.lang
      FROM unnest(${ids}::uuid[], ${wordCounts}::int[], ${langs}::text[]) AS c (id, word_count, lang) JOIN paragraphs p ON p.id = c.id
      WHERE p.doc IS NULL ORDER BY p.id FOR UPDATE OF p),
    head AS (
      INSERT INTO text_indexes AS i
        (project_id, next_doc, tail_units, document_count, occurrence_count, tokenizer_version)
      SELECT ${projectId}, count(*), sum(length), count(*), sum(word_count), ${tokenizerVersion}::int
      FROM waiting HAVING count(*) > 0
      ON CONFLICT (project_id) DO UPDATE SET
        next_doc = i.next_doc + excluded.next_doc,
        tail_units = i.tail_units + excluded.tail_units,
        document_count = i.document_count + excluded.document_count,
        occurrence_count = i.occurrence_count + excluded.occurrence_count
      RETURNING *),
    numbered AS (
      SELECT id, word_count, lang, row_number() OVER (ORDER BY id) - 1 - count(*) OVER () AS place FROM waiting)
    UPDATE paragraphs p
    SET doc = head.next_doc + numbered.place, word_count = numbered.word_count, lang = numbered.lang, tokenizer_version = ${tokenizerVersion}::int
    FROM numbered, head WHERE p.id = numbered.id
    RETURNING p.id, p.doc, head.next_doc, head.folded_doc, head.tail_units::float8 AS tail_units, head.document_count,
      head.occurrence_count::float8 AS occurrence_count, head.tombstone_count, head.tokenizer_version`;
  const [first] = rows;
  return { docs: new Map(rows.map((row) => [row.id, row.doc])), head: first && toHead(first) };
}

export async function takeSegmentNumber(tx: Tx, projectId: string): Promise<number> {
  const [row] = await tx<{ segment: number }>`
    UPDATE text_indexes SET next_segment = next_segment + 1 WHERE project_id = ${projectId}
    RETURNING next_segment - 1 AS segment`;
  if (!row) throw new Error("the project has no index");
  return row.segment;
}

export async function insertSegment(
  tx: Tx,
  projectId: string,
  segment: SegmentRow,
  documentData: Uint8Array,
  isLive: boolean,
): Promise<void> {
  await tx`
    INSERT INTO text_segments (project_id, segment, first_doc, last_doc, documents, document_data, is_live)
    VALUES (${projectId}, ${segment.segment}, ${segment.first_doc}, ${segment.last_doc}, ${segment.documents},
      ${documentData}, ${isLive})`;
}

export async function listSegments(sql: Sql, projectId: string, isLive: boolean): Promise<SegmentRow[]> {
  return sql<SegmentRow>`
    SELECT segment, first_doc, last_doc, documents FROM text_segments
    WHERE project_id = ${projectId} AND is_live = ${isLive} ORDER BY first_doc`;
}

export async function readDocumentData(
  sql: Sql,
  projectId: string,
  segments: readonly number[],
): Promise<{ segment: number; document_data: Uint8Array }[]> {
  return sql`
    SELECT segment, document_data FROM text_segments
    WHERE project_id = ${projectId} AND segment = ANY (${segments}::int[]) ORDER BY first_doc`;
}

/** Returns how many there were. */
export async function deleteSegments(
  tx: Tx,
  projectId: string,
  segments: readonly number[],
): Promise<number> {
  await tx`DELETE FROM text_blocks WHERE project_id = ${projectId} AND segment = ANY (${segments}::int[])`;
  const rows = await tx`
    DELETE FROM text_segments WHERE project_id = ${projectId} AND segment = ANY (${segments}::int[])
    RETURNING segment`;
  return rows.length;
}

/** Adds the words of a new segment to the totals. As one text, since no word has a space: an array would be quoted word by word. */
export async function addTotals(tx: Tx, projectId: string, totals: WordTotals): Promise<void> {
  const { words, documents, occurrences } = totals;
  if (words.length === 0) return;
  await tx`
    INSERT INTO text_words AS w (project_id, word, documents, occurrences)
    SELECT ${projectId}::uuid, t.word, t.documents, t.occurrences
    FROM unnest(string_to_array(${words.join(" ")}, ' '), ${documents}::int[], ${occurrences}::float8[])
      AS t (word, documents, occurrences)
    ON CONFLICT (project_id, word) DO UPDATE SET
      documents = w.documents + excluded.documents, occurrences = w.occurrences + excluded.occurrences`;
}

export async function deleteTotals(tx: Tx, projectId: string): Promise<void> {
  await tx`DELETE FROM text_words WHERE project_id = ${projectId}`;
}

/** Everything from `folded_doc` to `nextDoc` is in segments now. */
export async function markFolded(tx: Tx, projectId: string, nextDoc: number): Promise<void> {
  await tx`UPDATE text_indexes SET folded_doc = ${nextDoc}, tail_units = 0 WHERE project_id = ${projectId}`;
}

/** The words of documents, laid out for the database: of each word the document's place among them, and its count there. */
export interface LaidOutWords {
  readonly places: readonly number[];
  readonly words: readonly string[];
  readonly counts: readonly number[];
}

/** Notes the deletion of documents. Locks the head first, as whatever changes the index does. */
export async function forgetDocuments(
  tx: Tx,
  projectId: string,
  docs: readonly number[],
  laidOut: LaidOutWords,
): Promise<IndexHead | undefined> {
  const { places, words, counts } = laidOut;
  const [row] = await tx<IndexRow>`
    SELECT ${tx.unsafe(HEAD)}
    FROM texts_forget(${projectId}, ${docs.map((_, place) => place)}::int[], ${docs}::int[], ${places}::int[],
      ${words}::text[], ${counts}::int[])
    WHERE project_id IS NOT NULL`;
  return row && toHead(row);
}

/** The same as an expression over rows with the columns place and doc. */
export function forgetColumn(sql: Sql, projectId: string, laidOut: LaidOutWords): Query<unknown> {
  const { places, words, counts } = laidOut;
  return sql`texts_forget(${projectId}, array_agg(place), array_agg(doc), ${places}::int[], ${words}::text[],
    ${counts}::int[])`;
}

export async function listTombstones(
  sql: Sql,
  projectId: string,
  firstDoc: number,
  lastDoc: number,
): Promise<number[]> {
  const rows = await sql<{ doc: number }>`
    SELECT doc FROM text_tombstones
    WHERE project_id = ${projectId} AND doc BETWEEN ${firstDoc} AND ${lastDoc} ORDER BY doc`;
  return rows.map((row) => row.doc);
}

export async function deleteTombstones(tx: Tx, projectId: string, docs: readonly number[]): Promise<void> {
  if (docs.length === 0) return;
  const rows = await tx`
    DELETE FROM text_tombstones WHERE project_id = ${projectId} AND doc = ANY (${docs}::int[]) RETURNING 1`;
  await tx`
    UPDATE text_indexes SET tombstone_count = tombstone_count - ${rows.length}
    WHERE project_id = ${projectId}`;
}

interface ReadRow {
  readonly doc: number;
  readonly id: string;
  readonly author_id: string;
  readonly post_id: string | null;
  readonly source: ParagraphSource | null;
  readonly lang: string | null;
  readonly content: string;
}

/** Paragraphs with numbers from `fromDoc` to below `toDoc`, so many that they hold about `maxUnits` of text, one at least. */
export async function readDocuments(
  sql: Sql,
  projectId: string,
  range: { readonly fromDoc: number; readonly toDoc: number },
  bounds: { readonly maxDocuments: number; readonly maxUnits: number },
): Promise<TailRow[]> {
  const rows = await sql<ReadRow>`
    SELECT p.doc, p.id, p.author_id, p.post_id, p.source, p.lang, p.content
    FROM (
      SELECT id, doc, sum(length) OVER (ORDER BY doc) - length AS units_before
      FROM (
        SELECT id, doc, length FROM paragraphs
        WHERE project_id = ${projectId} AND doc >= ${range.fromDoc} AND doc < ${range.toDoc}
        ORDER BY doc LIMIT ${bounds.maxDocuments}) AS first_ones) AS bounded
    JOIN paragraphs p ON p.id = bounded.id
    WHERE bounded.units_before < ${bounds.maxUnits}
    ORDER BY p.doc`;
  return rows.map((row) => ({
    doc: row.doc,
    id: row.id,
    authorId: row.author_id,
    postId: row.post_id,
    source: sourceOf(row.post_id, row.source),
    lang: row.lang,
    content: row.content,
  }));
}

/** Numbers of the paragraphs from `fromDoc` to below `toDoc` that are still there. */
export async function listLiveDocs(
  sql: Sql,
  projectId: string,
  { fromDoc, toDoc }: { readonly fromDoc: number; readonly toDoc: number },
): Promise<number[]> {
  const rows = await sql<{ doc: number }>`
    SELECT doc FROM paragraphs WHERE project_id = ${projectId} AND doc >= ${fromDoc} AND doc < ${toDoc}`;
  return rows.map((row) => row.doc);
}

/** Segments with how many of their documents are deleted. */
export async function listSegmentsWithDeleted(
  sql: Sql,
  projectId: string,
): Promise<(SegmentRow & { readonly deleted: number })[]> {
  return sql`
    SELECT segment, first_doc, last_doc, documents,
      (SELECT count(*) FROM text_tombstones t
       WHERE t.project_id = s.project_id AND t.doc BETWEEN s.first_doc AND s.last_doc)::int AS deleted
    FROM text_segments s WHERE project_id = ${projectId} AND is_live ORDER BY first_doc`;
}
