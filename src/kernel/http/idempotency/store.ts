// SQL of Idempotency-Keys.
import type { Sql, Tx } from "../../db/index.ts";
import type { Reply } from "../route.ts";

const KEPT = "24 hours";
const PURGE_BATCH = 1_000;

export interface StoredKey {
  readonly holder: string | null;
  readonly fingerprint: Uint8Array | null;
  readonly status: number | null;
  readonly headers: Record<string, string> | null;
  readonly body: string | null;
}

/** How an upload holds its key. */
export interface Lease {
  readonly holder: string;
  readonly leaseMs: number;
}

/** Takes the key for this transaction, unless another has it. */
export async function lockKey(tx: Tx, lock: string): Promise<boolean> {
  const [row] = await tx<{ taken: boolean }>`SELECT pg_try_advisory_xact_lock(${lock}::bigint) AS taken`;
  return row?.taken ?? false;
}

export async function findKey(sql: Sql, id: Uint8Array): Promise<StoredKey | undefined> {
  const [row] = await sql<StoredKey>`
    SELECT holder, fingerprint, status, headers, body FROM idempotency_keys
    WHERE id = ${id} AND expires_at > clock_timestamp()`;
  return row;
}

/** Whatever stands under the id has ended: the caller has looked, under the lock. */
export async function storeAnswer(
  tx: Tx,
  id: Uint8Array,
  fingerprint: Uint8Array,
  reply: Reply,
): Promise<void> {
  const { status, headers, body } = columnsOf(reply);
  await tx`
    INSERT INTO idempotency_keys (id, expires_at, fingerprint, status, headers, body)
    VALUES (${id}, clock_timestamp() + ${KEPT}::interval, ${fingerprint}, ${status}, ${headers}::jsonb, ${body})
    ON CONFLICT (id) DO UPDATE SET expires_at = excluded.expires_at, holder = NULL, fingerprint = excluded.fingerprint,
      status = excluded.status, headers = excluded.headers, body = excluded.body`;
}

/** Takes the key for an upload, in place of one that has ended. */
export async function storeLease(tx: Tx, id: Uint8Array, { holder, leaseMs }: Lease): Promise<void> {
  await tx`
    INSERT INTO idempotency_keys (id, expires_at, holder)
    VALUES (${id}, clock_timestamp() + make_interval(secs => ${leaseMs / 1000}), ${holder}::uuid)
    ON CONFLICT (id) DO UPDATE SET expires_at = excluded.expires_at, holder = excluded.holder, fingerprint = NULL,
      status = NULL, headers = NULL, body = NULL`;
}

export async function renewLease(tx: Tx, id: Uint8Array, { holder, leaseMs }: Lease): Promise<void> {
  await tx`
    UPDATE idempotency_keys SET expires_at = clock_timestamp() + make_interval(secs => ${leaseMs / 1000})
    WHERE id = ${id} AND holder = ${holder}::uuid`;
}

export async function releaseLease(tx: Tx, id: Uint8Array, { holder }: Lease): Promise<void> {
  await tx`DELETE FROM idempotency_keys WHERE id = ${id} AND holder = ${holder}::uuid`;
}

/** Whether the upload still held the key, whose lease is over by this. */
export async function endLease(
  tx: Tx,
  id: Uint8Array,
  { holder }: Lease,
  answer: { readonly fingerprint: Uint8Array; readonly reply: Reply },
): Promise<boolean> {
  const { status, headers, body } = columnsOf(answer.reply);
  const rows = await tx`
    UPDATE idempotency_keys SET holder = NULL, expires_at = clock_timestamp() + ${KEPT}::interval,
      fingerprint = ${answer.fingerprint}, status = ${status}, headers = ${headers}::jsonb, body = ${body}
    WHERE id = ${id} AND holder = ${holder}::uuid RETURNING 1`;
  return rows.length > 0;
}

/** Removes one batch of what has ended; how many there were. */
export async function purgeKeys(tx: Tx): Promise<number> {
  const rows = await tx`
    DELETE FROM idempotency_keys WHERE id IN (
      SELECT id FROM idempotency_keys WHERE expires_at < clock_timestamp()
      ORDER BY expires_at LIMIT ${PURGE_BATCH} FOR UPDATE SKIP LOCKED)
    RETURNING 1`;
  return rows.length;
}

function columnsOf({ status, headers, body }: Reply) {
  return {
    status,
    headers: headers ?? null,
    body: body === undefined ? null : JSON.stringify(body),
  };
}
