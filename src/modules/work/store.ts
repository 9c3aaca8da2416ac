// The SQL of schedules.
import type { Sql, Tx } from "../../kernel/db/index.ts";
import type { Priority } from "../../kernel/jobs/index.ts";
import { accessColumn, accessesFor } from "../projects/index.ts";
import type { MissedRule, Schedule } from "./model.ts";

interface ScheduleRow {
  readonly id: string;
  readonly project_id: string;
  readonly created_by: string;
  readonly task: string;
  readonly input: unknown;
  readonly priority: Priority | null;
  readonly cron: string;
  readonly time_zone: string;
  readonly missed: MissedRule;
  readonly is_active: boolean;
  readonly next_at: Date | null;
  readonly last_at: Date | null;
  readonly last_job_id: string | null;
  readonly created_at: Date;
  readonly updated_at: Date;
}

/** Writes it whole; a new one or another state of the same. */
export async function saveSchedule(tx: Tx, schedule: Schedule): Promise<void> {
  const { id, projectId, createdBy, task, priority, cron, timeZone, missed, isActive, nextAt } = schedule;
  const input = JSON.stringify(schedule.input);
  await tx`
    INSERT INTO job_schedules (id, project_id, created_by, task, input, priority, cron, time_zone, missed, is_active, next_at)
    VALUES (${id}, ${projectId}, ${createdBy}, ${task}, ${input}::text::jsonb, ${priority}, ${cron}, ${timeZone}, ${missed},
      ${isActive}, ${nextAt})
    ON CONFLICT (id) DO UPDATE
    SET input = excluded.input, priority = excluded.priority, cron = excluded.cron, time_zone = excluded.time_zone,
      missed = excluded.missed, is_active = excluded.is_active, next_at = excluded.next_at, updated_at = clock_timestamp()`;
}

export async function findSchedule(sql: Sql, id: string): Promise<Schedule | undefined> {
  const [row] = await sql<ScheduleRow>`SELECT * FROM job_schedules WHERE id = ${id}`;
  return row && toSchedule(row);
}

/** Locks it, so that no server takes its time meanwhile. */
export async function holdSchedule(tx: Tx, id: string): Promise<Schedule | undefined> {
  const [row] = await tx<ScheduleRow>`SELECT * FROM job_schedules WHERE id = ${id} FOR UPDATE`;
  return row && toSchedule(row);
}

export interface SchedulePage {
  readonly projectId: string;
  readonly beforeId: string | undefined;
  readonly limit: number;
}

/** Newest first, one more than the limit when there are more. */
export async function listSchedules(
  sql: Sql,
  { projectId, beforeId, limit }: SchedulePage,
): Promise<Schedule[]> {
  const rows = await sql<ScheduleRow>`
    SELECT * FROM job_schedules WHERE project_id = ${projectId} ${beforeId ? sql`AND id < ${beforeId}` : sql``}
    ORDER BY id DESC LIMIT ${limit + 1}::int`;
  return rows.map(toSchedule);
}

export async function countSchedules(sql: Sql, projectId: string): Promise<number> {
  const [row] = await sql<{ count: number }>`
    SELECT count(*)::int AS count FROM job_schedules WHERE project_id = ${projectId}`;
  return row?.count ?? 0;
}

export async function deleteSchedule(tx: Tx, id: string): Promise<boolean> {
  const rows = await tx`DELETE FROM job_schedules WHERE id = ${id} RETURNING 1`;
  return rows.length > 0;
}

export async function eraseSchedules(tx: Tx, projectId: string): Promise<number> {
  const rows = await tx`DELETE FROM job_schedules WHERE project_id = ${projectId} RETURNING 1`;
  return rows.length;
}

/** The database's: the one that says what is due. */
export async function readTime(sql: Sql): Promise<Date> {
  const [row] = await sql<{ now: Date }>`SELECT clock_timestamp() AS now`;
  if (!row) throw new Error("the database did not tell its time");
  return row.now;
}

/** One that is due, locked, with the database's time; servers that look at the same moment get another. */
export async function takeDue(
  tx: Tx,
): Promise<{ readonly schedule: Schedule; readonly now: Date } | undefined> {
  const [row] = await tx<ScheduleRow & { now: Date }>`
    SELECT *, clock_timestamp() AS now FROM job_schedules WHERE is_active AND next_at <= clock_timestamp()
    ORDER BY next_at LIMIT 1 FOR UPDATE SKIP LOCKED`;
  return row && { schedule: toSchedule(row), now: row.now };
}

export async function isAnyDue(sql: Sql): Promise<boolean> {
  const rows = await sql`
    SELECT FROM job_schedules WHERE is_active AND next_at <= clock_timestamp() LIMIT 1`;
  return rows.length > 0;
}

/** Where it stands after a time was taken; `jobId` undefined: nothing was run. */
export async function noteTaken(
  tx: Tx,
  id: string,
  taken: { readonly nextAt: Date | null; readonly isActive: boolean; readonly jobId: string | undefined },
): Promise<void> {
  const jobId = taken.jobId ?? null;
  await tx`
    UPDATE job_schedules
    SET next_at = ${taken.nextAt}, is_active = ${taken.isActive},
      last_job_id = coalesce(${jobId}::uuid, last_job_id),
      last_at = CASE WHEN ${jobId}::uuid IS NULL THEN last_at ELSE clock_timestamp() END
    WHERE id = ${id}`;
}

/** Of these the projects whose jobs the user may see. */
export async function listReadableProjects(
  sql: Sql,
  ids: readonly string[],
  userId: string,
): Promise<ReadonlySet<string>> {
  if (ids.length === 0) return new Set();
  const rows = await sql<{ id: string }>`
    SELECT id FROM (
      SELECT p.id, ${accessColumn(sql, sql`p.id`, userId)} AS access FROM unnest(${ids}::uuid[]) AS p (id)) AS asked
    WHERE access = ANY (${accessesFor("jobs.read")})`;
  return new Set(rows.map(({ id }) => id));
}

function toSchedule(row: ScheduleRow): Schedule {
  return {
    id: row.id,
    projectId: row.project_id,
    createdBy: row.created_by,
    task: row.task,
    input: row.input,
    priority: row.priority,
    cron: row.cron,
    timeZone: row.time_zone,
    missed: row.missed,
    isActive: row.is_active,
    nextAt: row.next_at,
    lastAt: row.last_at,
    lastJobId: row.last_job_id,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  };
}
