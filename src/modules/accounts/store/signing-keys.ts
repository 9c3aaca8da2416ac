// SQL over the keys that sign access tokens.
import type { Sql, Tx } from "../../../kernel/db/index.ts";

export interface NewKey {
  readonly id: string;
  readonly sealedPrivateKey: Uint8Array;
}

export interface StoredKey {
  readonly id: string;
  readonly sealedPrivateKey: Uint8Array;
  /** Unix milliseconds. */
  readonly signsFrom: number;
}

/** Any number; it only has to be the same in every process. */
const LOCK = 7_305_002;
/**
 * Time in which every process and every verifier elsewhere has surely read a new key: processes read each minute, and the JWKS
 * may be kept for five.
 */
const ASKED_DELAY_SECONDS = 900;
/** Where nobody waits for it there is time for a process that cannot reach the database for hours. */
const SCHEDULED_DELAY_SECONDS = 86_400;
/** More than the longest life of an access token, a day. */
const KEPT_AFTER_DAYS = 2;

/** One process at a time, to the end of the transaction: two first starts make one key. */
export async function lockSigningKeys(tx: Tx): Promise<void> {
  await tx`SELECT pg_advisory_xact_lock(${LOCK})`;
}

/** Whether a key must be made now, and after how many seconds it is to sign: the first one at once. */
export async function findDueKey(
  tx: Tx,
  rotationDays: number,
): Promise<{ delaySeconds: number } | undefined> {
  const [newest] = await tx<{ is_old: boolean }>`
    SELECT created_at < now() - make_interval(days => ${rotationDays}::int) AS is_old
    FROM signing_keys ORDER BY signs_from DESC LIMIT 1`;
  if (!newest) return { delaySeconds: 0 };
  return newest.is_old ? { delaySeconds: SCHEDULED_DELAY_SECONDS } : undefined;
}

export async function insertSigningKey(
  tx: Tx,
  key: NewKey,
  delaySeconds = ASKED_DELAY_SECONDS,
): Promise<void> {
  await tx`INSERT INTO signing_keys (id, sealed_private_key, signs_from)
    VALUES (${key.id}, ${key.sealedPrivateKey}, now() + make_interval(secs => ${delaySeconds}::int))`;
}

/** Lets the key that waits sign as soon as it has been published for long enough; undefined when none waits. */
export async function hastenWaitingKey(tx: Tx): Promise<string | undefined> {
  const [row] = await tx<{ id: string }>`
    UPDATE signing_keys
    SET signs_from = least(signs_from, greatest(now(), created_at + make_interval(secs => ${ASKED_DELAY_SECONDS}::int)))
    WHERE signs_from > now() RETURNING id`;
  return row?.id;
}

/** Those whose successor has signed for so long that no token of theirs still lasts. */
export async function deleteSupersededKeys(tx: Tx): Promise<void> {
  await tx`DELETE FROM signing_keys k WHERE EXISTS (
    SELECT FROM signing_keys s
    WHERE s.signs_from > k.signs_from AND s.signs_from < now() - make_interval(days => ${KEPT_AFTER_DAYS}::int))`;
}

/** Newest first. */
export async function listSigningKeys(sql: Sql): Promise<StoredKey[]> {
  const rows = await sql<{ id: string; sealed_private_key: Uint8Array; signs_from: Date }>`
    SELECT id, sealed_private_key, signs_from FROM signing_keys ORDER BY signs_from DESC`;
  return rows.map((row) => ({
    id: row.id,
    sealedPrivateKey: row.sealed_private_key,
    signsFrom: row.signs_from.getTime(),
  }));
}
