// The SQL that finds and lists posts as they are now, and erases them.
import type { Query, Sql, Tx } from "../../../kernel/db/index.ts";
import { accessColumn, type Who } from "../../projects/index.ts";
import { type Post, RESTORE_DAYS } from "../model.ts";
import { pathKey } from "../path.ts";

export interface PostRow {
  readonly id: string;
  readonly project_id: string;
  readonly title: string;
  readonly body: string;
  readonly path: string | null;
  readonly author_id: string;
  readonly version: number;
  readonly updated_by: string;
  readonly created_at: Date;
  readonly updated_at: Date;
  readonly deleted_at: Date | null;
  readonly draft: number | null;
  readonly is_coedited: boolean;
}

export interface FoundPost {
  readonly post: Post;
  /** Of the user who asks; give it to parseAccess. */
  readonly access: string | null;
}

/** Also a deleted one, as long as it can be restored. */
export async function findPost(sql: Sql, id: string, who: Who): Promise<FoundPost | undefined> {
  const [row] = await sql<PostRow & { access: string | null }>`
    SELECT ${columns(sql)}, ${accessColumn(sql, sql`p.project_id`, who)} AS access
    FROM posts p WHERE p.id = ${id} AND ${isKept(sql)}`;
  return row && { post: toPost(row), access: row.access };
}

export interface PostToChange extends FoundPost {
  /** Counts every change, deleting and restoring too. */
  readonly revision: number;
  /** See Texts.paragraphsColumn. */
  readonly paragraphs: Readonly<Record<string, string>>;
}

/** The same with its paragraphs, of one snapshot. */
export async function findPostToChange(
  sql: Sql,
  id: string,
  who: Who,
  paragraphs: Query<unknown>,
): Promise<PostToChange | undefined> {
  const [row] = await sql<
    PostRow & { access: string | null; revision: number; paragraphs: Record<string, string> }
  >`
    SELECT ${columns(sql)}, p.revision, ${accessColumn(sql, sql`p.project_id`, who)} AS access, ${paragraphs} AS paragraphs
    FROM posts p WHERE p.id = ${id} AND ${isKept(sql)}`;
  return row && { post: toPost(row), access: row.access, revision: row.revision, paragraphs: row.paragraphs };
}

/** Of table p, as PostRow. */
export function columns(sql: Sql): Query<unknown> {
  return sql`p.id, p.project_id, p.title, p.body, p.path, p.author_id, p.version, p.updated_by, p.created_at, p.updated_at,
    p.deleted_at, p.draft, p.is_coedited`;
}

function isKept(sql: Sql): Query<unknown> {
  return sql`(p.deleted_at IS NULL OR p.deleted_at > now() - make_interval(days => ${RESTORE_DAYS}::int))`;
}

export interface PostList {
  readonly projectId: string;
  readonly authorId?: string | undefined;
  readonly path?: string | undefined;
  readonly isDeleted: boolean;
  readonly beforeId?: string | undefined;
  readonly limit: number;
}

export interface Bounded<Item> {
  readonly items: readonly Item[];
  readonly hasMore: boolean;
}

/** Bodies of one page; a page of long ones ends sooner, after one at least. */
export const MAX_PAGE_UNITS = 4_194_304;

/** Newest first. */
export async function listPosts(sql: Sql, list: PostList): Promise<Bounded<Post>> {
  const { projectId, authorId, path, isDeleted, beforeId, limit } = list;
  const ofAuthor = authorId === undefined ? sql`` : sql`AND p.author_id = ${authorId}`;
  const atPath = path === undefined ? sql`` : sql`AND p.path_key = ${pathKey(path)}`;
  const state = isDeleted
    ? sql`AND p.deleted_at IS NOT NULL AND ${isKept(sql)}`
    : sql`AND p.deleted_at IS NULL`;
  const older = beforeId === undefined ? sql`` : sql`AND p.id < ${beforeId}`;
  const rows = await sql<PostRow & { found: number }>`
    SELECT ${columns(sql)}, bounded.found
    FROM (
      SELECT id, sum(length) OVER (ORDER BY id DESC) - length AS units_before, count(*) OVER ()::int AS found
      FROM (
        SELECT p.id, p.length FROM posts p
        WHERE p.project_id = ${projectId} ${state} ${ofAuthor} ${atPath} ${older}
        ORDER BY p.id DESC LIMIT ${limit + 1}) AS first_ones) AS bounded
    JOIN posts p ON p.id = bounded.id
    WHERE bounded.units_before < ${MAX_PAGE_UNITS} ORDER BY p.id DESC`;
  return toBounded(rows, limit, toPost);
}

export function toBounded<Row extends { readonly found: number }, Item>(
  rows: readonly Row[],
  limit: number,
  toItem: (row: Row) => Item,
): Bounded<Item> {
  const items = rows.slice(0, limit).map(toItem);
  return { items, hasMore: (rows[0]?.found ?? 0) > items.length };
}

/** Erases a post whose time to be restored is over, with its versions; undefined when it is not so. */
export async function erasePost(
  tx: Tx,
  id: string,
): Promise<Pick<Post, "projectId" | "version" | "path"> | undefined> {
  const [row] = await tx<{ project_id: string; version: number; path: string | null }>`
    DELETE FROM posts WHERE id = ${id} AND deleted_at <= now() - make_interval(days => ${RESTORE_DAYS}::int)
    RETURNING project_id, version, path`;
  return row && { projectId: row.project_id, version: row.version, path: row.path };
}

/** Deletes some rows of an erased project and returns how many. */
export async function deleteSome(tx: Tx, projectId: string, limit: number): Promise<number> {
  for (const table of ["collection_posts", "collections", "post_versions", "posts"]) {
    const rows = await tx.unsafe(
      `DELETE FROM ${table} WHERE ctid IN (SELECT ctid FROM ${table} WHERE project_id = $1 LIMIT $2) RETURNING 1`,
      [projectId, limit],
    );
    if (rows.length > 0) return rows.length;
  }
  return 0;
}

export function toPost(row: PostRow): Post {
  return {
    id: row.id,
    projectId: row.project_id,
    title: row.title,
    body: row.body,
    path: row.path,
    authorId: row.author_id,
    version: row.version,
    updatedBy: row.updated_by,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
    deletedAt: row.deleted_at,
    draft: row.draft,
    isCoedited: row.is_coedited,
  };
}
