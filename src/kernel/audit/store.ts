// The SQL of the audit trail: written once, read newest first.
import type { Query, Sql, Tx } from "../db/index.ts";
import type { AuditEntry, AuditFilter, AuditPage, AuditRecord, AuditScope } from "./audit.ts";

interface EntryRow {
  readonly id: string;
  readonly at: Date;
  readonly action: string;
  readonly project_id: string | null;
  readonly actor_id: string | null;
  readonly subject: string;
  readonly address: string | null;
  readonly data: Record<string, unknown>;
}

export async function insertEntry(tx: Tx, id: string, entry: AuditEntry): Promise<void> {
  await tx`
    INSERT INTO audit_entries (id, action, project_id, actor_id, subject, address, data)
    VALUES (${id}, ${entry.action}, ${entry.projectId}, ${entry.actorId}, ${entry.subject}, ${entry.address},
      ${JSON.stringify(entry.data ?? {})}::text::jsonb)`;
}

/** The same as a part of another statement. */
export function insertEntryWhere(
  sql: Sql,
  id: string,
  entry: AuditEntry,
  condition: Query<unknown>,
): Query<unknown> {
  return sql`
    INSERT INTO audit_entries (id, action, project_id, actor_id, subject, address, data)
    SELECT ${id}::uuid, ${entry.action}::text, ${entry.projectId}::uuid, ${entry.actorId}::uuid, ${entry.subject}::text,
      ${entry.address}::text, ${JSON.stringify(entry.data ?? {})}::text::jsonb
    WHERE ${condition}`;
}

/** What time entries can be of, Unix milliseconds. */
export interface Span {
  readonly oldestMs: number;
  readonly nowMs: number;
}

/**
 * By windows of days, the newest first, until the page is full: a statement over a year locks each day's table and its indexes,
 * and a few of them at once would use up what the whole server may lock.
 */
export async function listEntries(
  sql: Sql,
  filter: AuditFilter,
  { before, limit }: AuditPage,
  { oldestMs, nowMs }: Span,
): Promise<AuditRecord[]> {
  const firstMs = Math.max(filter.fromMs ?? oldestMs, oldestMs);
  const found: EntryRow[] = [];
  const lastMs = Math.min(before?.[0] ?? nowMs, filter.toMs ?? nowMs, nowMs);
  for (const window of windowsOf(sql, firstMs, lastMs)) {
    const rows = await sql<EntryRow>`
      SELECT id, at, action, project_id, actor_id, subject, address, data FROM audit_entries
      WHERE ${isOf(sql, filter.of)} ${narrowed(sql, filter, firstMs)} ${older(sql, before)} ${window}
      ORDER BY at DESC, id DESC LIMIT ${limit - found.length}::int`;
    found.push(...rows);
    if (found.length >= limit) break;
  }
  return found.map(toRecord);
}

export async function eraseEntries(
  tx: Tx,
  projectId: string,
  limit: number,
  { oldestMs, nowMs }: Span,
): Promise<number> {
  for (const window of windowsOf(tx, oldestMs, nowMs)) {
    const rows = await tx`
      DELETE FROM audit_entries WHERE project_id = ${projectId} ${window} AND id IN (
        SELECT id FROM audit_entries WHERE project_id = ${projectId} ${window} LIMIT ${limit}::int)
      RETURNING 1`;
    if (rows.length > 0) return rows.length;
  }
  return 0;
}

const WINDOW_MS = 32 * 86_400_000;

/** Conditions that together cover the time from the first to the last moment, from new to old. */
function* windowsOf(sql: Sql, firstMs: number, lastMs: number): Generator<Query<unknown>> {
  for (let n = Math.floor(lastMs / WINDOW_MS); (n + 1) * WINDOW_MS > firstMs; n--) {
    const [from, to] = [n, n + 1].map((each) => new Date(each * WINDOW_MS).toISOString());
    // As text and not as parameters: only by constants the planner leaves out the other days and their locks.
    yield sql.unsafe(`AND at >= '${from}' AND at < '${to}'`);
  }
}

function toRecord(row: EntryRow): AuditRecord {
  return {
    id: row.id,
    at: row.at,
    action: row.action,
    projectId: row.project_id,
    actorId: row.actor_id,
    subject: row.subject,
    address: row.address,
    data: row.data,
  };
}

function isOf(sql: Sql, scope: AuditScope): Query<unknown> {
  if ("projectId" in scope) return sql`project_id = ${scope.projectId}`;
  return sql`project_id IS NULL AND (actor_id = ${scope.accountId} OR subject = ${scope.accountId}::text)`;
}

function narrowed(sql: Sql, { action, actorId, toMs }: AuditFilter, firstMs: number): Query<unknown> {
  const byAction = action === undefined ? sql`` : sql`AND action = ${action}`;
  const byActor = actorId === undefined ? sql`` : sql`AND actor_id = ${actorId}`;
  const from = sql`AND at >= ${new Date(firstMs)}`;
  const to = toMs === undefined ? sql`` : sql`AND at < ${new Date(toMs)}`;
  return sql`${byAction} ${byActor} ${from} ${to}`;
}

function older(sql: Sql, before: AuditPage["before"]): Query<unknown> {
  if (!before) return sql``;
  const at = new Date(before[0]);
  return sql`AND (at, id) < (${at}, ${before[1]}::uuid)`;
}
