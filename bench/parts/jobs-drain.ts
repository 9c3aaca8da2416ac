// No-op jobs, drained by one worker process: ours with their history kept, and the peers in turn.
import { type Bench, say } from "../bench.ts";
import { openPeers, type Peer } from "../jobs/peers.ts";
import { openQueue, type Queue } from "../jobs/queue.ts";
import { nothing } from "../jobs/tasks.ts";
import { startWorker } from "../jobs/worker.ts";
import { perSecond, summariseRuns } from "../statistics.ts";
import type { Row } from "../table.ts";

const TARGET_PER_SECOND = 15_000;
/** The most that WORKER_CONCURRENCY may be. The peers were no faster with more, or with less. */
const CONCURRENCY = 256;
/** What a worker runs at once unless it is told otherwise. */
const DEFAULT_CONCURRENCY = 4;
const BULK = 1_000;
const COUNTS = { full: 50_000, short: 20_000, warmUp: 5_000 };
const LOOK_MS = 50;

export async function jobsDrain({ stoa, options }: Bench): Promise<Row> {
  const count = options.isShort ? COUNTS.short : COUNTS.full;
  say(
    `jobs: ${count.toLocaleString("en")} no-op jobs drained by one worker process, ours and the peers in turn`,
  );
  await using queue = await openQueue(stoa.dataDir);
  await using peers = await openPeers(stoa.dataDir);
  const ours: number[] = [];
  const theirs = new Map<Peer, number[]>(peers.list.map((peer) => [peer, []]));
  for (let round = -1; round < options.rounds; round++) {
    const drained = round < 0 ? COUNTS.warmUp : count;
    const rate = await drain(queue, drained, CONCURRENCY);
    if (round >= 0) ours.push(rate);
    for (const [peer, rates] of theirs) {
      const plan = { what: "drain", connections: 8, concurrency: CONCURRENCY, bulk: BULK } as const;
      const { drainedPerSecond = 0 } = await peer.run({ ...plan, enqueueMs: 0, drained });
      if (round >= 0) rates.push(drainedPerSecond);
    }
  }
  const byDefault = await drain(queue, COUNTS.warmUp, DEFAULT_CONCURRENCY);
  const runs = summariseRuns(ours);
  return {
    what: "jobs drained, no-op, one worker",
    ours: perSecond(runs.median),
    bare: [...theirs]
      .map(([{ name }, rates]) => `${name} ${perSecond(summariseRuns(rates).median)}`)
      .join(" / "),
    target: perSecond(TARGET_PER_SECOND),
    isMet: runs.median >= TARGET_PER_SECOND,
    notes: [
      `${options.rounds} runs from ${perSecond(runs.least)} to ${perSecond(runs.most)}, ${CONCURRENCY} at once, each in turn with the peers; from when the first began until the last one's end was written`,
      "ours keeps each job with its input, result, attempts and times, durable with the commit",
      ...peers.list.map(({ name, keeps }) => `${name}: ${keeps}`),
      `with the default of ${DEFAULT_CONCURRENCY} at once ${perSecond(byDefault)}: then nearly each job is claimed and ended in commits of its own`,
      ...peers.missing,
    ],
  };
}

async function drain(
  { db, jobs, url, socketDir }: Queue,
  count: number,
  concurrency: number,
): Promise<number> {
  await db.sql`TRUNCATE jobs, finished_jobs`;
  for (let made = 0; made < count; made += BULK) {
    const inputs = Array.from({ length: BULK }, (_, n) => ({ n: made + n }));
    await db.single((tx) => jobs.enqueueMany(tx, nothing, inputs));
  }
  await using _worker = await startWorker({ url, socketDir, concurrency });
  for (;;) {
    const [row] = await db.sql<{ count: number; seconds: number }>`
      SELECT count(*)::int AS count, extract(epoch FROM max(finished_at) - min(started_at))::float8 AS seconds
      FROM finished_jobs WHERE status = 'succeeded'`;
    if (row && row.count >= count) return count / row.seconds;
    await Bun.sleep(LOOK_MS);
  }
}
