// SQL over users.
import type { Query, Sql, Tx } from "../../../kernel/db/index.ts";
import type { EmailAddress } from "../email.ts";
import type { User } from "../model.ts";

interface UserRow {
  readonly id: string;
  readonly email: string;
  readonly name: string | null;
  readonly created_at: Date;
  readonly email_verified_at: Date | null;
}

export interface UserName {
  readonly id: string;
  readonly name: string | null;
}

export interface NewUser {
  readonly id: string;
  readonly email: EmailAddress;
  readonly name: string | null;
  readonly passwordHash: string;
}

/** Undefined when the address is taken, also by a sign-up of the same moment, whose end it waits for. */
export async function insertUser(tx: Tx, user: NewUser): Promise<User | undefined> {
  const [row] = await tx<UserRow>`
    INSERT INTO users (id, email, email_key, name, password_hash)
    VALUES (${user.id}, ${user.email.address}, ${user.email.key}, ${user.name}, ${user.passwordHash})
    ON CONFLICT (email_key) DO NOTHING RETURNING id, email, name, created_at, email_verified_at`;
  return row && toUser(row);
}

export async function findUser(sql: Sql, id: string): Promise<User | undefined> {
  const [row] = await sql<UserRow>`
    SELECT id, email, name, created_at, email_verified_at FROM users WHERE id = ${id}`;
  return row && toUser(row);
}

/** Undefined also for an account without a password, which so looks like none at a log-in, in answer and in time. */
export interface Credentials {
  readonly userId: string;
  readonly passwordHash: string;
  readonly passwordVersion: number;
  /** Whether the account was signed in to from the device before. */
  readonly isKnownDevice: boolean;
}

export interface CredentialsRow {
  readonly id: string;
  readonly password_hash: string;
  readonly password_version: number;
  readonly is_known_device: boolean;
}

/** Of rows of users called `u`. */
export function credentialsColumns(sql: Sql, device: Uint8Array): Query<unknown> {
  return sql`u.id, u.password_hash, u.password_version,
    EXISTS (SELECT FROM known_devices k WHERE k.user_id = u.id AND k.device = ${device}) AS is_known_device`;
}

export function toCredentials(row: CredentialsRow): Credentials {
  return {
    userId: row.id,
    passwordHash: row.password_hash,
    passwordVersion: row.password_version,
    isKnownDevice: row.is_known_device,
  };
}

export async function findCredentials(
  sql: Sql,
  emailKey: string,
  device: Uint8Array,
): Promise<Credentials | undefined> {
  const [row] = await sql<CredentialsRow>`
    SELECT ${credentialsColumns(sql, device)} FROM users u
    WHERE u.email_key = ${emailKey} AND u.password_hash IS NOT NULL`;
  return row && toCredentials(row);
}

/** Nothing happens when the password was changed meanwhile. */
export async function replacePasswordHash(
  tx: Tx,
  userId: string,
  change: { from: string; to: string },
): Promise<void> {
  await tx`UPDATE users SET password_hash = ${change.to}, updated_at = now()
    WHERE id = ${userId} AND password_hash = ${change.from}`;
}

/** Those of them that there are, with what they are called. */
export async function listNames(sql: Sql, ids: readonly string[]): Promise<UserName[]> {
  return sql<UserName>`SELECT id, name FROM users WHERE id = ANY (${ids}::uuid[]) ORDER BY id`;
}

function toUser(row: UserRow): User {
  return {
    id: row.id,
    email: row.email,
    name: row.name,
    createdAt: row.created_at,
    emailVerifiedAt: row.email_verified_at,
  };
}
