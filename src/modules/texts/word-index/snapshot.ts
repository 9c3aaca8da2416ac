// The one statement behind a query: everything of one moment that the process does not remember yet.
import type { Sql } from "../../../kernel/db/index.ts";
import { type ParagraphSource, sourceOf } from "../model.ts";

/** What the process remembers, and so need not be sent again. */
export interface Known {
  readonly segments: readonly number[];
  /** Segments whose postings of the word are remembered. */
  readonly postings: readonly number[];
  readonly tombstoneSeq: number;
  /** Number of the first document of the tail that is not remembered. */
  readonly tailNext: number;
}

export interface TailRow {
  readonly doc: number;
  readonly id: string;
  readonly authorId: string;
  readonly postId: string | null;
  readonly source: ParagraphSource;
  /** Null of one that was analysed before languages were recognised. */
  readonly lang: string | null;
  readonly content: string;
}

/** Of one moment, since one statement sees one snapshot. */
export interface Snapshot {
  readonly foldedDoc: number;
  readonly nextDoc: number;
  readonly tombstoneSeq: number;
  /** Of the word, over all segments. */
  readonly totals: { readonly documents: number; readonly occurrences: number };
  /** All live ones in the order of their documents; without data where they are known. */
  readonly segments: readonly { readonly segment: number; readonly documentData: Uint8Array | null }[];
  /** Of each segment whose postings are not known the block in which the word stands, if it does. */
  readonly blocks: readonly { readonly segment: number; readonly data: Uint8Array }[];
  readonly tombstones: readonly number[];
  readonly tail: readonly TailRow[];
}

/** Rows of seven kinds under one set of columns: `a`, `b`, `c`, `n` and `bytes` mean what the kind says. */
interface PartRow {
  readonly part: "head" | "totals" | "segment" | "block" | "tombstone" | "document";
  readonly a: number;
  readonly b: number;
  readonly c: number;
  readonly n: number;
  readonly id: string | null;
  readonly author_id: string | null;
  readonly post_id: string | null;
  readonly source: ParagraphSource | null;
  readonly lang: string | null;
  readonly content: string | null;
  readonly bytes: Uint8Array | null;
}

/** Undefined when the project has no index yet. */
export async function readSnapshot(
  sql: Sql,
  projectId: string,
  key: string,
  known: Known,
): Promise<Snapshot | undefined> {
  const rows = await sql<PartRow>`
    WITH head AS MATERIALIZED (
      SELECT next_doc, folded_doc, tombstone_seq FROM text_indexes WHERE project_id = ${projectId}),
    live AS MATERIALIZED (
      SELECT segment, first_doc, document_data FROM text_segments
      WHERE project_id = ${projectId} AND is_live ORDER BY first_doc)
    SELECT 'head' AS part, next_doc AS a, folded_doc AS b, tombstone_seq AS c, 0::float8 AS n,
      NULL::uuid AS id, NULL::uuid AS author_id, NULL::uuid AS post_id, NULL::text AS source, NULL::text AS lang,
      NULL::text AS content, NULL::bytea AS bytes
    FROM head
    UNION ALL
    SELECT 'totals', w.documents, 0, 0, w.occurrences::float8, NULL, NULL, NULL, NULL, NULL, NULL, NULL
    FROM text_words w WHERE w.project_id = ${projectId} AND w.word = ${key}
    UNION ALL
    SELECT 'segment', segment, 0, 0, 0, NULL, NULL, NULL, NULL, NULL, NULL,
      CASE WHEN segment = ANY (${known.segments}::int[]) THEN NULL ELSE document_data END
    FROM live
    UNION ALL
    SELECT 'block', live.segment, 0, 0, 0, NULL, NULL, NULL, NULL, NULL, NULL, b.data
    FROM live CROSS JOIN LATERAL (
      SELECT data FROM text_blocks
      WHERE project_id = ${projectId} AND segment = live.segment AND first_word <= ${key}
      ORDER BY first_word DESC LIMIT 1) b
    WHERE live.segment <> ALL (${known.postings}::int[])
    UNION ALL
    SELECT 'tombstone', t.doc, 0, 0, 0, NULL, NULL, NULL, NULL, NULL, NULL, NULL
    FROM text_tombstones t WHERE t.project_id = ${projectId} AND t.seq > ${known.tombstoneSeq}
    UNION ALL
    SELECT 'document', p.doc, 0, 0, 0, p.id, p.author_id, p.post_id, p.source, p.lang, p.content, NULL
    FROM head CROSS JOIN LATERAL (
      SELECT doc, id, author_id, post_id, source, lang, content FROM paragraphs
      WHERE project_id = ${projectId} AND doc >= greatest(head.folded_doc, ${known.tailNext}) ORDER BY doc) p`;
  return toSnapshot(rows);
}

function toSnapshot(rows: readonly PartRow[]): Snapshot | undefined {
  const head = rows.find((row) => row.part === "head");
  if (!head) return undefined;
  const of = (part: PartRow["part"]) => rows.filter((row) => row.part === part);
  const [totals] = of("totals");
  return {
    nextDoc: head.a,
    foldedDoc: head.b,
    tombstoneSeq: head.c,
    totals: { documents: totals?.a ?? 0, occurrences: totals?.n ?? 0 },
    segments: of("segment").map((row) => ({ segment: row.a, documentData: row.bytes })),
    blocks: of("block").flatMap((row) => (row.bytes ? [{ segment: row.a, data: row.bytes }] : [])),
    tombstones: of("tombstone").map((row) => row.a),
    tail: of("document").map((row) => ({
      doc: row.a,
      id: row.id ?? "",
      authorId: row.author_id ?? "",
      postId: row.post_id,
      source: sourceOf(row.post_id, row.source),
      lang: row.lang,
      content: row.content ?? "",
    })),
  };
}
