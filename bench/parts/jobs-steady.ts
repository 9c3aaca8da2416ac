// 2,000 jobs a second for minutes while somebody always holds a transaction open: nothing may pile up.
import { SQL } from "bun";
import { type Bench, say } from "../bench.ts";
import { openQueue, type Queue } from "../jobs/queue.ts";
import { nothing } from "../jobs/tasks.ts";
import { startWorker } from "../jobs/worker.ts";
import { milliseconds, perSecond } from "../statistics.ts";
import type { Row } from "../table.ts";

const PER_SECOND = 2_000;
const MINUTES = { full: 10, short: 2 };
const MINUTE_MS = 60_000;
const TICK_MS = 10;
/** Two seconds of work: more than this at the end of a minute is a backlog. */
const MAX_BACKLOG = 2 * PER_SECOND;
/** Each job leaves a dead row when it is taken and one when it ends; a transaction keeps those of its minute, and vacuum comes within another. */
const MAX_DEAD = 2 * PER_SECOND * 60 * 3;
const CONCURRENCY = 32;

interface Minute {
  readonly backlog: number;
  readonly dead: number;
  readonly waitP99Ms: number;
}

export async function jobsSteady({ stoa, options }: Bench): Promise<Row> {
  const minutes = options.isShort ? MINUTES.short : MINUTES.full;
  say(`jobs: ${perSecond(PER_SECOND)} for ${minutes} minutes, with a transaction held open`);
  await using queue = await openQueue(stoa.dataDir);
  const { url, socketDir } = queue;
  await using _worker = await startWorker({ url, socketDir, concurrency: CONCURRENCY });
  const seen: Minute[] = [];
  for (let minute = 0; minute < minutes; minute++) {
    const release = await holdTransaction(queue);
    const late = await feed(queue, MINUTE_MS);
    const looked = await look(queue, late);
    seen.push(looked);
    say(
      `minute ${minute + 1}: ${looked.backlog} wait, ${looked.dead.toLocaleString("en")} dead rows, wait p99 ${milliseconds(looked.waitP99Ms)}`,
    );
    await release();
  }
  const backlogs = seen.map(({ backlog }) => backlog);
  const deadMost = Math.max(...seen.map(({ dead }) => dead));
  return {
    what: `jobs, steady ${perSecond(PER_SECOND)}, transaction held`,
    ours: `backlog ${Math.max(...backlogs)} at most, ${Math.round(deadMost / 1000)}k dead rows at most`,
    bare: "",
    target: `backlog < ${MAX_BACKLOG}, dead < ${MAX_DEAD / 1000}k`,
    isMet: Math.max(...backlogs) < MAX_BACKLOG && deadMost < MAX_DEAD,
    notes: [
      `${minutes} minutes, each job in a transaction of its own; one worker with ${CONCURRENCY} at once; in each minute a transaction with a snapshot is open for 60 s, so that one always is`,
      `backlog at the end of each minute: ${backlogs.join(", ")}; dead rows: ${seen.map(({ dead }) => `${Math.round(dead / 1000)}k`).join(", ")}`,
      `wait of the jobs of each minute, p99: ${seen.map(({ waitP99Ms }) => milliseconds(waitP99Ms)).join(", ")}`,
    ],
  };
}

/** Returns how to end it. */
async function holdTransaction({ url, socketDir }: Queue): Promise<() => Promise<void>> {
  const holder = new SQL({ url, path: socketDir, adapter: "postgres", max: 1 });
  await holder.unsafe("SET idle_in_transaction_session_timeout = 0");
  await holder.unsafe("BEGIN ISOLATION LEVEL REPEATABLE READ");
  await holder.unsafe("SELECT count(*) FROM job_workers");
  return async () => {
    await holder.unsafe("COMMIT");
    await holder.close();
  };
}

/** Hands in what is due each moment; returns how many could not be handed in in time. */
async function feed({ db, jobs }: Queue, ms: number): Promise<number> {
  const startedMs = performance.now();
  let begun = 0;
  let done = 0;
  for (let passedMs = 0; passedMs < ms; passedMs = performance.now() - startedMs) {
    for (const due = (passedMs * PER_SECOND) / 1000; begun < due; begun++) {
      void db.single((tx) => jobs.enqueue(tx, nothing, { n: begun })).then(() => done++);
    }
    await Bun.sleep(TICK_MS);
  }
  return begun - done;
}

async function look({ db }: Queue, late: number): Promise<Minute> {
  // What is not even committed waits too.
  const [waiting] = await db.sql<{ count: number }>`
    SELECT count(*)::int AS count FROM jobs WHERE state = 'waiting'`;
  await db.sql`SELECT pg_stat_force_next_flush()`;
  const [dead] = await db.sql<{ count: number }>`
    SELECT n_dead_tup::float8 AS count FROM pg_stat_user_tables WHERE relname = 'jobs'`;
  const [wait] = await db.sql<{ ms: number }>`
    SELECT (percentile_cont(0.99) WITHIN GROUP (ORDER BY extract(epoch FROM started_at - run_at)) * 1000)::float8 AS ms
    FROM finished_jobs WHERE finished_at > now() - interval '1 minute'`;
  return { backlog: (waiting?.count ?? 0) + late, dead: dead?.count ?? 0, waitP99Ms: wait?.ms ?? Number.NaN };
}
