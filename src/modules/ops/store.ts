// What PostgreSQL says of itself.
import type { Sql } from "../../kernel/db/index.ts";

interface Connections {
  readonly application: string;
  readonly state: string;
  readonly count: number;
}

/** Connections to this database by the program's name and what they do. */
export async function listConnections(sql: Sql): Promise<Connections[]> {
  return sql<Connections>`
    SELECT application_name AS application, coalesce(state, 'unknown') AS state, count(*)::int AS count
    FROM pg_stat_activity
    WHERE datname = current_database() AND backend_type = 'client backend'
    GROUP BY 1, 2`;
}

/** Bytes on disk. */
export async function readDatabaseSize(sql: Sql): Promise<number> {
  const [row] = await sql<{ bytes: number }>`SELECT pg_database_size(current_database())::float8 AS bytes`;
  return row?.bytes ?? 0;
}
