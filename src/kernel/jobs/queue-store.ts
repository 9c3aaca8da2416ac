// What people ask of the queue: lists over what waits, runs and has ended, the dead letters, and running them again.
import type { Query, Sql, Tx } from "../db/index.ts";
import type { DeadFilter, Job, JobFilter } from "./job.ts";
import { finishedColumns, hotColumns, type JobRow, toJob } from "./store.ts";

/** A page of results of 1 MiB would be no page. */
const MAX_LISTED_RESULT_BYTES = 8192;
const ENDED = new Set(["succeeded", "failed", "cancelled"]);

/** Newest first, by id. One statement, so that a job on its way from one table to the other is in one of them. */
export async function listJobs(sql: Sql, filter: JobFilter): Promise<Job[]> {
  const { projectId, status, task, beforeId, limit } = filter;
  // Only what is asked for stands in the text: else a plan made for all cases would read every page from the first on.
  const page = sql`project_id = ${projectId} ${beforeId ? sql`AND id < ${beforeId}` : sql``}
    ${task ? sql`AND task = ${task}` : sql``}`;
  const last = sql`ORDER BY id DESC LIMIT ${limit + 1}::int`;
  const hot = sql`
    (SELECT ${hotColumns(sql)} FROM (SELECT * FROM jobs WHERE ${page} ${stateIs(sql, status)}) j
     LEFT JOIN job_progress p ON p.job_id = j.id AND p.attempt = j.attempt
     ${last})`;
  const finished = sql`
    (SELECT ${finishedColumns(sql, MAX_LISTED_RESULT_BYTES)} FROM finished_jobs WHERE ${page}
     ${status ? sql`AND status = ${status}` : sql``} ${last})`;
  const parts = status === undefined ? sql`${hot} UNION ALL ${finished}` : ENDED.has(status) ? finished : hot;
  const rows = await sql<JobRow>`SELECT * FROM (${parts}) AS listed ${last}`;
  return rows.map(toJob);
}

/** As jobs_status says it, but so that an index can help: of a million that wait few run. */
function stateIs(sql: Sql, status: JobFilter["status"]): Query<unknown> {
  switch (status) {
    case undefined:
      return sql``;
    case "running":
      return sql`AND state = 'running'`;
    case "retrying":
      return sql`AND state <> 'running' AND errors <> '[]'`;
    case "scheduled":
      return sql`AND state <> 'running' AND errors = '[]' AND run_at > clock_timestamp()`;
    case "queued":
      return sql`AND state <> 'running' AND errors = '[]' AND run_at <= clock_timestamp()`;
    default:
      return sql`AND false`;
  }
}

function deadOnes(sql: Sql, filter: DeadFilter): Query<unknown> {
  const { projectId, task, exceptTasks, errorCode, ids, beforeId } = filter;
  return sql`project_id = ${projectId} AND status = 'failed' AND for_user
    ${task ? sql`AND task = ${task}` : sql``}
    ${exceptTasks?.length ? sql`AND task <> ALL (${exceptTasks}::text[])` : sql``}
    ${errorCode ? sql`AND errors -> -1 ->> 'code' = ${errorCode}` : sql``}
    ${ids ? sql`AND id = ANY (${ids}::uuid[])` : sql``}
    ${beforeId ? sql`AND id < ${beforeId}` : sql``}`;
}

/** Newest first, by id. */
export async function listDead(sql: Sql, filter: DeadFilter): Promise<Job[]> {
  const rows = await sql<JobRow>`
    SELECT ${finishedColumns(sql, MAX_LISTED_RESULT_BYTES)} FROM finished_jobs
    WHERE ${deadOnes(sql, filter)} ORDER BY id DESC LIMIT ${filter.limit + 1}::int`;
  return rows.map(toJob);
}

/** The oldest first, one more than the limit when there are more. */
export async function listDeadIds(sql: Sql, filter: DeadFilter): Promise<string[]> {
  const rows = await sql<{ id: string }>`
    SELECT id FROM finished_jobs WHERE ${deadOnes(sql, filter)} ORDER BY id LIMIT ${filter.limit + 1}::int`;
  return rows.map((row) => row.id);
}

export interface Revived {
  readonly id: string;
  readonly lane: number;
  readonly task: string;
  readonly project_id: string;
  readonly status: "queued" | "retrying";
}

/** Keys one at a time, as jobs_submit does; and no job that waits for its first attempt begins between our look and our insert. */
async function holdKeys(tx: Tx, ids: readonly string[]): Promise<void> {
  const keys = tx`
    SELECT DISTINCT unique_key FROM finished_jobs WHERE id = ANY (${ids}::uuid[]) AND unique_key IS NOT NULL`;
  const held = await tx`
    SELECT pg_advisory_xact_lock(hash) FROM (
      SELECT hashtextextended('stoa job ' || unique_key, 0) AS hash FROM (${keys}) AS k ORDER BY hash OFFSET 0) AS h`;
  if (held.length === 0) return;
  await tx`SELECT FROM jobs WHERE unique_key IN (${keys}) AND attempt = 0 ORDER BY id FOR UPDATE`;
}

/** Runs them again, those that may be; returns which. */
export async function reviveJobs(
  tx: Tx,
  ids: readonly string[],
  limits: { readonly taskMaxes: Readonly<Record<string, number>>; readonly projectMax: number | null },
): Promise<Revived[]> {
  await holdKeys(tx, ids);
  return tx<Revived>`
    SELECT id, lane, task, project_id, jobs_status(state, errors, run_at) AS status
    FROM jobs_revive(${ids}::uuid[], ${JSON.stringify(limits.taskMaxes)}::text::jsonb, ${limits.projectMax})`;
}
