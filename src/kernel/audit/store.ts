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

export async function listEntries(sql: Sql, filter: AuditFilter, page: AuditPage): Promise<AuditRecord[]> {
  const rows = await sql<EntryRow>`
    SELECT id, at, action, project_id, actor_id, subject, address, data FROM audit_entries
    WHERE ${isOf(sql, filter.of)} ${narrowed(sql, filter)} ${older(sql, page.before)}
    ORDER BY at DESC, id DESC LIMIT ${page.limit}::int`;
  return rows.map((row) => ({
    id: row.id,
    at: row.at,
    action: row.action,
    projectId: row.project_id,
    actorId: row.actor_id,
    subject: row.subject,
    address: row.address,
    data: row.data,
  }));
}

export async function eraseEntries(tx: Tx, projectId: string, limit: number): Promise<number> {
  const rows = await tx`
    DELETE FROM audit_entries WHERE (id, at) IN (
      SELECT id, at FROM audit_entries WHERE project_id = ${projectId} LIMIT ${limit}::int)
    RETURNING 1`;
  return rows.length;
}

function isOf(sql: Sql, scope: AuditScope): Query<unknown> {
  if ("projectId" in scope) return sql`project_id = ${scope.projectId}`;
  return sql`project_id IS NULL AND (actor_id = ${scope.accountId} OR subject = ${scope.accountId}::text)`;
}

function narrowed(sql: Sql, { action, actorId, fromMs, toMs }: AuditFilter): Query<unknown> {
  const byAction = action === undefined ? sql`` : sql`AND action = ${action}`;
  const byActor = actorId === undefined ? sql`` : sql`AND actor_id = ${actorId}`;
  const from = fromMs === undefined ? sql`` : sql`AND at >= ${new Date(fromMs)}`;
  const to = toMs === undefined ? sql`` : sql`AND at < ${new Date(toMs)}`;
  return sql`${byAction} ${byActor} ${from} ${to}`;
}

/** The bound on `at` alone says nothing new, but by it later days are left out unread. */
function older(sql: Sql, before: AuditPage["before"]): Query<unknown> {
  if (!before) return sql``;
  const at = new Date(before[0]);
  return sql`AND at <= ${at} AND (at, id) < (${at}, ${before[1]}::uuid)`;
}
