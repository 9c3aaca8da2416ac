// SQL over the rotation of refresh tokens: how a session stands towards one, and which answers have left the server.
import type { Tx } from "../../../kernel/db/index.ts";
import type { SessionLife } from "../model.ts";
import type { RefreshClaim } from "../refresh-token.ts";
import type { RotationState } from "../rotation.ts";
import { isAlive } from "./sessions.ts";

/** Locks the session's row as a rotation and an ending do, so that what is decided on it stays true until the commit. */
export async function lockRotationState(
  tx: Tx,
  sessionId: string,
  life: SessionLife,
): Promise<RotationState | undefined> {
  const [row] = await tx<{
    user_id: string;
    counter: number;
    is_alive: boolean;
    is_just_rotated: boolean;
    is_answered: boolean;
    user_agent: string | null;
    created_at: Date;
    now: Date;
  }>`
    SELECT user_id, counter, ${isAlive(tx, life)} AS is_alive, answered_counter >= counter AS is_answered,
      user_agent, created_at, now() AS now,
      coalesce(rotated_at > now() - make_interval(secs => ${life.graceSeconds}::int), false) AS is_just_rotated
    FROM sessions WHERE id = ${sessionId} FOR NO KEY UPDATE`;
  return (
    row && {
      userId: row.user_id,
      counter: row.counter,
      isAlive: row.is_alive,
      isJustRotated: row.is_just_rotated,
      isAnswered: row.is_answered,
      userAgent: row.user_agent,
      createdAt: row.created_at,
      now: row.now,
    }
  );
}

/** The answer with this token has left the server. */
export async function markAnswered(tx: Tx, { sessionId, counter }: RefreshClaim): Promise<void> {
  await tx`UPDATE sessions SET answered_counter = ${counter}
    WHERE id = ${sessionId} AND answered_counter < ${counter}`;
}
