// The statement behind a search: all of one moment that the process does not remember yet, but for postings, which never change.
import type { Sql } from "../../../kernel/db/index.ts";
import { type ParagraphSource, sourceOf } from "../model.ts";
import type { Known, Snapshot, TailRow } from "./snapshot.ts";

/** A paragraph that waits to be analysed; found all the same. */
export type PendingRow = Omit<TailRow, "doc">;

export type ViewSnapshot = Omit<Snapshot, "totals" | "blocks"> & {
  readonly pending: readonly PendingRow[];
};

/** The newest of those that wait; behind an import of a million others wait for their analysis, as the spec says. */
const MAX_PENDING = 1_000;
const MAX_PENDING_UNITS = 1_000_000;

interface PartRow {
  readonly part: "head" | "segment" | "tombstone" | "document" | "pending";
  readonly a: number;
  readonly b: number;
  readonly c: number;
  readonly id: string | null;
  readonly author_id: string | null;
  readonly post_id: string | null;
  readonly source: ParagraphSource | null;
  readonly lang: string | null;
  readonly content: string | null;
  readonly bytes: Uint8Array | null;
}

/** @param knownPending ids of those whose text need not be sent again. */
export async function readView(
  sql: Sql,
  projectId: string,
  known: Omit<Known, "postings">,
  knownPending: readonly string[],
): Promise<ViewSnapshot> {
  const rows = await sql<PartRow>`
    WITH head AS MATERIALIZED (
      SELECT next_doc, folded_doc, tombstone_seq FROM text_indexes WHERE project_id = ${projectId}),
    live AS MATERIALIZED (
      SELECT segment, first_doc, document_data FROM text_segments
      WHERE project_id = ${projectId} AND is_live ORDER BY first_doc)
    SELECT 'head' AS part, next_doc AS a, folded_doc AS b, tombstone_seq AS c,
      NULL::uuid AS id, NULL::uuid AS author_id, NULL::uuid AS post_id, NULL::text AS source, NULL::text AS lang,
      (SELECT string_agg(segment::text, ',' ORDER BY first_doc) FROM live) AS content, NULL::bytea AS bytes
    FROM head
    UNION ALL
    SELECT 'segment', segment, 0, 0, NULL, NULL, NULL, NULL, NULL, NULL, document_data
    FROM live WHERE segment <> ALL (${known.segments}::int[])
    UNION ALL
    SELECT 'tombstone', t.doc, 0, 0, NULL, NULL, NULL, NULL, NULL, NULL, NULL
    FROM text_tombstones t WHERE t.project_id = ${projectId} AND t.seq > ${known.tombstoneSeq}
    UNION ALL
    SELECT 'document', p.doc, 0, 0, p.id, p.author_id, p.post_id, p.source, p.lang, p.content, NULL
    FROM head CROSS JOIN LATERAL (
      SELECT doc, id, author_id, post_id, source, lang, content FROM paragraphs
      WHERE project_id = ${projectId} AND doc >= greatest(head.folded_doc, ${known.tailNext}) ORDER BY doc) p
    UNION ALL
    SELECT 'pending', 0, 0, 0, p.id, p.author_id, p.post_id, p.source, p.lang,
      CASE WHEN p.id = ANY (${knownPending}::uuid[]) THEN NULL ELSE p.content END, NULL
    FROM (
      SELECT id, sum(length) OVER (ORDER BY id DESC) - length AS units_after
      FROM (
        SELECT id, length FROM paragraphs
        WHERE project_id = ${projectId} AND doc IS NULL ORDER BY id DESC LIMIT ${MAX_PENDING}) newest) bounded
    JOIN paragraphs p ON p.id = bounded.id WHERE units_after < ${MAX_PENDING_UNITS}`;
  return toView(rows);
}

const NO_HEAD = { a: 0, b: 0, c: 0, content: null };

function toView(rows: readonly PartRow[]): ViewSnapshot {
  const of = (part: PartRow["part"]) => rows.filter((row) => row.part === part);
  const head = of("head")[0] ?? NO_HEAD;
  const data = new Map(of("segment").map((row) => [row.a, row.bytes]));
  const segments = (head.content?.split(",") ?? []).map((number) => {
    const segment = Number(number);
    return { segment, documentData: data.get(segment) ?? null };
  });
  const text = (row: PartRow) => ({
    id: row.id ?? "",
    authorId: row.author_id ?? "",
    postId: row.post_id,
    source: sourceOf(row.post_id, row.source),
    content: row.content ?? "",
  });
  return {
    nextDoc: head.a,
    foldedDoc: head.b,
    tombstoneSeq: head.c,
    segments,
    tombstones: of("tombstone").map((row) => row.a),
    tail: of("document").map((row) => ({ ...text(row), doc: row.a, lang: row.lang })),
    pending: of("pending").map((row) => ({ ...text(row), lang: row.lang })),
  };
}
