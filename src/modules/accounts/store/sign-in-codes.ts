// SQL over the one-time codes that end a sign-in with an issuer. Only the database's clock counts.
import type { Tx } from "../../../kernel/db/index.ts";

export interface NewCode {
  readonly stateHash: Uint8Array;
  readonly codeHash: Uint8Array;
  readonly userId: string;
  readonly issuer: string;
  readonly challenge: Uint8Array | null;
}

const LIFE_SECONDS = 60;

/** False when the sign-in has had its code. */
export async function insertCode(tx: Tx, code: NewCode): Promise<boolean> {
  const rows = await tx`
    INSERT INTO sign_in_codes (state_hash, code_hash, user_id, issuer, challenge)
    VALUES (${code.stateHash}, ${code.codeHash}, ${code.userId}, ${code.issuer}, ${code.challenge})
    ON CONFLICT (state_hash) DO NOTHING RETURNING user_id`;
  return rows.length > 0;
}

/** Uses the code up; undefined when it was used, is too old, or is asked for without what it was bound to. */
export async function useCode(
  tx: Tx,
  code: { readonly hash: Uint8Array; readonly challenge: Uint8Array | null },
): Promise<{ userId: string; issuer: string } | undefined> {
  const [row] = await tx<{ user_id: string; issuer: string }>`
    UPDATE sign_in_codes SET used_at = now()
    WHERE code_hash = ${code.hash} AND used_at IS NULL
      AND created_at > now() - make_interval(secs => ${LIFE_SECONDS}::int)
      AND (challenge IS NULL OR challenge = ${code.challenge}::bytea)
    RETURNING user_id, issuer`;
  return row && { userId: row.user_id, issuer: row.issuer };
}

/** Kept for longer than a sign-in may take, since they also tell which sign-ins are over. */
export async function deleteOldCodes(tx: Tx): Promise<void> {
  await tx`DELETE FROM sign_in_codes WHERE created_at < now() - interval '1 hour'`;
}
