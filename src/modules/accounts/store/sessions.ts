// SQL over sessions: made, rotated, listed, ended. Only the database's clock counts.
import type { Sql, Tx } from "../../../kernel/db/index.ts";
import type { EndReason, Session, SessionLife } from "../model.ts";
import type { RefreshClaim } from "../refresh-token.ts";

export interface NewSession {
  readonly id: string;
  readonly userId: string;
  readonly userAgent: string | null;
  readonly address: string;
}

export async function insertSession(tx: Tx, session: NewSession): Promise<void> {
  await tx`INSERT INTO sessions (id, user_id, user_agent, address)
    VALUES (${session.id}, ${session.userId}, ${session.userAgent}, ${session.address})`;
}

/** Uses up the session's refresh token; undefined when it is not the one that counts, or the session is over. */
export async function rotateSession(
  tx: Tx,
  claim: RefreshClaim,
  life: SessionLife,
): Promise<{ userId: string } | undefined> {
  const [row] = await tx<{ user_id: string }>`
    UPDATE sessions SET counter = counter + 1, rotated_at = now(), last_used_at = now()
    WHERE id = ${claim.sessionId} AND counter = ${claim.counter} AND ${isAlive(tx, life)}
    RETURNING user_id`;
  return row && { userId: row.user_id };
}

/** How a session stands towards a refresh token that did not rotate it. */
export interface RotationState {
  readonly userId: string;
  readonly counter: number;
  readonly isAlive: boolean;
  /** Rotated within the time in which parallel requests of one client may still show the token before. */
  readonly isJustRotated: boolean;
}

export async function findRotationState(
  sql: Sql,
  sessionId: string,
  life: SessionLife,
): Promise<RotationState | undefined> {
  const [row] = await sql<{ user_id: string; counter: number; is_alive: boolean; is_just_rotated: boolean }>`
    SELECT user_id, counter, ${isAlive(sql, life)} AS is_alive,
      coalesce(rotated_at > now() - make_interval(secs => ${life.graceSeconds}::int), false) AS is_just_rotated
    FROM sessions WHERE id = ${sessionId}`;
  return (
    row && {
      userId: row.user_id,
      counter: row.counter,
      isAlive: row.is_alive,
      isJustRotated: row.is_just_rotated,
    }
  );
}

/** Whether an access token of the session may be believed. */
export async function isSessionAlive(sql: Sql, sessionId: string, userId: string): Promise<boolean> {
  const rows = await sql`
    SELECT FROM sessions WHERE id = ${sessionId} AND user_id = ${userId} AND ended_at IS NULL`;
  return rows.length > 0;
}

/** Newest first, one row more than `limit` when there are more. */
export async function listSessions(
  sql: Sql,
  userId: string,
  page: { beforeId: string | undefined; limit: number; life: SessionLife },
): Promise<Session[]> {
  const older = page.beforeId === undefined ? sql`` : sql`AND id < ${page.beforeId}`;
  const rows = await sql<{
    id: string;
    user_agent: string | null;
    address: string;
    created_at: Date;
    last_used_at: Date;
  }>`
    SELECT id, user_agent, address, created_at, last_used_at FROM sessions
    WHERE user_id = ${userId} AND ${isAlive(sql, page.life)} ${older} ORDER BY id DESC LIMIT ${page.limit + 1}`;
  return rows.map((row) => ({
    id: row.id,
    userAgent: row.user_agent,
    address: row.address,
    createdAt: row.created_at,
    lastUsedAt: row.last_used_at,
  }));
}

/**
 * Ends a session of the user and puts it into the log that every process follows. False when there is none that has not
 * ended. Waits for a refresh under way, and a refresh that comes later finds it ended: one row lock orders them.
 */
export async function endSession(
  tx: Tx,
  session: { readonly id: string; readonly userId: string },
  reason: EndReason,
): Promise<boolean> {
  const rows = await tx`
    WITH ended AS (
      UPDATE sessions SET ended_at = now(), end_reason = ${reason}
      WHERE id = ${session.id} AND user_id = ${session.userId} AND ended_at IS NULL RETURNING id
    ), head AS (
      UPDATE session_ending_head SET n = n + 1 WHERE EXISTS (SELECT FROM ended) RETURNING n
    )
    INSERT INTO session_endings (n, session_id) SELECT head.n, ended.id FROM head, ended RETURNING n`;
  return rows.length > 0;
}

/** Sessions that can never be used again, and endings that no token can outlast. */
export async function deleteOldSessions(tx: Tx, life: SessionLife): Promise<void> {
  await tx`DELETE FROM sessions WHERE created_at < now() - make_interval(days => ${life.absoluteDays + 1}::int)`;
  await tx`DELETE FROM session_endings WHERE at < now() - interval '2 days'`;
}

function isAlive(sql: Sql, life: SessionLife) {
  return sql`(ended_at IS NULL AND last_used_at > now() - make_interval(days => ${life.idleDays}::int)
    AND created_at > now() - make_interval(days => ${life.absoluteDays}::int))`;
}
