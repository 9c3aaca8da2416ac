// The SQL of stored files.
import type { Sql, Tx } from "../db/index.ts";
import type { Written } from "./byte-store.ts";
import type { FilePage, NewFile, StoredFile } from "./files.ts";

interface FileRow {
  readonly id: string;
  readonly project_id: string;
  readonly owner_id: string;
  readonly name: string;
  readonly content_type: string;
  readonly size: number;
  readonly sha256: string;
  readonly created_at: Date;
  readonly expires_at: Date | null;
}

/** Undefined when the files of the project would then hold more than `maxTotalBytes`. */
export async function insertFile(
  tx: Tx,
  file: NewFile,
  { id, size, sha256 }: Written,
  maxTotalBytes: number,
): Promise<StoredFile | undefined> {
  const { projectId, ownerId, name, contentType, jobId = null, keepDays = null } = file;
  const [row] = await tx<FileRow>`
    WITH room AS (
      INSERT INTO file_totals (project_id, bytes) SELECT ${projectId}::uuid, ${size}::bigint WHERE ${size}::bigint <= ${maxTotalBytes}::bigint
      ON CONFLICT (project_id) DO UPDATE SET bytes = file_totals.bytes + excluded.bytes
        WHERE file_totals.bytes + excluded.bytes <= ${maxTotalBytes}::bigint
      RETURNING 1),
    stored AS (
      INSERT INTO files (project_id, id, owner_id, job_id, name, content_type, size, sha256, expires_at)
      SELECT ${projectId}, ${id}, ${ownerId}, ${jobId}::uuid, ${name}, ${contentType}, ${size}, ${sha256},
        clock_timestamp() + make_interval(days => ${keepDays}::int)
      FROM room RETURNING *)
    SELECT ${columns(tx)} FROM stored`;
  return row && toFile(row);
}

export async function findTotal(sql: Sql, projectId: string): Promise<number> {
  const [row] = await sql<{ bytes: number }>`
    SELECT bytes::float8 AS bytes FROM file_totals WHERE project_id = ${projectId}`;
  return row?.bytes ?? 0;
}

export async function findFile(sql: Sql, id: string): Promise<StoredFile | undefined> {
  const [row] = await sql<FileRow>`
    SELECT ${columns(sql)} FROM files WHERE id = ${id} AND ${isKept(sql)}`;
  return row && toFile(row);
}

export async function listFiles(sql: Sql, { projectId, beforeId, limit }: FilePage): Promise<StoredFile[]> {
  const older = beforeId === undefined ? sql`` : sql`AND id < ${beforeId}`;
  const rows = await sql<FileRow>`
    SELECT ${columns(sql)} FROM files WHERE project_id = ${projectId} AND ${isKept(sql)} ${older}
    ORDER BY id DESC LIMIT ${limit + 1}`;
  return rows.map(toFile);
}

export async function deleteFile(tx: Tx, id: string): Promise<string[]> {
  return deleteFiles(tx, tx`id = ${id}`);
}

export async function deleteOfJob(tx: Tx, jobId: string): Promise<string[]> {
  return deleteFiles(tx, tx`job_id = ${jobId}`);
}

/** Some that have expired, and nobody else is deleting. */
export async function deleteExpired(tx: Tx, limit: number): Promise<string[]> {
  const expired = tx`id IN (
    SELECT id FROM files WHERE expires_at <= clock_timestamp() ORDER BY project_id, id LIMIT ${limit} FOR UPDATE SKIP LOCKED)`;
  return deleteFiles(tx, expired);
}

/** Some of an erased project; in the end its total. */
export async function eraseFiles(tx: Tx, projectId: string, limit: number): Promise<string[]> {
  const some = tx`id IN (SELECT id FROM files WHERE project_id = ${projectId} ORDER BY id LIMIT ${limit})`;
  const ids = await deleteFiles(tx, some);
  if (ids.length === 0) await tx`DELETE FROM file_totals WHERE project_id = ${projectId}`;
  return ids;
}

/** Tells this database, and those restored from its backups, from all others. */
export async function readStoreId(sql: Sql): Promise<string> {
  const [row] = await sql<{ id: string }>`SELECT id FROM file_store`;
  if (!row) throw new Error("the store of files has lost its id");
  return row.id;
}

/** Those of the ids that stand for a file. */
export async function findKnown(sql: Sql, ids: readonly string[]): Promise<Set<string>> {
  const rows = await sql<{ id: string }>`SELECT id FROM files WHERE id = ANY (${ids}::uuid[])`;
  return new Set(rows.map(({ id }) => id));
}

async function deleteFiles(tx: Tx, which: ReturnType<Sql>): Promise<string[]> {
  const rows = await tx<{ id: string }>`
    WITH gone AS (DELETE FROM files WHERE ${which} RETURNING id, project_id, size),
    freed AS (
      UPDATE file_totals t SET bytes = t.bytes - g.bytes
      FROM (SELECT project_id, sum(size)::bigint AS bytes FROM gone GROUP BY project_id) g
      WHERE t.project_id = g.project_id RETURNING 1)
    SELECT id FROM gone`;
  return rows.map(({ id }) => id);
}

function columns(sql: Sql) {
  return sql`id, project_id, owner_id, name, content_type, size::float8 AS size, encode(sha256, 'hex') AS sha256,
    created_at, expires_at`;
}

function isKept(sql: Sql) {
  return sql`(expires_at IS NULL OR expires_at > clock_timestamp())`;
}

function toFile(row: FileRow): StoredFile {
  return {
    id: row.id,
    projectId: row.project_id,
    ownerId: row.owner_id,
    name: row.name,
    contentType: row.content_type,
    size: row.size,
    sha256: row.sha256,
    createdAt: row.created_at,
    expiresAt: row.expires_at,
  };
}
