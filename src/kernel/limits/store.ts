// SQL over counted requests.
import type { Sql, Tx } from "../db/index.ts";

export interface Hit {
  readonly isAllowed: boolean;
  readonly used: number;
  /** Milliseconds until the oldest counted request leaves the window. */
  readonly freesAfterMs: number;
}

/**
 * Counts a request unless there were `limit` of them within the window already. One row lock orders all processes; the clock is
 * read under it. Times ahead of the clock, which was set back then, do not count.
 */
export async function hit(
  tx: Tx,
  key: string,
  { limit, windowSeconds }: { readonly limit: number; readonly windowSeconds: number },
): Promise<Hit> {
  const window = tx`make_interval(secs => ${windowSeconds}::int)`;
  const [row] = await tx<{ is_allowed: boolean; used: number; frees_after_ms: number }>`
    INSERT INTO limit_hits AS l (key, hits, is_allowed, ends_at)
    VALUES (${key}, ARRAY[clock_timestamp()], true, clock_timestamp() + ${window})
    ON CONFLICT (key) DO UPDATE SET (hits, is_allowed, ends_at) = (
      SELECT CASE WHEN cardinality(r.recent) < ${limit}::int THEN r.recent || r.at ELSE r.recent END,
        cardinality(r.recent) < ${limit}::int, r.at + ${window}
      FROM (
        SELECT t.at, ARRAY(SELECT h FROM unnest(l.hits) h WHERE h > t.at - ${window} AND h <= t.at ORDER BY h) AS recent
        FROM (SELECT clock_timestamp() AS at OFFSET 0) t
      ) r
    )
    RETURNING is_allowed, cardinality(hits) AS used,
      (extract(epoch FROM hits[1] + ${window} - clock_timestamp()) * 1000)::float8 AS frees_after_ms`;
  if (!row) throw new Error("a hit leaves a row");
  return { isAllowed: row.is_allowed, used: row.used, freesAfterMs: row.frees_after_ms };
}

export interface Count {
  readonly key: string;
  /** Minutes since 1970. */
  readonly minute: number;
  readonly n: number;
}

export interface Total extends Count {
  readonly previous: number;
}

/**
 * Adds counts, each key once a minute at most; returns what all processes have counted, also where there was nothing to add.
 * In one order, so that none waits in a ring.
 */
export async function addCounts(tx: Tx, counts: readonly Count[]): Promise<Total[]> {
  const rows = await tx<Total>`
    WITH told AS (
      SELECT * FROM unnest(${counts.map(({ minute }) => minute)}::int[], ${counts.map(({ key }) => key)}::text[],
        ${counts.map(({ n }) => n)}::int[]) AS t (minute, key, n)
    ), added AS (
      INSERT INTO limit_counts AS c (minute, key, n) SELECT * FROM told WHERE n > 0 ORDER BY minute, key
      ON CONFLICT (minute, key) DO UPDATE SET n = c.n + excluded.n
      RETURNING minute, key, n
    )
    SELECT t.minute, t.key, coalesce(a.n, c.n, 0)::int AS n, coalesce(p.n, 0)::int AS previous
    FROM told t LEFT JOIN added a USING (minute, key) LEFT JOIN limit_counts c USING (minute, key)
      LEFT JOIN limit_counts p ON p.minute = t.minute - 1 AND p.key = t.key`;
  return rows;
}

/** Removes what no limit can ask for any more. */
export async function deleteOld(sql: Sql, beforeMinute: number): Promise<void> {
  await sql`DELETE FROM limit_hits WHERE ends_at < now()`;
  await sql`DELETE FROM limit_counts WHERE minute < ${beforeMinute}`;
}
