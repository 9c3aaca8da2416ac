// SQL that ends many sessions of a user at once.
import type { Tx } from "../../../kernel/db/index.ts";
import type { EndReason } from "../model.ts";

/** Ends all sessions of the user but one, as endSession() does with a single one; returns their ids. */
export async function endSessionsOf(
  tx: Tx,
  userId: string,
  { except, reason }: { readonly except?: string | undefined; readonly reason: EndReason },
): Promise<string[]> {
  const rows = await tx<{ session_id: string }>`
    WITH ended AS (
      UPDATE sessions SET ended_at = now(), end_reason = ${reason}
      WHERE user_id = ${userId} AND ended_at IS NULL AND id IS DISTINCT FROM ${except ?? null}::uuid RETURNING id
    ), numbered AS (
      SELECT id, row_number() OVER (ORDER BY id) - count(*) OVER () AS place FROM ended
    ), head AS (
      UPDATE session_ending_head SET n = n + (SELECT count(*) FROM ended) WHERE EXISTS (SELECT FROM ended) RETURNING n
    )
    INSERT INTO session_endings (n, session_id) SELECT head.n + numbered.place, numbered.id FROM head, numbered
    RETURNING session_id`;
  return rows.map((row) => row.session_id);
}
