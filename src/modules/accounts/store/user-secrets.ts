// SQL over what makes an account one's own: its password and its address.
import type { Sql, Tx } from "../../../kernel/db/index.ts";
import type { EmailAddress } from "../email.ts";

export interface Secret {
  readonly passwordHash: string;
  readonly passwordVersion: number;
}

/** Undefined also for an account without a password. */
export async function findSecret(sql: Sql, userId: string): Promise<Secret | undefined> {
  const [row] = await sql<{ password_hash: string; password_version: number }>`
    SELECT password_hash, password_version FROM users WHERE id = ${userId} AND password_hash IS NOT NULL`;
  return row && { passwordHash: row.password_hash, passwordVersion: row.password_version };
}

export async function findIdByEmail(sql: Sql, emailKey: string): Promise<string | undefined> {
  const [row] = await sql<{ id: string }>`SELECT id FROM users WHERE email_key = ${emailKey}`;
  return row?.id;
}

/** False when it was changed since `version`; without one it is set in any case. */
export async function setPassword(
  tx: Tx,
  userId: string,
  { hash, version }: { readonly hash: string; readonly version?: number },
): Promise<boolean> {
  const rows = await tx`
    UPDATE users SET password_hash = ${hash}, password_version = password_version + 1, updated_at = now()
    WHERE id = ${userId} AND password_version = coalesce(${version ?? null}::int, password_version) RETURNING id`;
  return rows.length > 0;
}

/** False when the address was verified before. */
export async function markVerified(tx: Tx, userId: string): Promise<boolean> {
  const rows = await tx`
    UPDATE users SET email_verified_at = now(), updated_at = now()
    WHERE id = ${userId} AND email_verified_at IS NULL RETURNING id`;
  return rows.length > 0;
}

/** Runs into `users_email_taken` when another account has the address. Returns the one before. */
export async function replaceEmail(tx: Tx, userId: string, email: EmailAddress): Promise<string | undefined> {
  const [row] = await tx<{ before: string }>`
    UPDATE users u SET email = ${email.address}, email_key = ${email.key}, email_verified_at = now(), updated_at = now()
    FROM (SELECT id, email FROM users WHERE id = ${userId} FOR UPDATE) b
    WHERE u.id = b.id RETURNING b.email AS before`;
  return row?.before;
}
