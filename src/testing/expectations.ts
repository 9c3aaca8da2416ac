// What tests expect again and again: forms of ids and times, and exactly which events there are.
import { expect } from "bun:test";
import type { Sql } from "../kernel/db/index.ts";

/** A UUIDv7. */
export const ID = expect.stringMatching(
  /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/,
);
/** RFC 3339 in UTC, as every time of the API. */
export const TIME = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);

export interface LoggedEvent {
  readonly seq: number;
  readonly event: string;
  readonly actor_id: string | null;
  readonly subject: string;
  readonly data: Record<string, unknown>;
}

/** A project's log as it is stored, also of a project that nobody may see any more. */
export async function listEvents(sql: Sql, projectId: string): Promise<LoggedEvent[]> {
  const rows = await sql<LoggedEvent>`
    SELECT seq::int AS seq, event, actor_id, subject, data FROM events WHERE project_id = ${projectId} ORDER BY seq`;
  // Plain objects, which compare with what a test writes down.
  return rows.map((row) => ({ ...row }));
}
