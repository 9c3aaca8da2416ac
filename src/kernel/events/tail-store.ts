// The SQL of the tail: where a log stands, and what has been added to many logs, each in one statement.
import type { Sql } from "../db/index.ts";
import type { StoredEvent } from "./log.ts";
import { type EventRow, toEvent } from "./store.ts";

/** Events of one log a round: a log that grows fast must not keep the others waiting. */
const EVENTS_A_ROUND = 200;

export interface Cursor {
  readonly id: string;
  readonly seq: number;
  readonly at: string;
}

export interface Growth {
  readonly epoch: string;
  /** Logs whose head is not where the cursor was; all of them when the epoch is new. */
  readonly logs: readonly { logId: string; headSeq: number; events: StoredEvent[] }[];
}

export async function readPosition(
  sql: Sql,
  logId: string,
): Promise<{ epoch: string; seq: number; at: string }> {
  const [row] = await sql<{ epoch: string; seq: number; at: string }>`
    SELECT l.epoch, coalesce(h.seq, 0)::float8 AS seq, coalesce(h.last_at, '-infinity')::text AS at
    FROM event_log l LEFT JOIN event_heads h ON h.project_id = ${logId}`;
  return row ?? { epoch: "", seq: 0, at: "-infinity" };
}

type GrowthRow = { epoch: string; log_id: string; head_seq: number } & (
  | EventRow
  | { [K in keyof EventRow]: null }
);

/** One snapshot of all of them. */
export async function readGrowth(
  sql: Sql,
  cursors: readonly (Cursor & { epoch: string })[],
): Promise<Growth> {
  const rows = await sql<GrowthRow | { epoch: string; log_id: null; head_seq: null }>`
    SELECT l.epoch, c.id AS log_id, c.head_seq::float8 AS head_seq,
      e.project_id, e.seq::float8 AS seq, e.at, e.id, e.event, e.actor_id, e.subject, e.data
    FROM event_log l
    LEFT JOIN LATERAL (
      SELECT t.id, t.seq, t.at, coalesce(h.seq, 0) AS head_seq
      FROM unnest(${cursors.map(({ id }) => id)}::uuid[], ${cursors.map(({ seq }) => seq)}::bigint[],
        ${cursors.map(({ at }) => at)}::timestamptz[], ${cursors.map(({ epoch }) => epoch)}::uuid[]) AS t (id, seq, at, epoch)
      LEFT JOIN event_heads h ON h.project_id = t.id
      WHERE coalesce(h.seq, 0) <> t.seq OR t.epoch <> l.epoch) c ON true
    LEFT JOIN LATERAL (
      SELECT * FROM events e WHERE e.project_id = c.id AND e.seq > c.seq AND e.at >= c.at
      ORDER BY e.seq LIMIT ${EVENTS_A_ROUND}::int) e ON true
    ORDER BY c.id, e.seq`;
  const logs = new Map<string, { logId: string; headSeq: number; events: StoredEvent[] }>();
  for (const row of rows) {
    if (row.log_id === null) continue;
    const grown = logs.get(row.log_id) ?? { logId: row.log_id, headSeq: row.head_seq, events: [] };
    logs.set(row.log_id, grown);
    if (row.seq !== null) grown.events.push(toEvent(row));
  }
  return { epoch: rows[0]?.epoch ?? "", logs: [...logs.values()] };
}
