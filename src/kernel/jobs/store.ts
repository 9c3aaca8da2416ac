// The SQL of those who hand jobs in and ask about them.
import type { Query, Sql, Tx } from "../db/index.ts";
import { type Job, type JobStatus, PRIORITIES, type PreparedJob, type Progress } from "./job.ts";

export async function insertJob(tx: Tx, job: PreparedJob): Promise<string> {
  const [row] = await tx<{ id: string }>`
    SELECT jobs_enqueue(${job.id}, ${job.projectId}, ${job.task}, ${job.lane}, ${job.input}::text::jsonb,
      ${job.uniqueKey}, ${job.createdBy}, clock_timestamp() + ${job.delayMs}::float8 * interval '1 millisecond',
      ${job.timeoutMs}, ${job.maxAttempts}) AS id`;
  return row?.id ?? job.id;
}

export async function insertFailedJob(
  tx: Tx,
  job: PreparedJob,
  error: { readonly code: string; readonly message: string },
): Promise<void> {
  await tx`
    INSERT INTO finished_jobs (id, project_id, created_by, task, lane, status, input, run_at, timeout_ms, max_attempts,
      attempt, interruptions, errors, created_at, started_at, finished_at)
    VALUES (${job.id}, ${job.projectId}, ${job.createdBy}, ${job.task}, ${PRIORITIES.indexOf(job.lane)}, 'failed',
      ${job.input}::text::jsonb, clock_timestamp(), ${job.timeoutMs}, ${job.maxAttempts}, 1, 0,
      jsonb_build_array(jsonb_build_object('at', clock_timestamp(), 'attempt', 1, 'code', ${error.code}::text,
        'message', ${error.message}::text)),
      clock_timestamp(), clock_timestamp(), clock_timestamp())`;
}

const DAY_MS = 86_400_000;

interface JobRow {
  readonly id: string;
  readonly project_id: string | null;
  readonly created_by: string | null;
  readonly task: string;
  readonly status: JobStatus;
  readonly lane: number;
  readonly progress: Progress | null;
  readonly result: unknown;
  readonly error: { readonly code: string; readonly message: string } | null;
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
    SELECT j.id, project_id, created_by, task, lane, j.attempt - uncounted AS attempt, max_attempts, created_at, started_at,
      CASE
        WHEN state = 'running' THEN 'running'
        WHEN j.errors <> '[]' THEN 'retrying'
        WHEN run_at > clock_timestamp() THEN 'scheduled'
        ELSE 'queued'
      END AS status,
      CASE WHEN p.job_id IS NOT NULL THEN
        jsonb_build_object('done', p.done, 'total', p.total, 'message', p.message) END AS progress,
      NULL::jsonb AS result, errors -> -1 AS error, NULL::timestamptz AS finished_at
    FROM jobs j LEFT JOIN job_progress p ON p.job_id = j.id AND p.attempt = j.attempt
    WHERE j.id = ${id}
    UNION ALL
    SELECT id, project_id, created_by, task, lane, attempt, max_attempts, created_at, started_at, status, progress, result,
      CASE WHEN status <> 'succeeded' THEN errors -> -1 END, finished_at
    FROM finished_jobs WHERE id = ${id} ${bound}
    LIMIT 1`;
  return row && toJob(row);
}

export async function eraseJobs(tx: Tx, projectId: string, limit: number): Promise<number> {
  const [row] = await tx<{ count: number }>`
    WITH waiting AS (
      DELETE FROM jobs WHERE id IN (
        SELECT id FROM jobs WHERE project_id = ${projectId} AND state = 'waiting' LIMIT ${limit}::int
        FOR UPDATE SKIP LOCKED)
      RETURNING id),
    progress AS (DELETE FROM job_progress WHERE job_id IN (SELECT id FROM waiting)),
    finished AS (
      DELETE FROM finished_jobs WHERE (id, finished_at) IN (
        SELECT id, finished_at FROM finished_jobs WHERE project_id = ${projectId} LIMIT ${limit}::int)
      RETURNING 1)
    SELECT ((SELECT count(*) FROM waiting) + (SELECT count(*) FROM finished))::int AS count`;
  return row?.count ?? 0;
}

function toJob(row: JobRow): Job {
  return {
    id: row.id,
    projectId: row.project_id,
    createdBy: row.created_by,
    task: row.task,
    status: row.status,
    priority: PRIORITIES[row.lane] ?? "normal",
    progress: row.progress,
    result: row.result,
    error: row.error && { code: row.error.code, message: row.error.message },
    attempt: row.attempt,
    maxAttempts: row.max_attempts,
    createdAt: row.created_at,
    startedAt: row.started_at,
    finishedAt: row.finished_at,
  };
}
