// The SQL of posts as they are now.
import type { Query, Sql, Tx } from "../../../kernel/db/index.ts";
import type { NewEvent } from "../../../kernel/events/index.ts";
import { newId } from "../../../kernel/ids/index.ts";
import { accessColumn } from "../../projects/index.ts";
import { type Post, type PostContent, RESTORE_DAYS } from "../model.ts";
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
}

export interface FoundPost {
  readonly post: Post;
  /** Of the user who asks; give it to parseAccess. */
  readonly access: string | null;
}

export interface NewPost extends PostContent {
  readonly id: string;
  readonly projectId: string;
  readonly authorId: string;
  readonly linesAdded: number;
  /** Parts that store its paragraphs, see Texts.newPostParts. */
  readonly parts: Query<unknown>;
  readonly events: readonly NewEvent[];
}

/**
 * Post, paragraphs, job and events in one statement, so that one round trip makes it durable; nothing of it when the author's
 * access is none of `permitted`. Fails on posts_path_taken when another has the path.
 */
export async function insertPost(
  tx: Tx,
  post: NewPost,
  permitted: readonly string[],
): Promise<{ readonly access: string | null; readonly post: Post | undefined }> {
  const { id, projectId, authorId, title, body, path, linesAdded, parts, events } = post;
  // Each part reads from the one before; the events last, since they hold the project's log.
  const [row] = await tx<{ access: string | null; created_at: Date | null }>`
    WITH author AS MATERIALIZED (SELECT ${accessColumn(tx, projectId, authorId)} AS access),
    post AS (
      INSERT INTO posts (id, project_id, title, body, length, path, path_key, author_id, updated_by, lines_added, lines_removed)
      SELECT ${id}, ${projectId}, ${title}, ${body}, ${body.length}::int, ${path}, ${keyOf(path)}, ${authorId}, ${authorId},
        ${linesAdded}::int, 0
      FROM author WHERE author.access = ANY (${permitted}::text[])
      RETURNING created_at),
    ${parts},
    announced AS MATERIALIZED (
      SELECT max(events_append(${projectId}, e.id, e.event, ${authorId}, e.subject, e.data::jsonb)) AS seq
      FROM (SELECT FROM post LEFT JOIN post_job ON true) AS stored
      CROSS JOIN unnest(${events.map(() => newId())}::uuid[], ${events.map((event) => event.event)}::text[],
        ${events.map((event) => event.subject)}::text[],
        ${events.map((event) => JSON.stringify(event.data))}::text[]) AS e (id, event, subject, data))
    SELECT author.access, post.created_at FROM author LEFT JOIN post ON true CROSS JOIN announced`;
  const access = row?.access ?? null;
  if (!row?.created_at) return { access, post: undefined };
  const content = { id, projectId, title, body, path, authorId, version: 1, updatedBy: authorId };
  return {
    access,
    post: { ...content, createdAt: row.created_at, updatedAt: row.created_at, deletedAt: null },
  };
}

export interface SavedEdit {
  readonly content: PostContent;
  readonly userId: string;
  readonly linesAdded: number;
  readonly linesRemoved: number;
  readonly restoredFrom: number | null;
}

/** Saves the next version of a post that the caller has locked, and keeps the one before. */
export async function updatePost(tx: Tx, post: Post, edit: SavedEdit): Promise<Post> {
  const { content, userId, linesAdded, linesRemoved, restoredFrom } = edit;
  const { title, body, path } = content;
  const [row] = await tx<{ updated_at: Date }>`
    WITH kept AS (
      INSERT INTO post_versions (project_id, post_id, version, title, body, path, author_id, created_at, lines_added,
        lines_removed, restored_from)
      SELECT project_id, id, version, title, body, path, updated_by, updated_at, lines_added, lines_removed, restored_from
      FROM posts WHERE id = ${post.id})
    UPDATE posts SET title = ${title}, body = ${body}, length = ${body.length}, path = ${path}, path_key = ${keyOf(path)},
      version = version + 1, updated_by = ${userId}, updated_at = clock_timestamp(), lines_added = ${linesAdded},
      lines_removed = ${linesRemoved}, restored_from = ${restoredFrom}
    WHERE id = ${post.id} RETURNING updated_at`;
  return {
    ...post,
    ...content,
    version: post.version + 1,
    updatedBy: userId,
    updatedAt: row?.updated_at ?? post.updatedAt,
  };
}

/** Also a deleted one, as long as it can be restored. */
export async function findPost(sql: Sql, id: string, userId: string): Promise<FoundPost | undefined> {
  const [row] = await sql<PostRow & { access: string | null }>`${selectPost(sql, id, userId)}`;
  return row && { post: toPost(row), access: row.access };
}

/** The same, and no one else changes it before the transaction ends. */
export async function findPostToChange(tx: Tx, id: string, userId: string): Promise<FoundPost | undefined> {
  const [row] = await tx<PostRow & { access: string | null }>`${selectPost(tx, id, userId)} FOR UPDATE OF p`;
  return row && { post: toPost(row), access: row.access };
}

function selectPost(sql: Sql, id: string, userId: string): Query<unknown> {
  return sql`
    SELECT ${columns(sql)}, ${accessColumn(sql, sql`p.project_id`, userId)} AS access
    FROM posts p WHERE p.id = ${id} AND ${isKept(sql)}`;
}

/** Of table p, as PostRow. */
export function columns(sql: Sql): Query<unknown> {
  return sql`p.id, p.project_id, p.title, p.body, p.path, p.author_id, p.version, p.updated_by, p.created_at, p.updated_at,
    p.deleted_at`;
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

export async function markDeleted(tx: Tx, id: string): Promise<void> {
  await tx`UPDATE posts SET deleted_at = clock_timestamp() WHERE id = ${id}`;
}

/** Fails on posts_path_taken when another has its path by now. */
export async function markRestored(tx: Tx, id: string): Promise<void> {
  await tx`UPDATE posts SET deleted_at = NULL WHERE id = ${id}`;
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

function keyOf(path: string | null): string | null {
  return path === null ? null : pathKey(path);
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
  };
}
