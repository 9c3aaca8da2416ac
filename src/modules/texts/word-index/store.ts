// The SQL of the word index, but for the statement of a query (snapshot.ts), of merging and of rebuilding.
import type { Sql, Tx } from "../../../kernel/db/index.ts";
import type { TailRow } from "./snapshot.ts";

/** The row of a project's index. */
export interface IndexHead {
  readonly nextDoc: number;
  readonly foldedDoc: number;
  readonly documentCount: number;
  readonly occurrenceCount: number;
  readonly tombstoneCount: number;
  readonly tokenizerVersion: number;
}

interface IndexRow {
  readonly next_doc: number;
  readonly folded_doc: number;
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

export interface PostingRow {
  readonly segment: number;
  readonly word: string;
  readonly documents: number;
  readonly postings: Uint8Array;
}

export async function findHead(sql: Sql, projectId: string): Promise<IndexHead | undefined> {
  const [row] = await sql<IndexRow>`
    SELECT next_doc, folded_doc, document_count, occurrence_count::float8 AS occurrence_count, tombstone_count,
      tokenizer_version
    FROM text_indexes WHERE project_id = ${projectId}`;
  return row && toHead(row);
}

/** Holds the index against every other change of it until the transaction ends. */
export async function lockHead(tx: Tx, projectId: string): Promise<IndexHead | undefined> {
  const [row] = await tx<IndexRow>`
    SELECT next_doc, folded_doc, document_count, occurrence_count::float8 AS occurrence_count, tombstone_count,
      tokenizer_version
    FROM text_indexes WHERE project_id = ${projectId} FOR UPDATE`;
  return row && toHead(row);
}

function toHead(row: IndexRow): IndexHead {
  return {
    nextDoc: row.next_doc,
    foldedDoc: row.folded_doc,
    documentCount: row.document_count,
    occurrenceCount: row.occurrence_count,
    tombstoneCount: row.tombstone_count,
    tokenizerVersion: row.tokenizer_version,
  };
}

/** Gives `documents` consecutive numbers and returns the first. */
export async function takeNumbers(
  tx: Tx,
  projectId: string,
  taken: { readonly documents: number; readonly occurrences: number; readonly tokenizerVersion: number },
): Promise<number> {
  const { documents, occurrences, tokenizerVersion } = taken;
  const [row] = await tx<{ next_doc: number }>`
    INSERT INTO text_indexes AS i (project_id, next_doc, document_count, occurrence_count, tokenizer_version)
    VALUES (${projectId}, ${documents}, ${documents}, ${occurrences}, ${tokenizerVersion})
    ON CONFLICT (project_id) DO UPDATE SET
      next_doc = i.next_doc + excluded.next_doc,
      document_count = i.document_count + excluded.document_count,
      occurrence_count = i.occurrence_count + excluded.occurrence_count
    RETURNING next_doc`;
  return (row?.next_doc ?? 0) - documents;
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
  await tx`DELETE FROM text_postings WHERE project_id = ${projectId} AND segment = ANY (${segments}::int[])`;
  const rows = await tx`
    DELETE FROM text_segments WHERE project_id = ${projectId} AND segment = ANY (${segments}::int[])
    RETURNING segment`;
  return rows.length;
}

/** Adds the words of a new segment to the totals. */
export async function addTotals(tx: Tx, projectId: string, segment: number): Promise<void> {
  await tx`
    INSERT INTO text_words AS w (project_id, word, documents, occurrences)
    SELECT project_id, word, documents, occurrences FROM text_postings
    WHERE project_id = ${projectId} AND segment = ${segment} ORDER BY word
    ON CONFLICT (project_id, word) DO UPDATE SET
      documents = w.documents + excluded.documents, occurrences = w.occurrences + excluded.occurrences`;
}

/** How many of some documents have a word, and how often all of them together. */
export interface WordTotal {
  readonly documents: number;
  readonly occurrences: number;
}

/** Takes the words of documents out of the totals. */
export async function subtractTotals(
  tx: Tx,
  projectId: string,
  totals: ReadonlyMap<string, WordTotal>,
): Promise<void> {
  const words = [...totals.keys()];
  const documents = [...totals.values()].map((total) => total.documents);
  const occurrences = [...totals.values()].map((total) => total.occurrences);
  await tx`
    UPDATE text_words w SET documents = w.documents - c.documents, occurrences = w.occurrences - c.occurrences
    FROM unnest(${words}::text[], ${documents}::int[], ${occurrences}::int[]) AS c (word, documents, occurrences)
    WHERE w.project_id = ${projectId} AND w.word = c.word COLLATE "C"`;
  await tx`
    DELETE FROM text_words WHERE project_id = ${projectId} AND word = ANY (${words}::text[]) AND documents <= 0`;
}

/** The totals anew, from the given segments. */
export async function replaceTotals(tx: Tx, projectId: string, segments: readonly number[]): Promise<void> {
  await tx`DELETE FROM text_words WHERE project_id = ${projectId}`;
  await tx`
    INSERT INTO text_words (project_id, word, documents, occurrences)
    SELECT project_id, word, sum(documents)::int, sum(occurrences) FROM text_postings
    WHERE project_id = ${projectId} AND segment = ANY (${segments}::int[]) GROUP BY project_id, word`;
}

/** Everything from `folded_doc` to `nextDoc` is in segments now. */
export async function markFolded(tx: Tx, projectId: string, nextDoc: number): Promise<void> {
  await tx`UPDATE text_indexes SET folded_doc = ${nextDoc} WHERE project_id = ${projectId}`;
}

/** Notes the deletion of documents. Locks the head first, as whatever changes the index does. */
export async function insertTombstones(
  tx: Tx,
  projectId: string,
  docs: readonly number[],
  occurrences: number,
): Promise<IndexHead | undefined> {
  const [row] = await tx<IndexRow>`
    WITH head AS (
      UPDATE text_indexes SET tombstone_seq = tombstone_seq + ${docs.length}::int,
        tombstone_count = tombstone_count + ${docs.length}::int, document_count = document_count - ${docs.length}::int,
        occurrence_count = occurrence_count - ${occurrences}::bigint
      WHERE project_id = ${projectId} RETURNING *),
    tombstones AS (
      INSERT INTO text_tombstones (project_id, seq, doc)
      SELECT project_id, tombstone_seq - ${docs.length}::int + place::int, doc
      FROM head, unnest(${docs}::int[]) WITH ORDINALITY AS d (doc, place))
    SELECT next_doc, folded_doc, document_count, occurrence_count::float8 AS occurrence_count, tombstone_count,
      tokenizer_version
    FROM head`;
  return row && toHead(row);
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

/** How much of the project is in no segment yet; documents deleted since count, their text does not. */
export async function measureTail(
  sql: Sql,
  projectId: string,
): Promise<{ readonly documents: number; readonly units: number }> {
  const [row] = await sql<{ documents: number; units: number }>`
    SELECT next_doc - folded_doc AS documents,
      (SELECT coalesce(sum(p.length), 0) FROM paragraphs p
       WHERE p.project_id = i.project_id AND p.doc >= i.folded_doc)::float8 AS units
    FROM text_indexes i WHERE project_id = ${projectId}`;
  return row ?? { documents: 0, units: 0 };
}

/** Paragraphs with numbers from `fromDoc` to below `toDoc`, so many that they hold about `maxUnits` of text, one at least. */
export async function readDocuments(
  sql: Sql,
  projectId: string,
  range: { readonly fromDoc: number; readonly toDoc: number },
  bounds: { readonly maxDocuments: number; readonly maxUnits: number },
): Promise<TailRow[]> {
  const rows = await sql<{ doc: number; id: string; author_id: string; word_count: number; content: string }>`
    SELECT p.doc, p.id, p.author_id, p.word_count, p.content
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
    wordCount: row.word_count,
    content: row.content,
  }));
}

/** Numbers of the paragraphs from `fromDoc` on that are still there. */
export async function listLiveDocs(sql: Sql, projectId: string, fromDoc: number): Promise<number[]> {
  const rows = await sql<{ doc: number }>`
    SELECT doc FROM paragraphs WHERE project_id = ${projectId} AND doc >= ${fromDoc}`;
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
