// How soon an urgent job begins: with nothing else to do, and while 100,000 others wait and are being worked.
import { type Bench, say } from "../bench.ts";
import { openQueue, type Queue } from "../jobs/queue.ts";
import { nothing, preciseNowMs, stamp } from "../jobs/tasks.ts";
import { startWorker } from "../jobs/worker.ts";
import { quantile } from "../samples.ts";
import { milliseconds, perSecond } from "../statistics.ts";
import type { Row } from "../table.ts";

const TARGETS_MS = { idle: 10, loaded: 30 };
const QUEUED = 100_000;
/** So that after the last urgent job as many still wait. */
const MADE = 2 * QUEUED;
const BULK = 1_000;
/** What a worker runs at once unless it is told otherwise. */
const CONCURRENCY = 4;
const SAMPLES = { full: 500, short: 200 };
const BETWEEN_MS = 40;
const PATIENCE_MS = 30_000;

export async function jobsUrgent({ stoa, options }: Bench): Promise<Row> {
  say(`jobs: urgent ones, with nothing to do and with ${QUEUED.toLocaleString("en")} others`);
  const samples = options.isShort ? SAMPLES.short : SAMPLES.full;
  await using queue = await openQueue(stoa.dataDir);
  const { db, url, socketDir } = queue;
  const idle = await measureWith(queue, samples);

  await db.sql`TRUNCATE jobs, finished_jobs`;
  for (let made = 0; made < MADE; made += BULK) {
    const inputs = Array.from({ length: BULK }, (_, n) => ({ n }));
    await db.single((tx) => queue.jobs.enqueueMany(tx, nothing, inputs));
  }
  const loaded = await measureWith(queue, samples);
  const [left] = await db.sql<{ count: number }>`SELECT count(*)::float8 AS count FROM jobs`;
  const leftCount = left?.count ?? 0;
  if (leftCount < QUEUED) throw new Error(`only ${leftCount} were left at the end: make more of them`);

  async function measureWith(queue: Queue, samples: number): Promise<number[]> {
    await using _worker = await startWorker({ url, socketDir, concurrency: CONCURRENCY });
    // Awaited here: else the worker would be gone before.
    return await measure(queue, samples);
  }
  const worked = (MADE - leftCount) / ((samples * BETWEEN_MS) / 1000);
  const [idleP99, loadedP99] = [quantile(idle, 0.99), quantile(loaded, 0.99)];
  return {
    what: `urgent job begins, idle / ${QUEUED.toLocaleString("en")} others, p99`,
    ours: `${milliseconds(idleP99)} / ${milliseconds(loadedP99)}`,
    bare: "",
    target: `< ${TARGETS_MS.idle} ms / < ${TARGETS_MS.loaded} ms`,
    isMet: idleP99 < TARGETS_MS.idle && loadedP99 < TARGETS_MS.loaded,
    notes: [
      `p50 ${milliseconds(quantile(idle, 0.5))} / ${milliseconds(quantile(loaded, 0.5))}; ${samples} jobs, one every ${BETWEEN_MS} ms, from before they are handed in and committed until their handler begins in another process`,
      `loaded: no-op jobs as fast as one worker with the default of ${CONCURRENCY} at once does them, ${perSecond(worked)}`,
    ],
  };
}

async function measure({ db, jobs }: Queue, samples: number): Promise<number[]> {
  const beganMs = new Map<string, number>();
  for (let n = 0; n < samples; n++) {
    // Not in step with anything.
    await Bun.sleep(BETWEEN_MS * (0.5 + Math.random()));
    const atMs = preciseNowMs();
    beganMs.set(await db.single((tx) => jobs.enqueue(tx, stamp, { n })), atMs);
  }
  const deadline = performance.now() + PATIENCE_MS;
  for (;;) {
    const rows = await db.sql<{ id: string; result: number }>`
      SELECT id, result FROM finished_jobs WHERE id = ANY (${[...beganMs.keys()]}::uuid[])`;
    if (rows.length === samples)
      return rows.map(({ id, result }) => result - (beganMs.get(id) ?? Number.NaN));
    if (performance.now() > deadline) throw new Error(`of ${samples} urgent jobs ${rows.length} have ended`);
    await Bun.sleep(100);
  }
}
