// The SQL of bodies that follow a document: a version is opened, saved again and again, and completed.
import type { Query, Sql, Tx } from "../../../kernel/db/index.ts";
import { accessColumn, type Who } from "../../projects/index.ts";
import { columns, type PostRow, type PostToChange, toPost } from "./posts.ts";
import { announcedPart, type Companions } from "./saving.ts";

export interface CoeditTarget {
  readonly projectId: string;
  /** Of the user who asks; give it to parseAccess. */
  readonly access: string | null;
}

export async function findTarget(sql: Sql, id: string, who: Who): Promise<CoeditTarget | undefined> {
  const [row] = await sql<{ project_id: string; access: string | null }>`
    SELECT p.project_id, ${accessColumn(sql, sql`p.project_id`, who)} AS access
    FROM posts p WHERE p.id = ${id} AND p.deleted_at IS NULL`;
  return row && { projectId: row.project_id, access: row.access };
}

/** Holds the post to the commit: whoever is changing the body reads it again, and finds that there is a document. */
export async function markCoedited(
  tx: Tx,
  id: string,
): Promise<{ readonly projectId: string; readonly body: string } | undefined> {
  const [row] = await tx<{ project_id: string; body: string }>`
    UPDATE posts SET is_coedited = true, revision = revision + 1 WHERE id = ${id} AND deleted_at IS NULL
    RETURNING project_id, body`;
  return row && { projectId: row.project_id, body: row.body };
}

export interface FollowedBody {
  readonly id: string;
  readonly body: string;
  /** Who wrote last. */
  readonly editorId: string;
  readonly editorIds: readonly string[];
}

/**
 * Opens the next version unless one is open; false when the body is that already, or the post is deleted. Holds the post in any
 * case: it goes before its document, as wherever both are locked.
 */
export async function saveFollowed(tx: Tx, followed: FollowedBody): Promise<boolean> {
  const { id, body, editorId, editorIds } = followed;
  const rows = await tx`
    WITH held AS MATERIALIZED (SELECT * FROM posts WHERE id = ${id} AND deleted_at IS NULL FOR UPDATE),
    earlier AS MATERIALIZED (SELECT * FROM held WHERE body <> ${body}),
    kept AS (
      INSERT INTO post_versions (project_id, post_id, version, title, body, path, author_id, created_at, lines_added,
        lines_removed, restored_from, editors)
      SELECT project_id, id, version, title, body, path, updated_by, updated_at, lines_added, lines_removed, restored_from,
        editors
      FROM earlier WHERE draft IS NULL)
    UPDATE posts p SET body = ${body}, length = ${body.length}::int, revision = p.revision + 1,
      updated_by = ${editorId}, updated_at = clock_timestamp(), draft = coalesce(p.draft, 0) + 1,
      version = p.version + (p.draft IS NULL)::int, restored_from = NULL,
      lines_added = CASE WHEN p.draft IS NULL THEN 0 ELSE p.lines_added END,
      lines_removed = CASE WHEN p.draft IS NULL THEN 0 ELSE p.lines_removed END,
      editors = (
        SELECT array_agg(DISTINCT editor)
        FROM unnest(CASE WHEN p.draft IS NULL THEN '{}' ELSE p.editors END || ${editorIds}::uuid[]) AS editor)
    FROM earlier WHERE p.id = earlier.id RETURNING 1`;
  return rows.length > 0;
}

export interface OpenVersion extends PostToChange {
  readonly editorIds: readonly string[];
  /** Of the version before. */
  readonly before: { readonly body: string; readonly path: string | null };
}

/** Undefined when none is open. */
export async function findOpenVersion(
  tx: Tx,
  id: string,
  paragraphs: Query<unknown>,
): Promise<OpenVersion | undefined> {
  const [row] = await tx<
    PostRow & {
      revision: number;
      paragraphs: Record<string, string>;
      editors: string[] | null;
      body_before: string;
      path_before: string | null;
    }
  >`
    SELECT ${columns(tx)}, p.revision, p.editors, ${paragraphs} AS paragraphs, v.body AS body_before, v.path AS path_before
    FROM posts p JOIN post_versions v ON v.post_id = p.id AND v.version = p.version - 1
    WHERE p.id = ${id} AND p.draft IS NOT NULL AND p.deleted_at IS NULL`;
  return (
    row && {
      post: toPost(row),
      access: null,
      revision: row.revision,
      paragraphs: row.paragraphs,
      editorIds: row.editors ?? [row.updated_by],
      before: { body: row.body_before, path: row.path_before },
    }
  );
}

/** False, and nothing done, when the post is not as it was read. */
export async function completeVersion(
  tx: Tx,
  { post, revision }: OpenVersion,
  lines: { readonly added: number; readonly removed: number },
  companions: Companions,
): Promise<boolean> {
  const rows = await tx`
    WITH post AS (
      UPDATE posts SET draft = NULL, revision = revision + 1, lines_added = ${lines.added}::int,
        lines_removed = ${lines.removed}::int
      WHERE id = ${post.id} AND revision = ${revision} RETURNING id),
    ${companions.parts},
    ${announcedPart(tx, companions.events, tx`post_job`)}
    SELECT FROM post CROSS JOIN announced`;
  return rows.length > 0;
}
