// The SQL of exports: posts, their versions and collections, as they were at a moment.
import type { Sql } from "../../../kernel/db/index.ts";

/** Bytes of bodies on a page; one that is longer stands alone. */
const MAX_PAGE_BYTES = 4_194_304;
const PAGE = 100;
const FIRST_ID = "00000000-0000-0000-0000-000000000000";

export interface ExportedAt {
  readonly projectId: string;
  readonly at: Date;
}

export interface ExportedPost {
  readonly id: string;
  readonly version: number;
  readonly title: string;
  readonly body: string;
  readonly path: string | null;
  readonly author_id: string;
  readonly updated_by: string;
  readonly created_at: Date;
  readonly updated_at: Date;
}

/** Those that were not deleted then, each in the version it had; by their ids. */
export async function listPostsAt(
  sql: Sql,
  { projectId, at }: ExportedAt,
  afterId = FIRST_ID,
): Promise<ExportedPost[]> {
  return sql<ExportedPost>`
    SELECT id, version, title, body, path, author_id, updated_by, created_at, updated_at
    FROM (
      SELECT page.*, sum(octet_length(body)) OVER (ORDER BY id) - octet_length(body) AS bytes_before
      FROM (
        SELECT p.id, v.version, v.title, v.body, v.path, p.author_id, v.updated_by, p.created_at, v.updated_at
        FROM posts p CROSS JOIN LATERAL (
          SELECT p.version, p.title, p.body, p.path, p.updated_by, p.updated_at WHERE p.updated_at <= ${at}
          UNION ALL
          (SELECT o.version, o.title, o.body, o.path, o.author_id, o.created_at FROM post_versions o
           WHERE o.post_id = p.id AND o.created_at <= ${at} AND p.updated_at > ${at}
           ORDER BY o.version DESC LIMIT 1)) AS v
        WHERE p.project_id = ${projectId} AND p.id > ${afterId} AND (p.deleted_at IS NULL OR p.deleted_at > ${at})
        ORDER BY p.id LIMIT ${PAGE}::int) AS page) AS bounded
    WHERE bytes_before < ${MAX_PAGE_BYTES} ORDER BY id`;
}

export interface ExportedVersion {
  readonly post_id: string;
  readonly version: number;
  readonly title: string;
  readonly body: string;
  readonly path: string | null;
  readonly author_id: string;
  readonly created_at: Date;
  readonly restored_from: number | null;
  /** All who wrote it; its author among them. */
  readonly editor_ids: readonly string[];
}

/** Those before the one that the post had then, of posts that were not deleted; by post and version. */
export async function listVersionsAt(
  sql: Sql,
  { projectId, at }: ExportedAt,
  [afterPost, afterVersion]: readonly [post: string, version: number] = [FIRST_ID, 0],
): Promise<ExportedVersion[]> {
  return sql<ExportedVersion>`
    SELECT post_id, version, title, body, path, author_id, created_at, restored_from, editor_ids
    FROM (
      SELECT page.*, sum(octet_length(body)) OVER (ORDER BY post_id, version) - octet_length(body) AS bytes_before
      FROM (
        SELECT v.post_id, v.version, v.title, v.body, v.path, v.author_id, v.created_at, v.restored_from,
          coalesce(v.editors, ARRAY[v.author_id])::text[] AS editor_ids
        FROM posts p JOIN post_versions v ON v.post_id = p.id
        WHERE p.project_id = ${projectId} AND p.id >= ${afterPost} AND (v.post_id, v.version) > (${afterPost}::uuid, ${afterVersion}::int)
          AND (p.deleted_at IS NULL OR p.deleted_at > ${at}) AND v.created_at <= ${at}
          AND (p.updated_at <= ${at} OR EXISTS (
            SELECT FROM post_versions n WHERE n.post_id = v.post_id AND n.version = v.version + 1 AND n.created_at <= ${at}))
        ORDER BY v.post_id, v.version LIMIT ${PAGE}::int) AS page) AS bounded
    WHERE bytes_before < ${MAX_PAGE_BYTES} ORDER BY post_id, version`;
}

export interface ExportedCollection {
  readonly id: string;
  readonly name: string;
  readonly owner_id: string;
  readonly created_at: Date;
  readonly updated_at: Date;
  readonly post_ids: readonly string[];
}

/** Those that there were then, with the posts that they have now, in their order; by their ids. */
export async function listCollectionsAt(
  sql: Sql,
  { projectId, at }: ExportedAt,
  afterId = FIRST_ID,
): Promise<ExportedCollection[]> {
  return sql<ExportedCollection>`
    SELECT c.id, c.name, c.owner_id, c.created_at, c.updated_at,
      ARRAY(
        SELECT cp.post_id::text FROM collection_posts cp JOIN posts p ON p.id = cp.post_id
        WHERE cp.collection_id = c.id AND cp.added_at <= ${at} AND (p.deleted_at IS NULL OR p.deleted_at > ${at})
        ORDER BY cp.rank, cp.post_id) AS post_ids
    FROM collections c
    WHERE c.project_id = ${projectId} AND c.id > ${afterId} AND c.created_at <= ${at}
    ORDER BY c.id LIMIT 10`;
}

/** About how many, of each. */
export async function countExported(
  sql: Sql,
  { projectId }: ExportedAt,
): Promise<{ readonly posts: number; readonly versions: number; readonly collections: number }> {
  const [row] = await sql<{ posts: number; versions: number; collections: number }>`
    SELECT (SELECT count(*)::int FROM posts WHERE project_id = ${projectId} AND deleted_at IS NULL) AS posts,
      (SELECT count(*)::int FROM post_versions WHERE project_id = ${projectId}) AS versions,
      (SELECT count(*)::int FROM collections WHERE project_id = ${projectId}) AS collections`;
  return row ?? { posts: 0, versions: 0, collections: 0 };
}
