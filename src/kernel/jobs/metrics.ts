// What the engine shows to Prometheus: times by task from this process, and the queue as the database has it.
import type { Sql } from "../db/index.ts";
import type { Metrics } from "../telemetry/index.ts";
import { PRIORITIES } from "./job.ts";
import type { Written } from "./outcomes.ts";
import { LEASE_MS } from "./rescue.ts";

interface Labelling {
  readonly task: string;
  readonly lane: number;
}

export interface JobMetrics {
  started(job: Labelling, waitedMs: number): void;
  ran(job: Labelling, runMs: number): void;
  ended(job: Labelling, written: Written): void;
}

const WAIT_BUCKETS_S = [0.005, 0.01, 0.025, 0.1, 0.25, 1, 2.5, 10, 60, 600, 3600];
const RUN_BUCKETS_S = [0.001, 0.005, 0.025, 0.1, 0.5, 1, 5, 30, 120, 600, 3600];

export function createJobMetrics(metrics: Metrics): JobMetrics {
  const wait = metrics.histogram(
    "stoa_job_wait_seconds",
    "Time from when a job was due until it was taken.",
    ["task", "lane"],
    WAIT_BUCKETS_S,
  );
  const run = metrics.histogram(
    "stoa_job_run_seconds",
    "Time of one attempt.",
    ["task", "lane"],
    RUN_BUCKETS_S,
  );
  const ended = metrics.counter(
    "stoa_job_attempts_total",
    "Attempts by how they ended; failed are the dead letters.",
    ["task", "lane", "status"],
  );
  const labels = ({ task, lane }: Labelling) => ({ task, lane: PRIORITIES[lane] ?? "normal" });
  return {
    started: (job, waitedMs) => wait.observe(labels(job), waitedMs / 1000),
    ran: (job, runMs) => run.observe(labels(job), runMs / 1000),
    ended: (job, written) => ended.add({ ...labels(job), status: written.replaceAll(" ", "_") }),
  };
}

type Labelled = readonly [Readonly<Record<string, string>>, number];

/** A scrape costs one look at the hot table, and several at once cost one. */
const FRESH_MS = 5000;
/** Whoever has more has other cares than their number. */
const MAX_COUNTED_DEAD = 10_000;

interface Depths {
  readonly depths: readonly Labelled[];
  readonly oldest: readonly Labelled[];
  readonly dead: number;
  readonly workers: number;
  readonly slots: number;
}

export function showQueue(metrics: Metrics, sql: Sql, oldestTransactionSeconds: () => Promise<number>): void {
  let last: { readonly atMs: number; readonly reading: Promise<Depths> } | undefined;
  const read = () => {
    const nowMs = performance.now();
    if (!last || nowMs - last.atMs > FRESH_MS) last = { atMs: nowMs, reading: readQueue(sql) };
    return last.reading;
  };
  metrics.gauge("stoa_jobs", "Jobs that wait or run.", ["lane", "state"], async () => (await read()).depths);
  metrics.gauge("stoa_jobs_oldest_seconds", "Age of the job that is due for longest.", ["lane"], async () => {
    return (await read()).oldest;
  });
  metrics.gauge(
    "stoa_jobs_dead",
    `Dead letters that are kept, counted up to ${MAX_COUNTED_DEAD}.`,
    [],
    async () => [[{}, (await read()).dead]],
  );
  metrics.gauge("stoa_job_workers", "Workers that live.", [], async () => [[{}, (await read()).workers]]);
  metrics.gauge("stoa_job_slots", "Jobs that the living workers run at once.", [], async () => [
    [{}, (await read()).slots],
  ]);
  metrics.gauge(
    "stoa_database_oldest_transaction_seconds",
    "Age of the oldest transaction that keeps dead rows from being removed.",
    [],
    async () => [[{}, await oldestTransactionSeconds()]],
  );
}

async function readQueue(sql: Sql): Promise<Depths> {
  const [rest] = await sql<{ dead: number; workers: number; slots: number }>`
    SELECT (SELECT count(*)::float8 FROM (
        SELECT FROM finished_jobs WHERE status = 'failed' AND for_user LIMIT ${MAX_COUNTED_DEAD}::int) AS failed) AS dead,
      count(*)::float8 AS workers, coalesce(sum(slots), 0)::float8 AS slots
    FROM job_workers WHERE beat_at > clock_timestamp() - ${LEASE_MS}::float8 * interval '1 millisecond'`;
  return { ...(await readDepths(sql)), ...(rest ?? { dead: 0, workers: 0, slots: 0 }) };
}

async function readDepths(sql: Sql): Promise<Pick<Depths, "depths" | "oldest">> {
  const rows = await sql<{ lane: number; state: string; count: number; oldest_s: number | null }>`
    SELECT lane, CASE WHEN state = 'running' THEN 'running' WHEN errors <> '[]' THEN 'retrying'
        WHEN run_at > now() THEN 'scheduled' ELSE 'queued' END AS state,
      count(*)::float8 AS count,
      extract(epoch FROM now() - min(run_at) FILTER (WHERE state = 'waiting' AND run_at <= now()))::float8 AS oldest_s
    FROM jobs GROUP BY 1, 2`;
  const depths = new Map<string, Labelled>();
  const oldest = new Map<string, number>();
  for (const lane of PRIORITIES) {
    for (const state of ["scheduled", "queued", "running", "retrying"]) {
      depths.set(`${lane} ${state}`, [{ lane, state }, 0]);
    }
    oldest.set(lane, 0);
  }
  for (const row of rows) {
    const lane = PRIORITIES[row.lane] ?? "normal";
    depths.set(`${lane} ${row.state}`, [{ lane, state: row.state }, row.count]);
    oldest.set(lane, Math.max(oldest.get(lane) ?? 0, row.oldest_s ?? 0));
  }
  return { depths: [...depths.values()], oldest: [...oldest].map(([lane, age]) => [{ lane }, age] as const) };
}
