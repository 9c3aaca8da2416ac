// The SQL of collections and of the posts in them, in their order.
import type { Query, Sql, Tx } from "../../../kernel/db/index.ts";
import { accessColumn, memberAccessColumn, type Who, writeAccessColumn } from "../../projects/index.ts";
import type { Collection, Post } from "../model.ts";
import { type Bounded, columns, MAX_PAGE_UNITS, type PostRow, toBounded, toPost } from "./posts.ts";

interface CollectionRow {
  readonly id: string;
  readonly project_id: string;
  readonly owner_id: string;
  readonly name: string;
  readonly post_count: number;
  readonly created_at: Date;
  readonly updated_at: Date;
}

export interface FoundCollection {
  readonly collection: Collection;
  /** Of the user who asks; give it to parseAccess. */
  readonly access: string | null;
}

export async function insertCollection(
  tx: Tx,
  collection: Pick<Collection, "id" | "projectId" | "ownerId" | "name">,
): Promise<Collection> {
  const { id, projectId, ownerId, name } = collection;
  const [row] = await tx<{ created_at: Date }>`
    INSERT INTO collections (id, project_id, owner_id, name) VALUES (${id}, ${projectId}, ${ownerId}, ${name})
    RETURNING created_at`;
  const createdAt = row?.created_at ?? new Date();
  return { id, projectId, ownerId, name, postCount: 0, createdAt, updatedAt: createdAt };
}

export async function findCollection(sql: Sql, id: string, who: Who): Promise<FoundCollection | undefined> {
  const [row] = await sql<CollectionRow & { access: string | null }>`
    SELECT ${collectionColumns(sql)}, ${accessColumn(sql, sql`c.project_id`, who)} AS access
    FROM collections c WHERE c.id = ${id}`;
  return row && { collection: toCollection(row), access: row.access };
}

export interface CollectionToChange extends FoundCollection {
  /** Of its owner, as he is now. */
  readonly ownerAccess: string | null;
}

/** The same, and no one else changes it or its order before the transaction ends. */
export async function findCollectionToChange(
  tx: Tx,
  id: string,
  who: Who,
): Promise<CollectionToChange | undefined> {
  // First the lock: the count of the second statement then sees what its last holder has committed.
  const [, [row]] = await Promise.all([
    tx`SELECT FROM collections WHERE id = ${id} FOR UPDATE`,
    tx<CollectionRow & { access: string | null; owner_access: string | null }>`
      SELECT ${collectionColumns(tx)}, ${writeAccessColumn(tx, tx`c.project_id`, who)} AS access,
        ${memberAccessColumn(tx, tx`c.project_id`, tx`c.owner_id`)} AS owner_access
      FROM collections c WHERE c.id = ${id}`,
  ]);
  return row && { collection: toCollection(row), access: row.access, ownerAccess: row.owner_access };
}

function collectionColumns(sql: Sql): Query<unknown> {
  return sql`c.id, c.project_id, c.owner_id, c.name, c.created_at, c.updated_at,
    (SELECT count(*)::int FROM collection_posts cp JOIN posts p ON p.id = cp.post_id
     WHERE cp.collection_id = c.id AND p.deleted_at IS NULL) AS post_count`;
}

export interface CollectionList {
  readonly projectId: string;
  readonly ownerId?: string | undefined;
  readonly beforeId?: string | undefined;
  readonly limit: number;
}

/** Newest first, one more than `limit` if there are. */
export async function listCollections(sql: Sql, list: CollectionList): Promise<Collection[]> {
  const { projectId, ownerId, beforeId, limit } = list;
  const ofOwner = ownerId === undefined ? sql`` : sql`AND c.owner_id = ${ownerId}`;
  const older = beforeId === undefined ? sql`` : sql`AND c.id < ${beforeId}`;
  const rows = await sql<CollectionRow>`
    SELECT ${collectionColumns(sql)} FROM collections c
    WHERE c.project_id = ${projectId} ${ofOwner} ${older} ORDER BY c.id DESC LIMIT ${limit + 1}`;
  return rows.map(toCollection);
}

export async function updateCollection(tx: Tx, id: string, name: string): Promise<Date> {
  const [row] = await tx<{ updated_at: Date }>`
    UPDATE collections SET name = ${name}, updated_at = clock_timestamp() WHERE id = ${id} RETURNING updated_at`;
  return row?.updated_at ?? new Date();
}

export async function changeOwner(tx: Tx, id: string, ownerId: string): Promise<Date> {
  const [row] = await tx<{ updated_at: Date }>`
    UPDATE collections SET owner_id = ${ownerId}, updated_at = clock_timestamp() WHERE id = ${id} RETURNING updated_at`;
  return row?.updated_at ?? new Date();
}

export async function deleteCollection(tx: Tx, id: string): Promise<void> {
  await tx`DELETE FROM collections WHERE id = ${id}`;
}

/** Whether a post is in a project, and whether it is in a collection; deleted or not. */
export async function findPlace(
  sql: Sql,
  collection: Pick<Collection, "id" | "projectId">,
  postId: string,
): Promise<{ readonly isDeleted: boolean; readonly rank: number | null } | undefined> {
  const [row] = await sql<{ deleted: boolean; rank: number | null }>`
    SELECT p.deleted_at IS NOT NULL AS deleted, cp.rank
    FROM posts p LEFT JOIN collection_posts cp ON cp.post_id = p.id AND cp.collection_id = ${collection.id}
    WHERE p.id = ${postId} AND p.project_id = ${collection.projectId}`;
  return row && { isDeleted: row.deleted, rank: row.rank };
}

/** Ranks of the posts that are seen around a position, counted without the post itself. */
export async function findNeighbours(
  sql: Sql,
  collectionId: string,
  postId: string,
  position: number,
): Promise<readonly [before: number | undefined, after: number | undefined]> {
  const rows = await sql<{ rank: number }>`
    SELECT cp.rank ${othersInOrder(sql, collectionId, postId)}
    ORDER BY cp.rank, cp.post_id LIMIT ${position === 0 ? 1 : 2} OFFSET ${Math.max(0, position - 1)}`;
  const [first, second] = rows.map((row) => row.rank);
  return position === 0 ? [undefined, first] : [first, second];
}

/** How many others are seen, of them how many before the rank, and the highest rank of all, seen or not. */
export async function countOthers(
  sql: Sql,
  collectionId: string,
  postId: string,
  rank: number | null,
): Promise<{ readonly others: number; readonly before: number; readonly last: number | undefined }> {
  const [row] = await sql<{ others: number; before: number; last: number | null }>`
    SELECT count(*)::int AS others, count(*) FILTER (WHERE (cp.rank, cp.post_id) < (${rank}::float8, ${postId}::uuid))::int AS before,
      (SELECT max(rank) FROM collection_posts WHERE collection_id = ${collectionId}) AS last
    ${othersInOrder(sql, collectionId, postId)}`;
  return { others: row?.others ?? 0, before: row?.before ?? 0, last: row?.last ?? undefined };
}

function othersInOrder(sql: Sql, collectionId: string, postId: string): Query<unknown> {
  return sql`FROM collection_posts cp JOIN posts p ON p.id = cp.post_id
    WHERE cp.collection_id = ${collectionId} AND cp.post_id <> ${postId} AND p.deleted_at IS NULL`;
}

/** Gives all ranks anew: 0, 1, 2 … in the order there was. */
export async function spreadRanks(tx: Tx, collectionId: string): Promise<void> {
  await tx`
    UPDATE collection_posts cp SET rank = o.place - 1
    FROM (SELECT post_id, row_number() OVER (ORDER BY rank, post_id) AS place FROM collection_posts
      WHERE collection_id = ${collectionId}) AS o
    WHERE cp.collection_id = ${collectionId} AND cp.post_id = o.post_id`;
}

export async function placePost(
  tx: Tx,
  collection: Pick<Collection, "id" | "projectId">,
  postId: string,
  rank: number,
): Promise<void> {
  await tx`
    INSERT INTO collection_posts (project_id, collection_id, post_id, rank)
    VALUES (${collection.projectId}, ${collection.id}, ${postId}, ${rank})
    ON CONFLICT (collection_id, post_id) DO UPDATE SET rank = excluded.rank`;
}

export async function removePost(tx: Tx, collectionId: string, postId: string): Promise<boolean> {
  const rows = await tx`
    DELETE FROM collection_posts WHERE collection_id = ${collectionId} AND post_id = ${postId} RETURNING 1`;
  return rows.length > 0;
}

export interface PlacedPost {
  readonly post: Post;
  readonly rank: number;
}

/** In their order. */
export async function listCollectionPosts(
  sql: Sql,
  collectionId: string,
  page: { readonly after: readonly [rank: number, postId: string] | undefined; readonly limit: number },
): Promise<Bounded<PlacedPost>> {
  const { after, limit } = page;
  const later =
    after === undefined ? sql`` : sql`AND (cp.rank, cp.post_id) > (${after[0]}::float8, ${after[1]}::uuid)`;
  const rows = await sql<PostRow & { found: number; rank: number }>`
    SELECT ${columns(sql)}, bounded.rank, bounded.found
    FROM (
      SELECT post_id, rank, sum(length) OVER (ORDER BY rank, post_id) - length AS units_before,
        count(*) OVER ()::int AS found
      FROM (
        SELECT cp.post_id, cp.rank, p.length FROM collection_posts cp JOIN posts p ON p.id = cp.post_id
        WHERE cp.collection_id = ${collectionId} AND p.deleted_at IS NULL ${later}
        ORDER BY cp.rank, cp.post_id LIMIT ${limit + 1}) AS first_ones) AS bounded
    JOIN posts p ON p.id = bounded.post_id
    WHERE bounded.units_before < ${MAX_PAGE_UNITS} ORDER BY bounded.rank, bounded.post_id`;
  return toBounded(rows, limit, (row) => ({ post: toPost(row), rank: row.rank }));
}

function toCollection(row: CollectionRow): Collection {
  return {
    id: row.id,
    projectId: row.project_id,
    ownerId: row.owner_id,
    name: row.name,
    postCount: row.post_count,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  };
}
