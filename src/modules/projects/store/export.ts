// SQL of exports: the project itself, and the moment that an export shows.
import type { Sql } from "../../../kernel/db/index.ts";

/** The database's time, rounded up to what a Date holds: what was there just before is there then. */
export async function readClock(sql: Sql): Promise<Date> {
  const [row] = await sql<{ at: Date }>`
    SELECT date_trunc('milliseconds', clock_timestamp()) + interval '1 millisecond' AS at`;
  if (!row) throw new Error("the database tells no time");
  return row.at;
}

export async function findExported(sql: Sql, id: string): Promise<Record<string, unknown> | undefined> {
  const [row] = await sql<{
    id: string;
    name: string;
    description: string | null;
    status: string;
    owner_id: string;
    created_at: Date;
    updated_at: Date;
  }>`
    SELECT id, name, description, status, owner_id, created_at, updated_at FROM projects
    WHERE id = ${id} AND deleted_at IS NULL`;
  return (
    row && { ...row, created_at: row.created_at.toISOString(), updated_at: row.updated_at.toISOString() }
  );
}

/** Besides the owner. */
export async function countMembers(sql: Sql, projectId: string): Promise<number> {
  const [row] = await sql<{ count: number }>`
    SELECT count(*)::int AS count FROM project_members WHERE project_id = ${projectId} AND role <> 'owner'`;
  return row?.count ?? 0;
}
