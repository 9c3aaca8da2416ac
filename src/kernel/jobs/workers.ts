// The workers as others see them: who lives, what each has in hand, and how the circuits of its process stand.
import type { Sql } from "../db/index.ts";
import { PRIORITIES, type Priority } from "./job.ts";
import { LEASE_MS } from "./rescue.ts";

/** The circuit of a process to one dependency, as kernel/outbound knows it. */
export interface WorkerBreaker {
  readonly name: string;
  /** Of whose users gave the address: others may not see it. Null for a name of ours. */
  readonly projectId: string | null;
  readonly state: "closed" | "open" | "half_open";
  /** In a row. */
  readonly failures: number;
  /** When a call may be tried; null unless it is open. */
  readonly retryAt: Date | null;
}

export interface RunningJob {
  readonly id: string;
  readonly projectId: string | null;
  readonly task: string;
  readonly startedAt: Date;
}

export interface JobWorker {
  readonly id: string;
  readonly host: string;
  readonly roles: readonly string[];
  readonly lanes: readonly Priority[];
  /** Jobs at once; one slot more is kept for urgent ones. */
  readonly slots: number;
  readonly running: readonly RunningJob[];
  readonly breakers: readonly WorkerBreaker[];
  readonly startedAt: Date;
  readonly beatAt: Date;
}

/** What a beat carries at most: those that are not closed first. */
const MAX_BREAKERS = 100;
const MAX_WORKERS = 1000;

/** As JSON for the beat. Undisturbed circuits to addresses of users are many and say nothing. */
export function toBeatJson(breakers: readonly WorkerBreaker[]): string {
  const disturbed = breakers.filter(({ state }) => state !== "closed");
  const others = breakers.filter(
    ({ state, failures, projectId }) => state === "closed" && (failures > 0 || projectId === null),
  );
  return JSON.stringify([...disturbed, ...others].slice(0, MAX_BREAKERS));
}

interface WorkerRow {
  readonly id: string;
  readonly host: string;
  readonly roles: readonly string[];
  readonly lanes: readonly number[];
  readonly slots: number;
  readonly running: readonly (Omit<RunningJob, "startedAt"> & { readonly startedAt: string })[];
  readonly breakers: readonly (Omit<WorkerBreaker, "retryAt"> & { readonly retryAt: string | null })[];
  readonly started_at: Date;
  readonly beat_at: Date;
}

/** Those whose beat is no older than the lease, the longest at work first. */
export async function listWorkers(sql: Sql): Promise<JobWorker[]> {
  const rows = await sql<WorkerRow>`
    SELECT w.id, w.host, w.roles, w.lanes, w.slots, w.breakers, w.started_at, w.beat_at, j.running
    FROM job_workers w CROSS JOIN LATERAL (
      SELECT coalesce(jsonb_agg(jsonb_build_object(
        'id', j.id, 'projectId', j.project_id, 'task', j.task, 'startedAt', j.started_at) ORDER BY j.started_at), '[]') AS running
      FROM jobs j WHERE j.worker_id = w.id AND j.state = 'running') AS j
    WHERE w.beat_at > clock_timestamp() - ${LEASE_MS}::float8 * interval '1 millisecond'
    ORDER BY w.started_at, w.id LIMIT ${MAX_WORKERS}::int`;
  return rows.map(toWorker);
}

function toWorker({ started_at: startedAt, beat_at: beatAt, ...row }: WorkerRow): JobWorker {
  return {
    id: row.id,
    host: row.host,
    roles: row.roles,
    lanes: row.lanes.map((lane) => PRIORITIES[lane] ?? "normal"),
    slots: row.slots,
    running: row.running.map((job) => ({ ...job, startedAt: new Date(job.startedAt) })),
    breakers: row.breakers.map(({ retryAt, ...breaker }) => ({
      ...breaker,
      retryAt: retryAt === null ? null : new Date(retryAt),
    })),
    startedAt,
    beatAt,
  };
}
