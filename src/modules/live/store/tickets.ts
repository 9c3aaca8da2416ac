// SQL over tickets. Only the database's clock counts.
import type { Tx } from "../../../kernel/db/index.ts";
import type { Caller } from "../model.ts";

/** Takes those along that nobody has used in time. */
export async function insertTicket(
  tx: Tx,
  hash: Uint8Array,
  caller: Caller,
  lifeSeconds: number,
): Promise<void> {
  await tx`
    WITH old AS (
      DELETE FROM live_tickets WHERE hash IN (
        SELECT hash FROM live_tickets WHERE expires_at < now() ORDER BY expires_at LIMIT 10 FOR UPDATE SKIP LOCKED))
    INSERT INTO live_tickets (hash, user_id, session_id, expires_at)
    VALUES (${hash}, ${caller.userId}, ${caller.sessionId}, now() + make_interval(secs => ${lifeSeconds}::int))`;
}

/** Whose it was; of two who show it at once one gets it. */
export async function deleteTicket(tx: Tx, hash: Uint8Array): Promise<Caller | undefined> {
  const [row] = await tx<{ user_id: string; session_id: string; is_valid: boolean }>`
    DELETE FROM live_tickets WHERE hash = ${hash} RETURNING user_id, session_id, expires_at > now() AS is_valid`;
  return row?.is_valid ? { userId: row.user_id, sessionId: row.session_id } : undefined;
}
