// The SQL of those who hand jobs in and ask about them.
import type { Query, Sql, Tx } from "../db/index.ts";
import { newId } from "../ids/index.ts";
import {
  type Job,
  type JobFailure,
  type JobStatus,
  PRIORITIES,
  type PreparedJob,
  type Progress,
  type UniqueRule,
} from "./job.ts";

export async function insertJob(tx: Tx, job: PreparedJob): Promise<string> {
  const [row] = await tx<{ id: string }>`
    SELECT jobs_enqueue(${job.id}, ${job.projectId}, ${job.task}, ${job.lane}, ${job.input}::text::jsonb,
      ${job.uniqueKey}, ${job.createdBy}, clock_timestamp() + ${job.delayMs}::float8 * interval '1 millisecond',
      ${job.timeoutMs}, ${job.maxAttempts}) AS id`;
  return row?.id ?? job.id;
}

/** Jobs of one task that differ in their inputs alone; none is keyed. Returns their ids, in the order of the inputs. */
export async function insertJobs(tx: Tx, like: PreparedJob, inputs: readonly string[]): Promise<string[]> {
  const ids = inputs.map(() => newId());
  await tx`
    INSERT INTO jobs (id, project_id, task, lane, input, created_by, run_at, timeout_ms, max_attempts)
    SELECT n.id, ${like.projectId}, ${like.task}, ${PRIORITIES.indexOf(like.lane)}::smallint, n.input::jsonb,
      ${like.createdBy}, clock_timestamp() + ${like.delayMs}::float8 * interval '1 millisecond', ${like.timeoutMs},
      ${like.maxAttempts}
    FROM unnest(${ids}::uuid[], ${inputs}::text[]) AS n (id, input)`;
  return ids;
}

/** How many may run at once; null: any number. */
export interface Limits {
  readonly taskMax: number | null;
  readonly projectMax: number | null;
}

export interface SubmitParts {
  readonly runAt: Date | undefined;
  readonly rule: UniqueRule;
  readonly limits: Limits;
}

/** A job that somebody runs, now where its time is past: else it would go before all that wait. `isNew` false: the id is that of one with its key that has not ended. */
export async function submitJob(
  tx: Tx,
  job: PreparedJob,
  { runAt, rule, limits }: SubmitParts,
): Promise<{ readonly id: string; readonly isNew: boolean }> {
  const [row] = await tx<{ id: string; is_new: boolean }>`
    SELECT id, is_new FROM jobs_submit(${job.id}, ${job.projectId}, ${job.task}, ${job.lane}, ${job.input}::text::jsonb,
      ${job.uniqueKey}, ${job.createdBy}, greatest(${runAt ?? null}::timestamptz, clock_timestamp()), ${job.timeoutMs}, ${job.maxAttempts}, ${rule},
      ${limits.taskMax}, ${limits.projectMax})`;
  return { id: row?.id ?? job.id, isNew: row?.is_new ?? true };
}

export async function insertFailedJob(
  tx: Tx,
  job: PreparedJob,
  { code, message, result }: { readonly code: string; readonly message: string; readonly result?: object },
): Promise<void> {
  const resultJson = result === undefined ? null : JSON.stringify(result);
  await tx`
    INSERT INTO finished_jobs (id, project_id, created_by, task, lane, status, input, run_at, timeout_ms, max_attempts,
      attempt, interruptions, errors, result, created_at, started_at, finished_at)
    VALUES (${job.id}, ${job.projectId}, ${job.createdBy}, ${job.task}, ${PRIORITIES.indexOf(job.lane)}, 'failed',
      ${job.input}::text::jsonb, clock_timestamp(), ${job.timeoutMs}, ${job.maxAttempts}, 1, 0,
      jsonb_build_array(jsonb_build_object('at', clock_timestamp(), 'attempt', 1, 'code', ${code}::text,
        'message', ${message}::text)), ${resultJson}::text::jsonb,
      clock_timestamp(), clock_timestamp(), clock_timestamp())`;
}

const DAY_MS = 86_400_000;

export interface JobRow {
  readonly id: string;
  readonly project_id: string | null;
  readonly created_by: string | null;
  readonly task: string;
  readonly status: JobStatus;
  readonly lane: number;
  readonly for_user: boolean;
  readonly run_at: Date;
  readonly progress: Progress | null;
  readonly result: unknown;
  readonly errors: readonly (Omit<JobFailure, "at"> & { readonly at: string })[];
  readonly waits_for: { readonly code: string; readonly message: string } | null;
  readonly attempt: number;
  readonly max_attempts: number;
  readonly created_at: Date;
  readonly started_at: Date | null;
  readonly finished_at: Date | null;
}

/** Most who ask want a job of these days, so the other partitions are left out at first. */
export async function findJob(sql: Sql, id: string, nowMs: number): Promise<Job | undefined> {
  const yesterday = new Date(nowMs - DAY_MS).toISOString().slice(0, 10);
  // As text and not as a parameter: only a constant lets the planner leave them out.
  const recent = sql.unsafe(`AND finished_at >= '${yesterday} 00:00:00+00'`);
  return (await findWithin(sql, id, recent)) ?? (await findWithin(sql, id, sql``));
}

/** One statement, so that a job on its way from one table to the other is found in one of them. */
async function findWithin(sql: Sql, id: string, bound: Query<unknown>): Promise<Job | undefined> {
  const [row] = await sql<JobRow>`
    SELECT ${hotColumns(sql)} FROM jobs j LEFT JOIN job_progress p ON p.job_id = j.id AND p.attempt = j.attempt
    WHERE j.id = ${id}
    UNION ALL
    SELECT ${finishedColumns(sql)} FROM finished_jobs WHERE id = ${id} ${bound}
    LIMIT 1`;
  return row && toJob(row);
}

/** Of `jobs j LEFT JOIN job_progress p`. */
export function hotColumns(sql: Sql): Query<unknown> {
  return sql`j.id, j.project_id, j.created_by, j.task, j.lane, j.attempt - j.uncounted AS attempt, j.max_attempts,
    j.created_at, j.started_at, jobs_status(j.state, j.errors, j.run_at) AS status,
    CASE WHEN p.job_id IS NOT NULL THEN
      jsonb_build_object('done', p.done, 'total', p.total, 'message', p.message) END AS progress,
    NULL::jsonb AS result, j.errors, NULL::timestamptz AS finished_at, j.for_user, j.run_at,
    CASE WHEN j.state <> 'running' AND (j.waits_for ->> 'attempt')::int = j.attempt THEN j.waits_for END AS waits_for`;
}

/** @param maxResultBytes a larger result is left out; the size is measured as it is stored, perhaps compressed. */
export function finishedColumns(sql: Sql, maxResultBytes?: number): Query<unknown> {
  const result =
    maxResultBytes === undefined
      ? sql`result`
      : sql`CASE WHEN pg_column_size(result) <= ${maxResultBytes}::int THEN result END AS result`;
  return sql`id, project_id, created_by, task, lane, attempt, max_attempts, created_at, started_at, status, progress, ${result},
    errors, finished_at, for_user, run_at, NULL::jsonb AS waits_for`;
}

/** Of these jobs those that have not begun, or wait to be tried again. */
export async function listStillWaiting(sql: Sql, ids: readonly string[]): Promise<ReadonlySet<string>> {
  if (ids.length === 0) return new Set();
  const rows = await sql<{ id: string }>`
    SELECT id FROM jobs WHERE id = ANY (${ids}::uuid[]) AND state <> 'running'`;
  return new Set(rows.map(({ id }) => id));
}

export async function eraseJobs(tx: Tx, projectId: string, limit: number): Promise<number> {
  const [row] = await tx<{ count: number }>`
    WITH waiting AS (
      DELETE FROM jobs WHERE id IN (
        SELECT id FROM jobs WHERE project_id = ${projectId} AND state <> 'running' LIMIT ${limit}::int
        FOR UPDATE SKIP LOCKED)
      RETURNING id),
    progress AS (DELETE FROM job_progress WHERE job_id IN (SELECT id FROM waiting)),
    finished AS (
      DELETE FROM finished_jobs WHERE (id, finished_at) IN (
        SELECT id, finished_at FROM finished_jobs WHERE project_id = ${projectId} LIMIT ${limit}::int)
      RETURNING id),
    lines AS (
      DELETE FROM job_log_lines
      WHERE job_id IN (SELECT id FROM waiting UNION ALL SELECT id FROM finished))
    SELECT ((SELECT count(*) FROM waiting) + (SELECT count(*) FROM finished))::int AS count`;
  return row?.count ?? 0;
}

export function toJob(row: JobRow): Job {
  // What else is kept of an error is shown to nobody.
  const errors = row.errors.map(({ at, attempt, code, message }) => ({
    at: new Date(at),
    attempt,
    code,
    message,
  }));
  const last = row.status === "succeeded" ? undefined : errors.at(-1);
  return {
    id: row.id,
    projectId: row.project_id,
    createdBy: row.created_by,
    task: row.task,
    status: row.status,
    priority: PRIORITIES[row.lane] ?? "normal",
    isForUser: row.for_user,
    progress: row.progress,
    result: row.result,
    error: last ? { code: last.code, message: last.message } : null,
    waitsFor: row.waits_for && { code: row.waits_for.code, message: row.waits_for.message },
    errors,
    attempt: row.attempt,
    maxAttempts: row.max_attempts,
    createdAt: row.created_at,
    runAt: row.run_at,
    startedAt: row.started_at,
    finishedAt: row.finished_at,
  };
}
