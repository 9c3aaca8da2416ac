// Jobs handed in: one transaction each over several connections, and a thousand at a time; ours and the peers in turn.
import { type Bench, say } from "../bench.ts";
import { openPeers } from "../jobs/peers.ts";
import { openQueue, type Queue } from "../jobs/queue.ts";
import { nothing } from "../jobs/tasks.ts";
import { perSecond, summariseRuns } from "../statistics.ts";
import type { Row } from "../table.ts";

const TARGETS = { single: 8_000, bulk: 50_000 };
const CONNECTIONS = 16;
const BULK = 1_000;
const CALLERS = { single: 4 * CONNECTIONS, bulk: 2 };
const WARM_UP_MS = 500;
const PROJECT = "0190bcde-0000-7000-8000-000000000000";

interface Rates {
  readonly single: number;
  readonly bulk: number;
}

export async function jobsEnqueue({ stoa, options }: Bench): Promise<Row> {
  say("jobs: handed in, ours and the peers in turn");
  const enqueueMs = options.isShort ? 2_000 : 4_000;
  await using queue = await openQueue(stoa.dataDir, CONNECTIONS);
  await using peers = await openPeers(stoa.dataDir);
  const names = ["ours", ...peers.list.map((peer) => peer.name)];
  const rates = new Map<string, Rates[]>(names.map((name) => [name, []]));
  const keyed: number[] = [];
  for (let round = -1; round < options.rounds; round++) {
    const ms = round < 0 ? WARM_UP_MS : enqueueMs;
    const measured = new Map<string, Rates>([["ours", await enqueue(queue, ms)]]);
    const keyedRate = await forAWhile(CALLERS.single, ms, (n) => enqueueKeyed(queue, n % 100));
    const plan = { what: "enqueue", connections: CONNECTIONS, concurrency: 0, bulk: BULK } as const;
    for (const peer of peers.list) {
      const { singlePerSecond = 0, bulkPerSecond = 0 } = await peer.run({
        ...plan,
        enqueueMs: ms,
        drained: 0,
      });
      measured.set(peer.name, { single: singlePerSecond, bulk: bulkPerSecond });
    }
    if (round < 0) continue;
    keyed.push(keyedRate);
    for (const [name, rate] of measured) rates.get(name)?.push(rate);
  }
  const medians = names.map((name) => ({ name, ...medianOf(rates.get(name) ?? []) }));
  const [ours = { single: 0, bulk: 0 }, ...theirs] = medians;
  return {
    what: "jobs enqueued, one each / 1,000 at once",
    ours: show(ours),
    bare: theirs.map((each) => `${each.name} ${show(each)}`).join("; "),
    target: show(TARGETS),
    isMet: ours.single >= TARGETS.single && ours.bulk >= TARGETS.bulk,
    notes: [
      `${CALLERS.single} callers over ${CONNECTIONS} connections, each job of a project and durable in a transaction of its own; by ${CALLERS.bulk} callers, 1,000 in one; medians of ${options.rounds}`,
      `a job whose key waits already, over 100 keys: ${perSecond(summariseRuns(keyed).median)}`,
      ...peers.list.map(({ name, keeps }) => `${name}: ${keeps}`),
      ...peers.missing,
    ],
  };
}

async function enqueue(queue: Queue, ms: number): Promise<Rates> {
  const { db, jobs } = queue;
  await db.sql`TRUNCATE jobs`;
  const given = { projectId: PROJECT };
  const single = await forAWhile(CALLERS.single, ms, async (n) => {
    await db.single((tx) => jobs.enqueue(tx, nothing, { n }, given));
    return 1;
  });
  const inputs = Array.from({ length: BULK }, (_, n) => ({ n }));
  const bulk = await forAWhile(CALLERS.bulk, ms, async () => {
    return (await db.single((tx) => jobs.enqueueMany(tx, nothing, inputs, given))).length;
  });
  await db.sql`TRUNCATE jobs`;
  return { single, bulk };
}

async function enqueueKeyed({ db, jobs }: Queue, key: number): Promise<number> {
  await db.single((tx) => jobs.enqueue(tx, nothing, { n: key }, { projectId: PROJECT, uniqueKey: `${key}` }));
  return 1;
}

/** Keeps so many calls under way, each of which says how many jobs it has added; returns jobs a second. */
async function forAWhile(callers: number, ms: number, call: (n: number) => Promise<number>): Promise<number> {
  const startedMs = performance.now();
  let calls = 0;
  let count = 0;
  const one = async () => {
    while (performance.now() - startedMs < ms) {
      const added = await call(calls++);
      count += added;
    }
  };
  await Promise.all(Array.from({ length: callers }, one));
  return (count * 1000) / (performance.now() - startedMs);
}

function medianOf(rates: readonly Rates[]): Rates {
  return {
    single: summariseRuns(rates.map((each) => each.single)).median,
    bulk: summariseRuns(rates.map((each) => each.bulk)).median,
  };
}

function show({ single, bulk }: Rates): string {
  return `${perSecond(single)} / ${perSecond(bulk)}`;
}
