// SQL over the log of ended sessions, as each process follows it.
import type { Sql } from "../../../kernel/db/index.ts";

export interface Endings {
  /** The number of the newest ending. */
  readonly head: number;
  readonly sessionIds: readonly string[];
}

/** Those after a number and within a time, of one snapshot with the head. */
export async function readEndings(sql: Sql, after: number, withinSeconds: number): Promise<Endings> {
  const rows = await sql<{ head: number; session_id: string | null }>`
    SELECT h.n::float8 AS head, e.session_id
    FROM session_ending_head h
    LEFT JOIN session_endings e
      ON e.n > ${after}::bigint AND e.at > now() - make_interval(secs => ${withinSeconds}::int)`;
  const sessionIds = rows.flatMap(({ session_id }) => (session_id === null ? [] : [session_id]));
  return { head: rows[0]?.head ?? 0, sessionIds };
}
