// The words of a project's segments, for expanding one word of a query into others. A reader adds those of the tail.
import type { Sql } from "../../../kernel/db/index.ts";

/** The most frequent words that begin so, then by letters. */
export async function listWordsByPrefix(
  sql: Sql,
  projectId: string,
  prefix: string,
  limit: number,
): Promise<string[]> {
  const rows = await sql<{ word: string }>`
    SELECT word FROM text_words
    WHERE project_id = ${projectId} AND word >= ${prefix} AND word < ${endOfPrefix(prefix)}
    ORDER BY documents DESC, word LIMIT ${limit}`;
  return rows.map(({ word }) => word);
}

/** Above all words that begin so: by UTF-8, which "C" compares, the last code point sorts after all letters. */
function endOfPrefix(prefix: string): string {
  return `${prefix}\u{10ffff}`;
}

export interface VocabularyChunk {
  /** In the order of their UTF-8. */
  readonly words: readonly string[];
  /** Of each word the documents that have it. */
  readonly documents: readonly number[];
}

const CHUNK_WORDS = 50_000;

/** All words, some at a time; few large rows cost a fraction of many small ones. */
export async function* readVocabulary(sql: Sql, projectId: string): AsyncGenerator<VocabularyChunk> {
  for (let after = ""; ; ) {
    const [row] = await sql<{ words: string | null; documents: string | null; read: number }>`
      SELECT string_agg(word, ' ' ORDER BY word) AS words, string_agg(documents::text, ' ' ORDER BY word) AS documents,
        count(*)::int AS read
      FROM (
        SELECT word, documents FROM text_words
        WHERE project_id = ${projectId} AND word > ${after} ORDER BY word LIMIT ${CHUNK_WORDS}) w`;
    if (!row?.words || !row.documents) return;
    const words = row.words.split(" ");
    yield { words, documents: row.documents.split(" ").map(Number) };
    if (row.read < CHUNK_WORDS) return;
    after = words.at(-1) ?? "";
  }
}

/** How far the index had come; the vocabulary has changed when it changes. */
export async function findFoldedDoc(sql: Sql, projectId: string): Promise<number> {
  const [row] = await sql<{ folded_doc: number }>`
    SELECT folded_doc FROM text_indexes WHERE project_id = ${projectId}`;
  return row?.folded_doc ?? 0;
}
