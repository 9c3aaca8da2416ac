// SQL over identities at outside issuers, and over the people that they bring.
import type { Sql, Tx } from "../../../kernel/db/index.ts";
import type { EmailAddress } from "../email.ts";
import type { Identity } from "../model.ts";

interface IdentityRow {
  readonly id: string;
  readonly issuer: string;
  readonly email: string | null;
  readonly created_at: Date;
  readonly last_used_at: Date;
}

export interface NewIdentity {
  readonly id: string;
  readonly userId: string;
  readonly issuer: string;
  readonly subject: string;
  readonly email: string | null;
}

/** Any number; it only has to be the same in every process. */
const LOCK_SEED = 7_305_003;

/** Whose identity it is, noting that it was used; undefined when it is nobody's. */
export async function useIdentity(
  tx: Tx,
  identity: { readonly issuer: string; readonly subject: string; readonly email: string | null },
): Promise<string | undefined> {
  const [row] = await tx<{ user_id: string }>`
    UPDATE identities SET last_used_at = now(), email = coalesce(${identity.email}, email)
    WHERE issuer = ${identity.issuer} AND subject = ${identity.subject} RETURNING user_id`;
  return row?.user_id;
}

/** One sign-in with it at a time, to the end of the transaction: two first ones make one account. */
export async function lockIdentity(tx: Tx, issuer: string, subject: string): Promise<void> {
  await tx`SELECT pg_advisory_xact_lock(hashtextextended(${JSON.stringify([issuer, subject])}, ${LOCK_SEED}))`;
}

export async function insertIdentity(tx: Tx, identity: NewIdentity): Promise<void> {
  await tx`INSERT INTO identities (id, user_id, issuer, subject, email)
    VALUES (${identity.id}, ${identity.userId}, ${identity.issuer}, ${identity.subject}, ${identity.email})`;
}

/** Held until the transaction ends, so that the address cannot change under a link that is being made. */
export async function lockByEmail(
  tx: Tx,
  emailKey: string,
): Promise<{ userId: string; isVerified: boolean } | undefined> {
  const [row] = await tx<{ id: string; is_verified: boolean }>`
    SELECT id, email_verified_at IS NOT NULL AS is_verified FROM users WHERE email_key = ${emailKey} FOR UPDATE`;
  return row && { userId: row.id, isVerified: row.is_verified };
}

/** Without a password. False when the address is taken, also by a sign-up of the same moment. */
export async function insertUserWithoutPassword(
  tx: Tx,
  user: { readonly id: string; readonly email: EmailAddress; readonly name: string | null },
): Promise<boolean> {
  const rows = await tx`INSERT INTO users (id, email, email_key, name)
    VALUES (${user.id}, ${user.email.address}, ${user.email.key}, ${user.name})
    ON CONFLICT (email_key) DO NOTHING RETURNING id`;
  return rows.length > 0;
}

/** Newest first, one row more than `limit` when there are more. */
export async function listIdentities(
  sql: Sql,
  userId: string,
  page: { readonly beforeId: string | undefined; readonly limit: number },
): Promise<Identity[]> {
  const older = page.beforeId === undefined ? sql`` : sql`AND id < ${page.beforeId}`;
  const rows = await sql<IdentityRow>`
    SELECT id, issuer, email, created_at, last_used_at FROM identities
    WHERE user_id = ${userId} ${older} ORDER BY id DESC LIMIT ${page.limit + 1}`;
  return rows.map((row) => ({
    id: row.id,
    issuer: row.issuer,
    email: row.email,
    createdAt: row.created_at,
    lastUsedAt: row.last_used_at,
  }));
}

/** How many ways in a user has beside one identity; locks the user, so that two removals cannot take the last two. */
export async function countOtherWaysIn(tx: Tx, userId: string, identityId: string): Promise<number> {
  const [user] = await tx<{ has_password: boolean }>`
    SELECT password_hash IS NOT NULL AS has_password FROM users WHERE id = ${userId} FOR UPDATE`;
  const [row] = await tx<{ count: number }>`
    SELECT count(*)::int AS count FROM identities WHERE user_id = ${userId} AND id <> ${identityId}`;
  return (row?.count ?? 0) + (user?.has_password ? 1 : 0);
}

/** The issuer it was of; undefined when the user has none such. */
export async function deleteIdentity(tx: Tx, userId: string, id: string): Promise<string | undefined> {
  const [row] = await tx<{ issuer: string }>`
    DELETE FROM identities WHERE id = ${id} AND user_id = ${userId} RETURNING issuer`;
  return row?.issuer;
}
