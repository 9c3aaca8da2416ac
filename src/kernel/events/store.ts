// The SQL of the event log.
import type { Query, Sql, Tx } from "../db/index.ts";
import type { EventPage, NewEvent, StoredEvent } from "./log.ts";

const DAY_MS = 86_400_000;

export interface EventRow {
  readonly project_id: string;
  readonly seq: number;
  readonly at: Date;
  readonly id: string;
  readonly event: string;
  readonly actor_id: string | null;
  readonly subject: string;
  readonly data: Record<string, unknown>;
}

type HistoryRow = { head_seq: number; floor: number; epoch: string } & (
  | EventRow
  | { [K in keyof EventRow]: null }
);

export async function appendEvent(tx: Tx, id: string, event: NewEvent): Promise<number> {
  const [row] = await tx<{ seq: number }>`
    SELECT events_append(${event.projectId}, ${id}, ${event.event}, ${event.actorId}, ${event.subject},
      ${JSON.stringify(event.data)}::text::jsonb)::float8 AS seq`;
  return row?.seq ?? 0;
}

export async function insertHeads(tx: Tx, projectIds: readonly string[]): Promise<void> {
  await tx`
    INSERT INTO event_heads (project_id) SELECT id FROM unnest(${projectIds}::uuid[]) AS id ORDER BY id
    ON CONFLICT DO NOTHING`;
}

export interface HistoryOptions {
  readonly projectId: string;
  readonly since: number;
  readonly limit: number;
}

/**
 * Most readers want the latest, so first only the last days are looked at: two partitions instead of all of them. What comes
 * after `since` without a gap is all there is, since a project's time never goes back; else the whole log is asked.
 */
export async function readHistory(sql: Sql, options: HistoryOptions, nowMs: number): Promise<EventPage> {
  const yesterday = new Date(nowMs - DAY_MS).toISOString().slice(0, 10);
  // As text and not as a parameter: only a constant lets the planner leave out the other partitions and their locks.
  const recent = await readPage(sql, options, sql.unsafe(`AND e.at >= '${yesterday} 00:00:00+00'`));
  const next = recent.items[0]?.seq ?? recent.seq + 1;
  return next <= options.since + 1 ? recent : readPage(sql, options, sql``);
}

/** One statement, so that head and events are of one snapshot. */
async function readPage(
  sql: Sql,
  { projectId, since, limit }: HistoryOptions,
  bound: Query<unknown>,
): Promise<EventPage> {
  const rows = await sql<HistoryRow>`
    SELECT l.epoch, coalesce(h.seq, 0)::float8 AS head_seq, coalesce(h.floor, 1)::float8 AS floor,
      e.project_id, e.seq::float8 AS seq, e.at, e.id, e.event, e.actor_id, e.subject, e.data
    FROM event_log l
    LEFT JOIN event_heads h ON h.project_id = ${projectId}
    LEFT JOIN LATERAL (
      SELECT * FROM events e WHERE e.project_id = h.project_id AND e.seq > ${since}::bigint ${bound}
      ORDER BY e.seq LIMIT ${limit}::int) e ON true
    ORDER BY e.seq`;
  const items = rows.flatMap((row) => (row.seq === null ? [] : [toEvent(row)]));
  const { epoch = "", head_seq: seq = 0, floor = 1 } = rows[0] ?? {};
  return { items, seq, floor: trueFloor(floor, since, items[0]), epoch };
}

/** In a REPEATABLE READ transaction the head can be older than the drop of a partition, which knows no snapshots. */
function trueFloor(floor: number, since: number, first: StoredEvent | undefined): number {
  return first !== undefined && first.seq > since + 1 ? Math.max(floor, first.seq) : floor;
}

export async function eraseEvents(tx: Tx, projectId: string, limit: number): Promise<number> {
  const [row] = await tx<{ count: number }>`
    WITH erased AS (
      DELETE FROM events WHERE (project_id, seq, at) IN (
        SELECT project_id, seq, at FROM events WHERE project_id = ${projectId} LIMIT ${limit}::int)
      RETURNING 1)
    SELECT count(*)::int AS count FROM erased`;
  const count = row?.count ?? 0;
  if (count === 0) await tx`DELETE FROM event_heads WHERE project_id = ${projectId}`;
  return count;
}

export interface PositionedEvent {
  readonly event: StoredEvent;
  readonly position: string;
}

/** Only what no open transaction can still add to: positions below that of the oldest one. */
export async function readAfter(
  sql: Sql,
  after: { readonly position: string; readonly projectId: string; readonly seq: string },
  limit: number,
): Promise<PositionedEvent[]> {
  const rows = await sql<EventRow & { position: string }>`
    SELECT e.position::text AS position, project_id, e.seq::float8 AS seq, at, id, event, actor_id, subject, data
    FROM events e
    WHERE (position, project_id, seq) > (${after.position}::bigint, ${after.projectId}::uuid, ${after.seq}::bigint)
      AND position < pg_snapshot_xmin(pg_current_snapshot())::text::bigint + (SELECT xid_offset FROM event_log)
    ORDER BY e.position, e.project_id, e.seq LIMIT ${limit}::int`;
  return rows.map((row) => ({ event: toEvent(row), position: row.position }));
}

export async function upsertCursor(tx: Tx, name: string, position: string): Promise<void> {
  await tx`
    INSERT INTO event_cursors (name, position) VALUES (${name}, ${position})
    ON CONFLICT (name) DO UPDATE SET position = excluded.position, saved_at = now()`;
}

export async function findCursor(sql: Sql, name: string): Promise<string | undefined> {
  const [row] = await sql<{ position: string }>`SELECT position FROM event_cursors WHERE name = ${name}`;
  return row?.position;
}

/** Heads that a partition would leave with numbers below their floor, a page of them; returns where the next page begins. */
export async function raiseFloors(
  tx: Tx,
  partition: string,
  afterProjectId: string,
  limit: number,
): Promise<{ last: string | null; left: number }> {
  // Rows in use are left for another round: waiting for them while holding others could deadlock with writers.
  const [row] = await tx.unsafe<{ last: string | null; left: number }>(
    `WITH page AS (SELECT project_id, floor FROM event_heads WHERE project_id > $1 ORDER BY project_id LIMIT $2),
     due AS (
       SELECT page.project_id, kept.next FROM page CROSS JOIN LATERAL (
         SELECT max(seq) + 1 AS next FROM ${partition} e WHERE e.project_id = page.project_id) kept
       WHERE kept.next > page.floor),
     held AS (
       SELECT h.project_id FROM event_heads h WHERE h.project_id IN (SELECT project_id FROM due)
       FOR UPDATE SKIP LOCKED),
     raised AS (
       UPDATE event_heads h SET floor = greatest(h.floor, due.next) FROM due, held
       WHERE h.project_id = due.project_id AND held.project_id = h.project_id RETURNING 1)
     SELECT (SELECT max(project_id::text) FROM page) AS last,
       ((SELECT count(*) FROM due) - (SELECT count(*) FROM raised))::int AS left`,
    [afterProjectId, limit],
  );
  return row ?? { last: null, left: 0 };
}

export function toEvent(row: EventRow): StoredEvent {
  return {
    id: row.id,
    projectId: row.project_id,
    seq: row.seq,
    event: row.event,
    actorId: row.actor_id,
    subject: row.subject,
    data: row.data,
    at: row.at,
  };
}
