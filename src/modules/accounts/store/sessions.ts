// SQL over sessions: made, rotated, listed, ended. Only the database's clock counts.
import type { Query, Sql, Tx } from "../../../kernel/db/index.ts";
import type { EndReason, Session, SessionLife } from "../model.ts";
import type { RefreshClaim } from "../refresh-token.ts";
import type { Attempt } from "./attempts.ts";

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

/** What a right password opens. */
export interface LogIn {
  readonly session: NewSession;
  /** Of the password that was checked. */
  readonly passwordVersion: number;
  /** Its fingerprint. */
  readonly device: Uint8Array;
  readonly attempt: Attempt;
}

/**
 * Begins the session, remembers the device, takes the attempt back and records all this, in one statement, since this is what signing
 * in costs beside the password's check. Undefined when the password was changed meanwhile: it stays the one that was checked to the end of
 * the transaction, else this could begin a session just after a change has ended them all. `isFurtherDevice`: new, and not the first.
 */
export async function beginSession(
  tx: Tx,
  { session, passwordVersion, device, attempt }: LogIn,
  recordWhere: (condition: Query<unknown>) => Query<unknown>,
): Promise<{ readonly isFurtherDevice: boolean } | undefined> {
  const [row] = await tx<{ is_further: boolean }>`
    WITH held AS MATERIALIZED (
      SELECT id FROM users WHERE id = ${session.userId} AND password_version = ${passwordVersion} FOR SHARE),
    begun AS (
      INSERT INTO sessions (id, user_id, user_agent, address)
      SELECT ${session.id}::uuid, held.id, ${session.userAgent}::text, ${session.address}::text FROM held),
    recorded AS (${recordWhere(tx`EXISTS (SELECT FROM held)`)}),
    others AS (SELECT EXISTS (SELECT FROM known_devices WHERE user_id = ${session.userId}) AS are_there),
    noted AS (
      INSERT INTO known_devices (user_id, device) SELECT held.id, ${device}::bytea FROM held
      ON CONFLICT (user_id, device) DO UPDATE SET last_seen_at = now()
      RETURNING xmax = 0 AND (SELECT are_there FROM others) AS is_further)
    SELECT is_further, login_take_back(
      ${attempt.identity}, ${attempt.address}, ${attempt.source}, ${attempt.isKnownDevice}, true)
    FROM noted`;
  return row && { isFurtherDevice: row.is_further };
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

/**
 * Ends all sessions of a user but one, and returns their ids: hand them to the log of the process after the commit, as
 * createSessionEndings does. Takes the same row locks as a refresh, one session after the other.
 */
export async function endSessions(
  tx: Tx,
  userId: string,
  { except, reason }: { except?: string | undefined; reason: EndReason },
): Promise<string[]> {
  const others = except === undefined ? tx`` : tx`AND id <> ${except}`;
  return endEach(
    tx,
    tx`SELECT id FROM sessions WHERE user_id = ${userId} AND ended_at IS NULL ${others}
      ORDER BY id FOR NO KEY UPDATE`,
    reason,
  );
}

/** Ends sessions that are too old to be refreshed and returns their ids: at most `limit`, those that nobody is just using. */
export async function endAgedSessions(tx: Tx, life: SessionLife, limit: number): Promise<string[]> {
  return endEach(
    tx,
    tx`SELECT id FROM sessions WHERE ended_at IS NULL AND NOT ${isAlive(tx, life)}
      ORDER BY id LIMIT ${limit} FOR NO KEY UPDATE SKIP LOCKED`,
    "expired",
  );
}

/** Ends those that the query has locked, each with a number of its own in the log that every process follows. */
async function endEach(tx: Tx, locked: unknown, reason: EndReason): Promise<string[]> {
  const rows = await tx<{ session_id: string }>`
    WITH locked AS (${locked}), ended AS (
      UPDATE sessions s SET ended_at = now(), end_reason = ${reason}
      FROM locked WHERE s.id = locked.id AND s.ended_at IS NULL RETURNING s.id
    ), head AS (
      UPDATE session_ending_head SET n = n + (SELECT count(*) FROM ended)
      WHERE EXISTS (SELECT FROM ended) RETURNING n
    )
    INSERT INTO session_endings (n, session_id)
    SELECT head.n - row_number() OVER (ORDER BY ended.id) + 1, ended.id FROM head, ended RETURNING session_id`;
  return rows.map((row) => row.session_id);
}

/** Sessions that can never be used again, and endings that no token can outlast. */
export async function deleteOldSessions(tx: Tx, life: SessionLife): Promise<void> {
  await tx`DELETE FROM sessions WHERE created_at < now() - make_interval(days => ${life.absoluteDays + 1}::int)`;
  await tx`DELETE FROM session_endings WHERE at < now() - interval '2 days'`;
}

export function isAlive(sql: Sql, life: SessionLife) {
  return sql`(ended_at IS NULL AND last_used_at > now() - make_interval(days => ${life.idleDays}::int)
    AND created_at > now() - make_interval(days => ${life.absoluteDays}::int))`;
}
