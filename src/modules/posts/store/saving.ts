// The SQL that saves posts: each change is one statement, with the post's paragraphs, its jobs and its events.
import type { Query, Sql, Tx } from "../../../kernel/db/index.ts";
import type { NewEvent } from "../../../kernel/events/index.ts";
import { newId } from "../../../kernel/ids/index.ts";
import type { PreparedJob } from "../../../kernel/jobs/index.ts";
import { accessesFor, type Permission, type Who, writeAccessColumn } from "../../projects/index.ts";
import type { Post, PostContent } from "../model.ts";
import { pathKey } from "../path.ts";
import type { PostToChange } from "./posts.ts";

/** What is saved with a post, in the same statement. */
export interface Companions {
  /** Its paragraphs and their job, see Texts.postParts. */
  readonly parts: Query<unknown>;
  /** In their order; last of all, since they hold the project's log to the commit. */
  readonly events: readonly NewEvent[];
  /** The change of its document, see Proposal.part. */
  readonly documentPart?: Query<unknown> | undefined;
}

export interface NewPost extends PostContent {
  readonly id: string;
  readonly projectId: string;
  readonly authorId: string;
  /** Who he is to the policy. */
  readonly caller: Who;
  readonly linesAdded: number;
}

/**
 * One statement, so that one round trip makes it durable; nothing of it when the author's access is none of `permitted`. Fails
 * on posts_path_taken when another has the path, as do the statements below.
 */
export async function insertPost(
  tx: Tx,
  post: NewPost,
  permitted: readonly string[],
  companions: Companions,
): Promise<{ readonly access: string | null; readonly post: Post | undefined }> {
  const { id, projectId, authorId, caller, title, body, path, linesAdded } = post;
  const [row] = await tx<{ access: string | null; created_at: Date | null }>`
    WITH author AS MATERIALIZED (SELECT ${writeAccessColumn(tx, projectId, caller)} AS access),
    post AS (
      INSERT INTO posts (id, project_id, title, body, length, path, path_key, author_id, updated_by, lines_added, lines_removed)
      SELECT ${id}, ${projectId}, ${title}, ${body}, ${body.length}::int, ${path}, ${keyOf(path)}, ${authorId}, ${authorId},
        ${linesAdded}::int, 0
      FROM author WHERE author.access = ANY (${permitted}::text[])
      RETURNING created_at),
    ${companions.parts},
    ${announcedPart(tx, companions.events, tx`post_job`)}
    SELECT author.access, post.created_at FROM author LEFT JOIN post ON true CROSS JOIN announced`;
  const access = row?.access ?? null;
  if (!row?.created_at) return { access, post: undefined };
  const content = {
    id,
    projectId,
    title,
    body,
    path,
    authorId,
    version: 1,
    draft: null,
    updatedBy: authorId,
  };
  return {
    access,
    post: {
      ...content,
      isCoedited: false,
      createdAt: row.created_at,
      updatedAt: row.created_at,
      deletedAt: null,
    },
  };
}

export interface SavedEdit {
  readonly content: PostContent;
  readonly userId: string;
  readonly linesAdded: number;
  readonly linesRemoved: number;
  readonly restoredFrom: number | null;
}

/**
 * Saves the next version and keeps the one before; undefined, and nothing done, when the post is not as it was read, or who
 * saves it may no longer. So too the two below.
 */
export async function updatePost(
  tx: Tx,
  { post, revision }: PostToChange,
  edit: SavedEdit,
  companions: Companions,
): Promise<Post | undefined> {
  const { content, userId, linesAdded, linesRemoved, restoredFrom } = edit;
  const { documentPart } = companions;
  const { title, body, path } = content;
  const [row] = await tx<{ updated_at: Date }>`
    WITH earlier AS MATERIALIZED (
      SELECT * FROM posts WHERE id = ${post.id} AND revision = ${revision}
        AND ${stillMay(tx, userId, "posts.write")} FOR UPDATE),
    kept AS (
      INSERT INTO post_versions (project_id, post_id, version, title, body, path, author_id, created_at, lines_added,
        lines_removed, restored_from, editors)
      SELECT project_id, id, version, title, body, path, updated_by, updated_at, lines_added, lines_removed, restored_from,
        editors
      FROM earlier),
    post AS (
      UPDATE posts p SET title = ${title}, body = ${body}, length = ${body.length}::int, path = ${path},
        path_key = ${keyOf(path)}, version = p.version + 1, revision = p.revision + 1, updated_by = ${userId}, updated_at = clock_timestamp(),
        lines_added = ${linesAdded}::int, lines_removed = ${linesRemoved}::int, restored_from = ${restoredFrom}::int,
        draft = NULL, editors = NULL
      FROM earlier WHERE p.id = earlier.id RETURNING p.updated_at),
    ${companions.parts},
    ${documentPart ? tx`${documentPart},` : tx``}
    ${announcedPart(tx, companions.events, documentPart ? tx`(post_job LEFT JOIN document_change ON true)` : tx`post_job`)}
    SELECT post.updated_at FROM post CROSS JOIN announced`;
  return (
    row && {
      ...post,
      ...content,
      version: post.version + 1,
      draft: null,
      updatedBy: userId,
      updatedAt: row.updated_at,
    }
  );
}

/** Marks it deleted, with the job that will erase it; false, and nothing done, when the post is not as it was read. */
export async function markDeleted(
  tx: Tx,
  { post, revision }: PostToChange,
  userId: string,
  job: PreparedJob,
  companions: Companions,
): Promise<boolean> {
  const rows = await tx`
    WITH post AS (
      UPDATE posts SET deleted_at = clock_timestamp(), revision = revision + 1
      WHERE id = ${post.id} AND revision = ${revision} AND ${stillMay(tx, userId, "posts.delete")} RETURNING id),
    ${companions.parts},
    erasing AS MATERIALIZED (
      SELECT jobs_enqueue(${job.id}, ${job.projectId}, ${job.task}, ${job.lane}, ${job.input}::text::jsonb, ${job.uniqueKey},
        ${job.createdBy}, clock_timestamp() + ${job.delayMs}::float8 * interval '1 millisecond', ${job.timeoutMs},
        ${job.maxAttempts}) AS id
      FROM post LEFT JOIN post_job ON true),
    ${announcedPart(tx, companions.events, tx`erasing`)}
    SELECT FROM post CROSS JOIN announced`;
  return rows.length > 0;
}

/** False, and nothing done, when the post is not as it was read. */
export async function markRestored(
  tx: Tx,
  { post, revision }: PostToChange,
  userId: string,
  companions: Companions,
): Promise<boolean> {
  const rows = await tx`
    WITH post AS (
      UPDATE posts SET deleted_at = NULL, revision = revision + 1
      WHERE id = ${post.id} AND revision = ${revision} AND ${stillMay(tx, userId, "posts.delete")} RETURNING id),
    ${companions.parts},
    ${announcedPart(tx, companions.events, tx`post_job`)}
    SELECT FROM post CROSS JOIN announced`;
  return rows.length > 0;
}

/** The post was read by another statement, before which a role may have been taken away. */
function stillMay(sql: Sql, userId: string, permission: Permission): Query<unknown> {
  return sql`${writeAccessColumn(sql, sql`project_id`, userId)} = ANY (${accessesFor(permission)}::text[])`;
}

/** @param after a part whose locks are to be taken before that of the log. */
export function announcedPart(sql: Sql, events: readonly NewEvent[], after: Query<unknown>): Query<unknown> {
  const column = (of: (event: NewEvent) => unknown) => events.map(of);
  return sql`
    announced AS MATERIALIZED (
      SELECT max(events_append(e.project_id, e.id, e.event, e.actor_id, e.subject, e.data::jsonb)) AS seq
      FROM (SELECT FROM post LEFT JOIN ${after} ON true) AS saved
      CROSS JOIN unnest(${column((event) => event.projectId)}::uuid[], ${column(() => newId())}::uuid[],
        ${column(({ event }) => event)}::text[], ${column((event) => event.actorId)}::uuid[],
        ${column((event) => event.subject)}::text[], ${column((event) => JSON.stringify(event.data))}::text[])
        AS e (project_id, id, event, actor_id, subject, data))`;
}

function keyOf(path: string | null): string | null {
  return path === null ? null : pathKey(path);
}
