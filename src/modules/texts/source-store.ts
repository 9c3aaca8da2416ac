// The SQL of sources: which paragraphs came from which address.
import type { Sql, Tx } from "../../kernel/db/index.ts";
import type { Paragraph } from "./model.ts";
import { type ParagraphRow, toParagraph } from "./store.ts";

/** One text at an address. */
export interface SourceKey {
  readonly projectId: string;
  readonly urlHash: Uint8Array;
}

/** Until the commit nobody else stores what this address gave to this project. */
export async function holdSource(tx: Tx, { projectId, urlHash }: SourceKey): Promise<void> {
  const text = `text source ${projectId} ${Buffer.from(urlHash).toString("hex")}`;
  await tx`SELECT pg_advisory_xact_lock(hashtextextended(${text}, 0))`;
}

/** The paragraphs that came from there and are still there, by the hash of their content in hexadecimal. */
export async function findSourceParagraphs(
  tx: Tx,
  { projectId, urlHash }: SourceKey,
  contentHashes: readonly string[],
): Promise<Map<string, Paragraph>> {
  const rows = await tx<ParagraphRow & { content_hash: string }>`
    SELECT encode(s.content_hash, 'hex') AS content_hash, p.id, p.project_id, p.author_id, p.post_id, p.source, p.content, p.doc,
      p.word_count, p.lang
    FROM unnest(${contentHashes}::text[]) AS h (content_hash)
    JOIN text_sources s ON s.project_id = ${projectId} AND s.url_hash = ${urlHash}
      AND s.content_hash = decode(h.content_hash, 'hex')
    JOIN paragraphs p ON p.id = s.paragraph_id`;
  return new Map(rows.map((row) => [row.content_hash, toParagraph(row)]));
}

/** Paragraphs of a project that came from an address and are still there, analysed or not. */
export async function listFromAddress(
  sql: Sql,
  projectId: string,
  urlHash: Uint8Array,
): Promise<{ readonly id: string; readonly doc: number | null }[]> {
  return sql`
    SELECT p.id, p.doc FROM text_sources s JOIN paragraphs p ON p.id = s.paragraph_id
    WHERE s.project_id = ${projectId} AND s.url_hash = ${urlHash}`;
}

export async function insertSourceParagraphs(
  tx: Tx,
  { projectId, urlHash }: SourceKey,
  url: string,
  found: readonly { readonly id: string; readonly contentHash: string }[],
): Promise<void> {
  await tx`
    INSERT INTO text_sources (project_id, url_hash, content_hash, paragraph_id, url)
    SELECT ${projectId}, ${urlHash}, decode(f.content_hash, 'hex'), f.id, ${url}
    FROM unnest(${found.map(({ contentHash }) => contentHash)}::text[], ${found.map(({ id }) => id)}::uuid[])
      AS f (content_hash, id)`;
}
