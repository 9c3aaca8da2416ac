// SQL over attempts to sign in with a password. Only the database's clock counts.
import type { Tx } from "../../../kernel/db/index.ts";
import { type Credentials, type CredentialsRow, credentialsColumns, toCredentials } from "./users.ts";

/** Who tries, from where. */
export interface Attempt {
  /** The account's id, or the hash of what was given for one. */
  readonly identity: string;
  readonly isAccount: boolean;
  /** The address, IPv6 as its /64. */
  readonly address: string;
  /** The address again, or the device when the account knows it. */
  readonly source: string;
  readonly isKnownDevice: boolean;
}

export interface Begun {
  /** Above 0: it has to wait and was not counted. */
  readonly waitSeconds: number;
  /** Failures of the account in a row, this one included, until it is known to be none. */
  readonly inRow: number;
  /** With this failure the waits of the source begin. */
  readonly isLock: boolean;
}

/** Counts the attempt as a failure, before it is checked. @param firstWaitSeconds 0: nothing has to wait. */
export async function beginAttempt(tx: Tx, attempt: Attempt, firstWaitSeconds: number): Promise<Begun> {
  const { identity, isAccount, address, source, isKnownDevice } = attempt;
  const [row] = await tx<BegunRow>`
    SELECT wait_s, in_row, is_lock FROM login_begin(
      ${identity}, ${isAccount}, ${address}, ${source}, ${isKnownDevice}, ${firstWaitSeconds})`;
  if (!row) throw new Error("an attempt has an outcome");
  return toBegun(row);
}

/** What is known of an attempt before its account is. */
export interface UnknownAttempt {
  /** Null for what is no address of an account. */
  readonly emailKey: string | null;
  /** Its identity if there is no such account. */
  readonly identity: string;
  /** As in Attempt; it comes from no device that could be known by a cookie. */
  readonly address: string;
  /** Fingerprint of the device. */
  readonly device: Uint8Array;
}

/** Finds the account and counts the attempt in one statement, since a log-in is hardly more than these and the check. */
export async function beginUnknownAttempt(
  tx: Tx,
  { emailKey, identity, address, device }: UnknownAttempt,
  firstWaitSeconds: number,
): Promise<{ readonly credentials: Credentials | undefined; readonly begun: Begun }> {
  type Row = BegunRow & (CredentialsRow | { readonly id: null });
  const [row] = await tx<Row>`
    SELECT ${credentialsColumns(tx, device)}, b.wait_s, b.in_row, b.is_lock
    FROM (SELECT 1) AS one LEFT JOIN users u ON u.email_key = ${emailKey}::text AND u.password_hash IS NOT NULL
    CROSS JOIN LATERAL login_begin(
      coalesce(u.id::text, ${identity}::text), u.id IS NOT NULL, ${address}, ${address}, false, ${firstWaitSeconds}) b`;
  if (!row) throw new Error("an attempt has an outcome");
  return { credentials: row.id === null ? undefined : toCredentials(row), begun: toBegun(row) };
}

interface BegunRow {
  readonly wait_s: number;
  readonly in_row: number;
  readonly is_lock: boolean;
}

function toBegun(row: BegunRow): Begun {
  return { waitSeconds: row.wait_s, inRow: row.in_row, isLock: row.is_lock };
}

/** The attempt was no failure: it was right, or it was not checked at all. */
export async function takeBackAttempt(tx: Tx, attempt: Attempt, isRight: boolean): Promise<void> {
  const { identity, address, source, isKnownDevice } = attempt;
  await tx`SELECT FROM login_take_back(${identity}, ${address}, ${source}, ${isKnownDevice}, ${isRight})`;
}

/** A new password was set: it is enabled, and nobody has to wait for it. */
export async function resetPasswordFailures(tx: Tx, userId: string): Promise<void> {
  await tx`UPDATE login_identities SET in_row = 0, strange = 0 WHERE identity = ${userId}`;
  await tx`UPDATE login_sources SET failures = 0 WHERE identity = ${userId}`;
}

/** Attempts that nothing depends on any more. What an account has in a row is kept, for however long. */
export async function deleteOldAttempts(tx: Tx): Promise<void> {
  await tx`DELETE FROM login_identities
    WHERE tried_at < now() - interval '1 day' AND (in_row = 0 OR NOT is_account)`;
  await tx`DELETE FROM login_addresses WHERE since < now() - interval '1 day'`;
  await tx`DELETE FROM login_sources WHERE tried_at < now() - interval '1 day'`;
}
