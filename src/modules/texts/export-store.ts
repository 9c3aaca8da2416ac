// The SQL of exported paragraphs.
import type { Sql } from "../../kernel/db/index.ts";
import type { Paragraph } from "./model.ts";
import { type ParagraphRow, toParagraph } from "./store.ts";

const PAGE = 1_000;
/** UTF-16 units of a page; one that is longer stands alone. */
const MAX_PAGE_UNITS = 2_000_000;
const FIRST_ID = "00000000-0000-0000-0000-000000000000";

export interface ExportedSpan {
  readonly projectId: string;
  /** Of those that are wanted. */
  readonly lastId: string;
  readonly afterId: string | undefined;
}

/** In the order of their ids. */
export async function listParagraphsUpTo(sql: Sql, span: ExportedSpan): Promise<Paragraph[]> {
  const rows = await sql<ParagraphRow>`
    SELECT p.id, p.project_id, p.author_id, p.post_id, p.source, p.content, p.doc, p.word_count, p.lang
    FROM (
      SELECT id, sum(length) OVER (ORDER BY id) - length AS units_before
      FROM (
        SELECT id, length FROM paragraphs
        WHERE project_id = ${span.projectId} AND id > ${span.afterId ?? FIRST_ID} AND id <= ${span.lastId}
        ORDER BY id LIMIT ${PAGE}::int) AS first_ones) AS bounded
    JOIN paragraphs p ON p.id = bounded.id
    WHERE bounded.units_before < ${MAX_PAGE_UNITS} ORDER BY p.id`;
  return rows.map(toParagraph);
}

export async function findLastId(sql: Sql, projectId: string): Promise<string | undefined> {
  const [row] = await sql<{ id: string }>`
    SELECT id FROM paragraphs WHERE project_id = ${projectId} ORDER BY id DESC LIMIT 1`;
  return row?.id;
}

export async function countParagraphs(sql: Sql, projectId: string): Promise<number> {
  const [row] = await sql<{ count: number }>`
    SELECT count(*)::float8 AS count FROM paragraphs WHERE project_id = ${projectId}`;
  return row?.count ?? 0;
}
