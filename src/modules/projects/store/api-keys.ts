// SQL over API keys: made, listed, found by their hash, ended.
import type { Sql, Tx } from "../../../kernel/db/index.ts";
import type { ApiKey } from "../model.ts";

interface ApiKeyRow {
  readonly id: string;
  readonly project_id: string;
  readonly name: string;
  readonly hint: string;
  readonly scopes: string[];
  readonly created_by: string;
  readonly created_at: Date;
  readonly expires_at: Date | null;
  readonly last_used_at: Date | null;
}

export type NewApiKey = Omit<ApiKey, "createdAt" | "lastUsedAt"> & { readonly hash: Uint8Array };

/** Undefined when the project has `atMost` already. Lock the project first: two of one moment would not see each other. */
export async function insertApiKey(tx: Tx, key: NewApiKey, atMost: number): Promise<ApiKey | undefined> {
  const [row] = await tx<ApiKeyRow>`
    INSERT INTO api_keys (id, project_id, name, hint, hash, scopes, created_by, expires_at)
    SELECT ${key.id}, ${key.projectId}, ${key.name}, ${key.hint}, ${key.hash}, ${key.scopes}::text[], ${key.createdBy},
      ${key.expiresAt}
    WHERE (SELECT count(*) FROM api_keys WHERE project_id = ${key.projectId}) < ${atMost}::int
    RETURNING id, project_id, name, hint, scopes, created_by, created_at, expires_at, last_used_at`;
  return row && toApiKey(row);
}

/** Newest first, one row more than `limit` when there are more. */
export async function listApiKeys(
  sql: Sql,
  projectId: string,
  page: { beforeId: string | undefined; limit: number },
): Promise<ApiKey[]> {
  const older = page.beforeId === undefined ? sql`` : sql`AND id < ${page.beforeId}`;
  const rows = await sql<ApiKeyRow>`
    SELECT id, project_id, name, hint, scopes, created_by, created_at, expires_at, last_used_at FROM api_keys
    WHERE project_id = ${projectId} ${older} ORDER BY id DESC LIMIT ${page.limit + 1}`;
  return rows.map(toApiKey);
}

export async function findApiKey(sql: Sql, id: string): Promise<ApiKey | undefined> {
  const [row] = await sql<ApiKeyRow>`
    SELECT id, project_id, name, hint, scopes, created_by, created_at, expires_at, last_used_at FROM api_keys
    WHERE id = ${id}`;
  return row && toApiKey(row);
}

/** One that counts: it has not ended, its project is there, and its creator is still in it. */
export async function findGoodKey(sql: Sql, hash: Uint8Array): Promise<ApiKey | undefined> {
  const [row] = await sql<ApiKeyRow>`
    SELECT k.id, k.project_id, k.name, k.hint, k.scopes, k.created_by, k.created_at, k.expires_at, k.last_used_at
    FROM api_keys k
    JOIN projects pr ON pr.id = k.project_id AND pr.deleted_at IS NULL
    JOIN project_members m ON m.project_id = k.project_id AND m.user_id = k.created_by
    WHERE k.hash = ${hash} AND (k.expires_at IS NULL OR k.expires_at > now())`;
  return row && toApiKey(row);
}

/** False when it is gone already. */
export async function deleteApiKey(tx: Tx, id: string): Promise<boolean> {
  const rows = await tx`DELETE FROM api_keys WHERE id = ${id} RETURNING 1`;
  return rows.length > 0;
}

/** Ids of those that a user has made in a project, which are gone then. */
export async function deleteKeysOf(tx: Tx, projectId: string, userId: string): Promise<string[]> {
  const rows = await tx<{ id: string }>`
    DELETE FROM api_keys WHERE project_id = ${projectId} AND created_by = ${userId} RETURNING id`;
  return rows.map((row) => row.id);
}

/** Tells every process, with the commit, that keys have ended. */
export async function countEnding(tx: Tx): Promise<void> {
  await tx`UPDATE api_key_endings SET n = n + 1`;
}

export async function readEndings(sql: Sql): Promise<number> {
  const [row] = await sql<{ n: number }>`SELECT n::float8 AS n FROM api_key_endings`;
  return row?.n ?? 0;
}

/** At most once a minute, whichever process asks. */
export async function noteUse(tx: Tx, id: string): Promise<void> {
  await tx`UPDATE api_keys SET last_used_at = now()
    WHERE id = ${id} AND (last_used_at IS NULL OR last_used_at < now() - interval '55 seconds')`;
}

function toApiKey(row: ApiKeyRow): ApiKey {
  return {
    id: row.id,
    projectId: row.project_id,
    name: row.name,
    hint: row.hint,
    scopes: row.scopes,
    createdBy: row.created_by,
    createdAt: row.created_at,
    expiresAt: row.expires_at,
    lastUsedAt: row.last_used_at,
  };
}
