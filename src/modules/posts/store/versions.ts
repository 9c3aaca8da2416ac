// The SQL of a post's history: the versions before the current one, and that one itself.
import type { Query, Sql } from "../../../kernel/db/index.ts";
import type { PostVersion } from "../model.ts";

interface VersionRow {
  readonly post_id: string;
  readonly version: number;
  readonly title: string;
  readonly path: string | null;
  readonly author_id: string;
  readonly created_at: Date;
  readonly lines_added: number;
  readonly lines_removed: number;
  readonly restored_from: number | null;
  readonly editors: readonly string[] | null;
}

/** Newest first, one more than `limit` if there are. */
export async function listVersions(
  sql: Sql,
  postId: string,
  page: { readonly beforeVersion: number | undefined; readonly limit: number },
): Promise<PostVersion[]> {
  const older = page.beforeVersion === undefined ? sql`` : sql`WHERE version < ${page.beforeVersion}`;
  const rows = await sql<VersionRow>`
    SELECT post_id, version, title, path, author_id, created_at, lines_added, lines_removed, restored_from, editors
    FROM (${selectVersions(sql, postId)}) AS versions ${older} ORDER BY version DESC LIMIT ${page.limit + 1}`;
  return rows.map(toVersion);
}

export async function findVersion(
  sql: Sql,
  postId: string,
  version: number,
): Promise<(PostVersion & { readonly body: string }) | undefined> {
  const [row] = await sql<VersionRow & { body: string }>`
    SELECT * FROM (${selectVersions(sql, postId)}) AS versions WHERE version = ${version}`;
  return row && { ...toVersion(row), body: row.body };
}

function selectVersions(sql: Sql, postId: string): Query<unknown> {
  return sql`
    SELECT post_id, version, title, body, path, author_id, created_at, lines_added, lines_removed, restored_from, editors
    FROM post_versions WHERE post_id = ${postId}
    UNION ALL
    SELECT id, version, title, body, path, updated_by, updated_at, lines_added, lines_removed, restored_from, editors
    FROM posts WHERE id = ${postId}`;
}

function toVersion(row: VersionRow): PostVersion {
  return {
    postId: row.post_id,
    version: row.version,
    title: row.title,
    path: row.path,
    authorId: row.author_id,
    createdAt: row.created_at,
    linesAdded: row.lines_added,
    linesRemoved: row.lines_removed,
    restoredFrom: row.restored_from,
    editorIds: [...(row.editors ?? [row.author_id])],
  };
}
