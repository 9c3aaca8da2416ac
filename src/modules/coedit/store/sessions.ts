// SQL over editing sessions: who edits, how far the body has followed, and when a version is due.
import type { Sql, Tx } from "../../../kernel/db/index.ts";

export interface EditingSession {
  readonly isOpen: boolean;
  /** Milliseconds since the last change, by the database's clock. */
  readonly quietMs: number;
  readonly isBehind: boolean;
  readonly editorId: string | null;
  readonly editorIds: readonly string[];
}

export async function findSession(sql: Sql, postId: string): Promise<EditingSession | undefined> {
  const [row] = await sql<{
    is_open: boolean;
    quiet_ms: number | null;
    is_behind: boolean;
    edited_by: string | null;
    editors: string[];
  }>`
    SELECT session_since IS NOT NULL AS is_open, followed_seq < head_seq AS is_behind, edited_by, editors,
      (extract(epoch FROM clock_timestamp() - edited_at) * 1000)::float8 AS quiet_ms
    FROM coedit_documents WHERE post_id = ${postId}`;
  return (
    row && {
      isOpen: row.is_open,
      quietMs: row.quiet_ms ?? 0,
      isBehind: row.is_behind,
      editorId: row.edited_by,
      editorIds: [...row.editors],
    }
  );
}

/** False when the body has followed further already. */
export async function markFollowed(tx: Tx, postId: string, seq: number): Promise<boolean> {
  const rows = await tx`
    UPDATE coedit_documents SET followed_seq = ${seq}::bigint
    WHERE post_id = ${postId} AND followed_seq < ${seq}::bigint RETURNING 1`;
  return rows.length > 0;
}

/** False when there were changes after this number: the session goes on. */
export async function endSession(tx: Tx, postId: string, seq: number): Promise<boolean> {
  const rows = await tx`
    UPDATE coedit_documents SET session_since = NULL, editors = '{}', followed_seq = head_seq
    WHERE post_id = ${postId} AND head_seq = ${seq}::bigint RETURNING 1`;
  return rows.length > 0;
}
