// The SQL of signing secrets.
import type { Sql, Tx } from "../../kernel/db/index.ts";

export interface SealedSecret {
  readonly id: string;
  readonly sealed: Uint8Array;
  readonly createdAt: Date;
  /** Null: it is the current one. */
  readonly expiresAt: Date | null;
}

/** A verifier reads them all: more than these are not sent, however often somebody rotates. */
const MAX_VALID = 5;

/** The current one first, then those before it that still hold. */
export async function listValidSecrets(sql: Sql, projectId: string): Promise<SealedSecret[]> {
  const rows = await sql<{ id: string; secret: Uint8Array; created_at: Date; expires_at: Date | null }>`
    SELECT id, secret, created_at, expires_at FROM signing_secrets
    WHERE project_id = ${projectId} AND (expires_at IS NULL OR expires_at > clock_timestamp())
    ORDER BY id DESC LIMIT ${MAX_VALID}::int`;
  return rows.map((row) => ({
    id: row.id,
    sealed: row.secret,
    createdAt: row.created_at,
    expiresAt: row.expires_at,
  }));
}

/** Makes it the current one unless there is one: of two that come at once one is kept. */
export async function insertFirstSecret(
  tx: Tx,
  { id, projectId, sealed }: { readonly id: string; readonly projectId: string; readonly sealed: Uint8Array },
): Promise<void> {
  await tx`
    INSERT INTO signing_secrets (id, project_id, secret) VALUES (${id}, ${projectId}, ${sealed})
    ON CONFLICT (project_id) WHERE expires_at IS NULL DO NOTHING`;
}

/** All there are hold for so long yet, at most; those whose time is over are deleted. */
export async function retireSecret(tx: Tx, projectId: string, graceSeconds: number): Promise<void> {
  await tx`
    DELETE FROM signing_secrets WHERE project_id = ${projectId} AND expires_at <= clock_timestamp()`;
  await tx`
    UPDATE signing_secrets
    SET expires_at = least(expires_at, clock_timestamp() + ${graceSeconds}::float8 * interval '1 second')
    WHERE project_id = ${projectId}`;
}

export async function eraseSecrets(tx: Tx, projectId: string): Promise<number> {
  const rows = await tx`DELETE FROM signing_secrets WHERE project_id = ${projectId} RETURNING 1`;
  return rows.length;
}
