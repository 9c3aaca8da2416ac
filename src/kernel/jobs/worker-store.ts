// The SQL of a worker: each write is fenced by (id, attempt), and only the database's clock counts.
import type { Sql, Tx } from "../db/index.ts";
import { type Failure, MAX_INTERRUPTIONS, MAX_POSTPONED_MS } from "./failure.ts";

export interface ClaimedJob {
  readonly id: string;
  readonly projectId: string | null;
  readonly createdBy: string | null;
  readonly task: string;
  readonly lane: number;
  readonly isKeyed: boolean;
  /** Somebody runs it: its end is announced, its news and lines are shown. */
  readonly isForUser: boolean;
  /** Its end makes room under a limit. */
  readonly isLimited: boolean;
  readonly input: unknown;
  readonly timeoutMs: number;
  readonly attempt: number;
  /** How long it waited since it was due. */
  readonly waitedMs: number;
  /** Attempts that counted, this one included. */
  readonly countedAttempt: number;
}

interface ClaimedRow {
  readonly id: string;
  readonly project_id: string | null;
  readonly created_by: string | null;
  readonly task: string;
  readonly lane: number;
  readonly is_keyed: boolean;
  readonly for_user: boolean;
  readonly is_limited: boolean;
  readonly input: unknown;
  readonly timeout_ms: number;
  readonly attempt: number;
  readonly uncounted: number;
  readonly waited_ms: number;
}

export interface Claim {
  readonly workerId: string;
  readonly lanes: readonly number[];
  readonly tasks: readonly string[];
  readonly limit: number;
  readonly urgentLimit: number;
  /** Of each lane, in their order; what they leave goes to the first that has more. */
  readonly quotas: readonly number[];
}

export interface ClaimAnswer {
  readonly jobs: ClaimedJob[];
  /** How long the look took without its commit; null when nothing was found. */
  readonly tookMs: number | null;
}

/** @param floorsMs of each lane: only those that are due for no longer are looked at; null: all. */
export async function claimJobs(
  sql: Sql,
  claim: Claim,
  floorsMs: readonly (number | null)[],
): Promise<ClaimAnswer> {
  const rows = await sql<ClaimedRow & { took_ms: number }>`
    SELECT ${claimed(sql)},
      (extract(epoch FROM clock_timestamp() - statement_timestamp()) * 1000)::float8 AS took_ms
    FROM jobs_claim(${claim.workerId}, ${claim.lanes}::smallint[], ${claim.tasks}::text[], ${claim.limit},
      ${claim.urgentLimit}, ${claim.quotas}::int[], ${floorsMs}::float8[])
    ORDER BY lane, run_at, id`;
  return { jobs: rows.map(toClaimedJob), tookMs: rows[0]?.took_ms ?? null };
}

/** One keyed job that is due for longer than `overdueMs` since enqueuers hold it all the time. */
export async function claimPatiently(
  sql: Sql,
  claim: Pick<Claim, "workerId" | "lanes" | "tasks">,
  overdueMs: number,
): Promise<ClaimedJob[]> {
  const rows = await sql<ClaimedRow>`
    SELECT ${claimed(sql)}
    FROM jobs_claim_patiently(${claim.workerId}, ${claim.lanes}::smallint[], ${claim.tasks}::text[],
      ${overdueMs}::float8)`;
  return rows.map(toClaimedJob);
}

/** Whether there is anything for claimPatiently, which keeps a connection to itself. */
export async function isKeyedOverdue(
  sql: Sql,
  { lanes, tasks }: Pick<Claim, "lanes" | "tasks">,
  overdueMs: number,
): Promise<boolean> {
  const rows = await sql`
    SELECT FROM jobs
    WHERE state = 'waiting' AND lane = ANY (${lanes}::smallint[]) AND task = ANY (${tasks}::text[])
      AND run_at <= now() - ${overdueMs}::float8 * interval '1 millisecond' AND unique_key IS NOT NULL AND attempt = 0
    LIMIT 1`;
  return rows.length > 0;
}

function claimed(sql: Sql) {
  return sql`id, project_id, created_by, task, lane, unique_key IS NOT NULL AS is_keyed, for_user,
    (task_max IS NOT NULL OR project_max IS NOT NULL) AS is_limited, input, timeout_ms, attempt, uncounted,
    (extract(epoch FROM started_at - run_at) * 1000)::float8 AS waited_ms`;
}

function toClaimedJob(row: ClaimedRow): ClaimedJob {
  return {
    id: row.id,
    projectId: row.project_id,
    createdBy: row.created_by,
    task: row.task,
    lane: row.lane,
    isKeyed: row.is_keyed,
    isForUser: row.for_user,
    isLimited: row.is_limited,
    input: row.input,
    timeoutMs: row.timeout_ms,
    attempt: row.attempt,
    waitedMs: Math.max(0, row.waited_ms),
    countedAttempt: row.attempt - row.uncounted,
  };
}

export interface Held {
  readonly id: string;
  readonly attempt: number;
}

/** Returns the ids that were still ours. */
export async function completeJobs(
  sql: Sql,
  done: readonly (Held & { readonly resultJson: string })[],
): Promise<Set<string>> {
  const rows = await sql<{ id: string }>`
    SELECT jobs_complete(${done.map((job) => job.id)}::uuid[], ${done.map((job) => job.attempt)}::int[],
      ${done.map((job) => job.resultJson)}::text[]::jsonb[]) AS id`;
  return new Set(rows.map((row) => row.id));
}

export type Failed = "retrying" | "postponed" | "failed" | "cancelled" | "lost";

export async function failJob(sql: Sql, job: Held, failure: Failure, delayMs: number): Promise<Failed> {
  const { code, message, detail } = failure;
  if (failure.kind === "postponement") {
    const [row] = await sql<{ outcome: Failed }>`
      SELECT jobs_postpone(${job.id}, ${job.attempt}, ${JSON.stringify({ code, message, detail })}::text::jsonb,
        ${delayMs}::float8, ${MAX_POSTPONED_MS}::float8, ${MAX_INTERRUPTIONS}) AS outcome`;
    return row?.outcome ?? "lost";
  }
  const [row] = await sql<{ outcome: Failed }>`
    SELECT jobs_fail(${job.id}, ${job.attempt}, ${JSON.stringify({ code, message, detail })}::text::jsonb,
      ${delayMs}::float8, ${failure.kind}, ${MAX_INTERRUPTIONS}) AS outcome`;
  return row?.outcome ?? "lost";
}

/** Whether it was still ours. */
export async function endCancelled(sql: Sql, job: Held): Promise<boolean> {
  const [row] = await sql<{ is_ours: boolean }>`
    SELECT jobs_end_cancelled(${job.id}, ${job.attempt}) AS is_ours`;
  return row?.is_ours ?? false;
}

export async function handBack(sql: Sql, jobs: readonly Held[]): Promise<number> {
  if (jobs.length === 0) return 0;
  const [row] = await sql<{ count: number }>`
    SELECT jobs_hand_back(${jobs.map((job) => job.id)}::uuid[], ${jobs.map((job) => job.attempt)}::int[]) AS count`;
  return row?.count ?? 0;
}

/** In the handler's transaction. Whether it was still ours. */
export async function finishJob(tx: Tx, job: Held, resultJson: string): Promise<boolean> {
  const [row] = await tx<{ is_ours: boolean }>`
    SELECT jobs_finish(${job.id}, ${job.attempt}, ${resultJson}::text::jsonb) AS is_ours`;
  return row?.is_ours ?? false;
}

/** Hands back what the database gave us in an answer that never arrived. */
export async function handBackForgotten(sql: Sql, workerId: string, held: readonly Held[]): Promise<number> {
  const [row] = await sql<{ count: number }>`
    WITH forgotten AS (
      SELECT id FROM jobs j
      WHERE state = 'running' AND worker_id = ${workerId} AND NOT EXISTS (
        SELECT FROM unnest(${held.map((job) => job.id)}::uuid[], ${held.map((job) => job.attempt)}::int[])
          AS h (id, attempt) WHERE h.id = j.id AND h.attempt = j.attempt)
      FOR UPDATE SKIP LOCKED),
    back AS (
      UPDATE jobs j SET state = 'waiting', worker_id = NULL, uncounted = j.uncounted + 1
      WHERE j.id = ANY (ARRAY(SELECT id FROM forgotten)) RETURNING 1)
    SELECT count(*)::int AS count FROM back`;
  return row?.count ?? 0;
}

/** Shared, since a handler may write in several transactions at once. */
export async function holdJob(tx: Tx, job: Held): Promise<boolean> {
  const rows = await tx`
    SELECT 1 FROM jobs WHERE id = ${job.id} AND attempt = ${job.attempt} AND state = 'running' FOR SHARE`;
  return rows.length > 0;
}

export interface ProgressNote extends Held {
  readonly done: number;
  readonly total: number | null;
  readonly message: string | null;
}

export async function writeProgress(sql: Sql, notes: readonly ProgressNote[]): Promise<void> {
  await sql`
    INSERT INTO job_progress AS p (job_id, attempt, done, total, message)
    SELECT n.id, n.attempt, n.done, n.total, n.message
    FROM jsonb_to_recordset(${JSON.stringify(notes)}::text::jsonb)
      AS n (id uuid, attempt int, done float8, total float8, message text)
    JOIN jobs j ON j.id = n.id AND j.attempt = n.attempt AND j.state = 'running'
    ON CONFLICT (job_id) DO UPDATE
    SET attempt = excluded.attempt, done = excluded.done, total = excluded.total, message = excluded.message
    WHERE p.attempt <= excluded.attempt`;
}

export interface WorkerIdentity {
  readonly id: string;
  readonly host: string;
  readonly pid: number;
  readonly roles: readonly string[];
  readonly slots: number;
  readonly lanes: readonly number[];
}

export async function upsertWorker(sql: Sql, worker: WorkerIdentity): Promise<void> {
  await sql`
    INSERT INTO job_workers (id, host, pid, roles, slots, lanes)
    VALUES (${worker.id}, ${worker.host}, ${worker.pid}, ${worker.roles}::text[], ${worker.slots},
      ${worker.lanes}::smallint[])
    ON CONFLICT (id) DO UPDATE SET beat_at = clock_timestamp()`;
}

export async function deleteWorker(sql: Sql, id: string): Promise<void> {
  await sql`DELETE FROM job_workers WHERE id = ${id}`;
}

/** Whether the worker still counts as alive. */
export async function beat(sql: Sql, workerId: string, breakersJson: string): Promise<boolean> {
  const rows = await sql`
    UPDATE job_workers SET beat_at = clock_timestamp(), breakers = ${breakersJson}::text::jsonb WHERE id = ${workerId} RETURNING 1`;
  return rows.length > 0;
}
