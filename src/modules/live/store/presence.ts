// SQL over who is online. A process's rows count while it beats; only the database's clock counts.
import type { Sql, Tx } from "../../../kernel/db/index.ts";
import type { CrowdMember, PresenceStatus } from "../presence.ts";

/** A process that has not beaten for so long is dead, and its connections with it. */
const LEASE_SECONDS = 10;

export interface PresentMember extends CrowdMember {
  readonly status: PresenceStatus;
}

/** True when the process was not known, so that its rows are not there either. */
export async function beat(tx: Tx, processId: string): Promise<boolean> {
  const [row] = await tx<{ is_new: boolean }>`
    INSERT INTO live_processes (id) VALUES (${processId})
    ON CONFLICT (id) DO UPDATE SET beat_at = now() RETURNING xmax = 0 AS is_new`;
  return row?.is_new ?? false;
}

/** Buries dead processes: their connections were last seen when they last beat. */
export async function buryDead(tx: Tx): Promise<void> {
  await tx`
    WITH dead AS (
      DELETE FROM live_processes WHERE beat_at < now() - make_interval(secs => ${LEASE_SECONDS}::int)
      RETURNING id, beat_at),
    gone AS (
      DELETE FROM live_presence p USING dead WHERE p.process_id = dead.id
      RETURNING p.project_id, p.user_id, dead.beat_at)
    INSERT INTO live_last_seen (project_id, user_id, at)
    SELECT project_id, user_id, max(beat_at) FROM gone GROUP BY project_id, user_id
    ON CONFLICT (project_id, user_id) DO UPDATE SET at = greatest(live_last_seen.at, excluded.at)`;
}

export async function upsertMembers(
  tx: Tx,
  processId: string,
  members: readonly PresentMember[],
): Promise<void> {
  await tx`
    INSERT INTO live_presence (project_id, connection_id, user_id, process_id, status)
    SELECT m.project_id, m.connection_id, m.user_id, ${processId}, m.status
    FROM unnest(${members.map((m) => m.projectId)}::uuid[], ${members.map((m) => m.connectionId)}::uuid[],
      ${members.map((m) => m.userId)}::uuid[], ${members.map((m) => m.status)}::text[])
      AS m (project_id, connection_id, user_id, status)
    ON CONFLICT (project_id, connection_id) DO UPDATE SET status = excluded.status`;
}

export async function deleteMembers(tx: Tx, members: readonly CrowdMember[]): Promise<void> {
  await tx`
    WITH gone AS (
      SELECT m.project_id, m.connection_id, m.user_id
      FROM unnest(${members.map((m) => m.projectId)}::uuid[], ${members.map((m) => m.connectionId)}::uuid[],
        ${members.map((m) => m.userId)}::uuid[]) AS m (project_id, connection_id, user_id)),
    deleted AS (
      DELETE FROM live_presence p USING gone
      WHERE p.project_id = gone.project_id AND p.connection_id = gone.connection_id)
    INSERT INTO live_last_seen (project_id, user_id, at)
    SELECT DISTINCT project_id, user_id, now() FROM gone ORDER BY project_id, user_id
    ON CONFLICT (project_id, user_id) DO UPDATE SET at = excluded.at`;
}

/** Of other processes that live, in these projects. */
export async function listOthers(
  sql: Sql,
  projectIds: readonly string[],
  processId: string,
): Promise<PresentMember[]> {
  const rows = await sql<{
    project_id: string;
    connection_id: string;
    user_id: string;
    status: PresenceStatus;
  }>`
    SELECT p.project_id, p.connection_id, p.user_id, p.status
    FROM live_presence p JOIN live_processes l ON l.id = p.process_id
    WHERE p.project_id = ANY(${projectIds}::uuid[]) AND p.process_id <> ${processId}
      AND l.beat_at > now() - make_interval(secs => ${LEASE_SECONDS}::int)
    ORDER BY p.connection_id`;
  return rows.map((row) => ({
    projectId: row.project_id,
    connectionId: row.connection_id,
    userId: row.user_id,
    status: row.status,
  }));
}

export interface SeenUser {
  readonly userId: string;
  readonly status: PresenceStatus;
  readonly lastSeen: Date;
}

/** Who is online in a project, in all processes, each user once. */
export async function listOnline(sql: Sql, projectId: string, limit: number): Promise<SeenUser[]> {
  const rows = await sql<{ user_id: string; status: PresenceStatus; last_seen: Date }>`
    SELECT p.user_id, (array_agg(p.status ORDER BY array_position('{active,idle,away}'::text[], p.status)))[1] AS status,
      max(l.beat_at) AS last_seen
    FROM live_presence p JOIN live_processes l ON l.id = p.process_id
    WHERE p.project_id = ${projectId} AND l.beat_at > now() - make_interval(secs => ${LEASE_SECONDS}::int)
    GROUP BY p.user_id ORDER BY p.user_id LIMIT ${limit}::int`;
  return rows.map((row) => ({ userId: row.user_id, status: row.status, lastSeen: row.last_seen }));
}

/** Of a process that stops, after its connections have left. */
export async function deleteProcess(tx: Tx, processId: string): Promise<void> {
  await tx`DELETE FROM live_presence WHERE process_id = ${processId}`;
  await tx`DELETE FROM live_processes WHERE id = ${processId}`;
}

/** For the erasing of a project. */
export async function erasePresence(tx: Tx, projectId: string, limit: number): Promise<number> {
  const rows = await tx`
    DELETE FROM live_last_seen WHERE (project_id, user_id) IN (
      SELECT project_id, user_id FROM live_last_seen WHERE project_id = ${projectId} LIMIT ${limit}::int)
    RETURNING 1`;
  if (rows.length === 0) await tx`DELETE FROM live_presence WHERE project_id = ${projectId}`;
  return rows.length;
}
