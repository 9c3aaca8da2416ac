// The most frequent words of a project, from the running totals and the tail: exact, and without reading all words.
import type { Sql } from "../../../kernel/db/index.ts";

/** How often each word of a text occurs, by key. */
type CountKeys = (content: string) => ReadonlyMap<string, number>;

export interface FrequentQuery {
  readonly projectId: string;
  readonly limit: number;
  /** Words that are left out, as the tokenizer gives them. */
  readonly except: readonly string[];
}

export interface FrequentWord {
  readonly word: string;
  /** How often it occurs in all analysed paragraphs. */
  readonly occurrences: number;
  /** In how many of them. */
  readonly documents: number;
}

interface TailRow {
  readonly folded_doc: number;
  readonly tombstone_seq: number;
  readonly content: string | null;
}

interface TotalRow {
  readonly folded_doc: number;
  readonly tombstone_seq: number;
  readonly word: string | null;
  readonly documents: number;
  readonly occurrences: number;
}

/** When the index goes on between two looks at it that often, the last is taken, which may count one fold twice or not at all. */
const MAX_TRIES = 5;

/** Most occurrences first, then by code point. Words too long to be a key are left out. */
export async function listFrequent(
  sql: Sql,
  query: FrequentQuery,
  countKeys: CountKeys,
): Promise<FrequentWord[]> {
  for (let tries = 1; ; tries++) {
    const tail = await readTail(sql, query.projectId);
    const [head] = tail;
    if (!head) return [];
    const counts = countTail(tail, countKeys);
    for (const word of query.except) counts.delete(word);
    const totals = await readTotals(sql, query, counts);
    // Folding and deleting change the totals; what was only added is not in the tail that we have, and belongs to later.
    const now = totals[0];
    const isSame = now?.folded_doc === head.folded_doc && now.tombstone_seq === head.tombstone_seq;
    if (isSame || tries === MAX_TRIES) return rank(totals, counts, query.limit);
  }
}

/** How many different words there are. Reads the keys of all. */
export async function countDistinct(sql: Sql, projectId: string, countKeys: CountKeys): Promise<number> {
  const words = [...countTail(await readTail(sql, projectId), countKeys).keys()];
  const [row] = await sql<{ words: number }>`
    SELECT ((SELECT count(*) FROM text_words WHERE project_id = ${projectId})
      + (SELECT count(*) FROM unnest(${words}::text[]) AS t (word) WHERE NOT EXISTS (
          SELECT FROM text_words w WHERE w.project_id = ${projectId} AND w.word = t.word COLLATE "C")))::int AS words`;
  return row?.words ?? 0;
}

/** The texts that are in no segment yet; one row without a text when there is none, none when there is no index. */
function readTail(sql: Sql, projectId: string): PromiseLike<TailRow[]> {
  return sql<TailRow>`
    SELECT i.folded_doc, i.tombstone_seq, p.content
    FROM text_indexes i LEFT JOIN paragraphs p ON p.project_id = i.project_id AND p.doc >= i.folded_doc
    WHERE i.project_id = ${projectId}`;
}

interface Counts {
  documents: number;
  occurrences: number;
}

function countTail(rows: readonly TailRow[], countKeys: CountKeys): Map<string, Counts> {
  const counts = new Map<string, Counts>();
  for (const { content } of rows) {
    if (content === null) continue;
    for (const [key, count] of countKeys(content)) {
      const known = counts.get(key);
      if (known) {
        known.documents++;
        known.occurrences += count;
      } else counts.set(key, { documents: 1, occurrences: count });
    }
  }
  return counts;
}

/**
 * Totals of every word that may be among the most frequent ones. `last` is the count of the last that is among them without the
 * tail: a word beyond it must make up the difference by its count in the tail. So these few are looked up: words within `near` of
 * it, and words that occur more often than that in the tail. Where so many words do not reach LEAST, the totals of all are read.
 */
function readTotals(
  sql: Sql,
  { projectId, limit, except }: FrequentQuery,
  tail: ReadonlyMap<string, Counts>,
): PromiseLike<TotalRow[]> {
  const words = [...tail.keys()];
  const counts = [...tail.values()].map(({ occurrences }) => occurrences);
  const isShown = sql`word > ${AFTER_DIGESTS} AND word <> ALL (${except}::text[])`;
  return sql<TotalRow>`
    WITH head AS MATERIALIZED (
      SELECT folded_doc, tombstone_seq FROM text_indexes WHERE project_id = ${projectId}),
    -- The step of the last; null where there are too few words in steps.
    step AS MATERIALIZED (
      SELECT (
        SELECT magnitude FROM text_words
        WHERE project_id = ${projectId} AND magnitude > 0 AND ${isShown}
        ORDER BY magnitude DESC OFFSET ${limit - 1} LIMIT 1) AS magnitude),
    last AS MATERIALIZED (
      SELECT occurrences, CASE WHEN occurrences IS NULL THEN 0 ELSE least(${NEAR}, occurrences - ${LEAST}) END AS near FROM (
        SELECT (
          SELECT occurrences FROM text_words
          WHERE project_id = ${projectId} AND magnitude > 0 AND text_words.magnitude >= step.magnitude AND ${isShown}
          ORDER BY occurrences DESC OFFSET ${limit - 1} LIMIT 1) AS occurrences
        FROM step) AS l),
    found AS (
      SELECT w.word, w.documents, w.occurrences FROM last CROSS JOIN LATERAL (
        SELECT word, documents, occurrences FROM text_words
        WHERE project_id = ${projectId} AND magnitude > 0
          AND magnitude >= texts_magnitude(last.occurrences - last.near) AND occurrences >= last.occurrences - last.near
          AND ${isShown}) w
      WHERE last.occurrences IS NOT NULL
      UNION ALL
      SELECT w.word, w.documents, w.occurrences FROM last CROSS JOIN LATERAL (
        SELECT word, documents, occurrences FROM text_words
        WHERE project_id = ${projectId} AND ${isShown}
        ORDER BY occurrences DESC, word LIMIT ${limit}) w
      WHERE last.occurrences IS NULL
      UNION ALL
      SELECT w.word, w.documents, w.occurrences
      FROM last JOIN unnest(${words}::text[], ${counts}::int[]) AS t (word, count) ON t.count > last.near
      JOIN text_words w ON w.project_id = ${projectId} AND w.word = t.word COLLATE "C"),
    wanted AS (SELECT DISTINCT word, documents, occurrences FROM found)
    SELECT head.folded_doc, head.tombstone_seq, w.word, coalesce(w.documents, 0) AS documents,
      coalesce(w.occurrences, 0)::float8 AS occurrences
    FROM head LEFT JOIN wanted w ON true`;
}

/** From it on words are in steps, see the migration. */
const LEAST = 64;
/** A word that the tail lifts over more than this is looked up by itself. */
const NEAR = 8;
/** Keys of words too long to be one begin with # and go on in base64url, see key.ts; words begin with letters, digits or marks. */
const AFTER_DIGESTS = "#~";

function rank(rows: readonly TotalRow[], tail: ReadonlyMap<string, Counts>, limit: number): FrequentWord[] {
  const totals = new Map<string, FrequentWord>();
  for (const [word, counts] of tail) totals.set(word, { word, ...counts });
  for (const { word, documents, occurrences } of rows) {
    if (word === null) continue;
    const more = tail.get(word);
    totals.set(word, {
      word,
      documents: documents + (more?.documents ?? 0),
      occurrences: occurrences + (more?.occurrences ?? 0),
    });
  }
  const words = [...totals.values()].filter(({ word }) => word > AFTER_DIGESTS);
  words.sort((a, b) => b.occurrences - a.occurrences);
  const least = words[limit - 1]?.occurrences ?? 0;
  // Most words of a tail occur once: only those that have a chance are put into the order of their letters.
  return words
    .filter(({ occurrences }) => occurrences >= least)
    .sort((a, b) => b.occurrences - a.occurrences || compareWords(a.word, b.word))
    .slice(0, limit);
}

/** By code point, as the database compares. */
function compareWords(a: string, b: string): number {
  const hasSurrogates = /[\ud800-\udfff]/.test(a + b);
  if (hasSurrogates) return Buffer.compare(Buffer.from(a), Buffer.from(b));
  return a < b ? -1 : 1;
}
