// The peers of the job engine, where scripts/setup-peers.sh has installed them; one that is missing is said, and left out.
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { bun } from "../pinning.ts";
import { remakeDatabase } from "./database.ts";

export interface PeerOrders {
  readonly what: "drain" | "enqueue";
  readonly connections: number;
  readonly concurrency: number;
  /** Jobs of one call that adds many. */
  readonly bulk: number;
  readonly enqueueMs: number;
  /** How many jobs are drained. */
  readonly drained: number;
}

export interface Peer {
  readonly name: "graphile-worker" | "BullMQ";
  /** What it keeps of a job, and how safely. */
  readonly keeps: string;
  /** Figures by name; on an empty queue. */
  run(orders: PeerOrders): Promise<Readonly<Record<string, number>>>;
}

export interface Peers extends AsyncDisposable {
  readonly list: readonly Peer[];
  /** Sentences on those that are not there. */
  readonly missing: readonly string[];
}

const DIRECTORY = join(import.meta.dir, "../peers");
const DATABASE = "stoa_bench_peer";
const SETUP = "run scripts/setup-peers.sh";

export async function openPeers(dataDir: string): Promise<Peers> {
  const missing: string[] = [];
  const list: Peer[] = [];
  if (isInstalled("graphile-worker")) list.push(graphileWorker(dataDir));
  else missing.push(`graphile-worker is not installed: ${SETUP}`);
  const redis = isInstalled("bullmq") && Bun.which("redis-server") ? await startRedis() : undefined;
  if (redis) list.push(bullMq(redis.socket));
  else missing.push(`BullMQ or redis-server is not installed: ${SETUP}`);
  return {
    list,
    missing,
    async [Symbol.asyncDispose]() {
      await redis?.stop();
    },
  };
}

function isInstalled(name: string): boolean {
  return existsSync(join(DIRECTORY, "node_modules", name, "package.json"));
}

function graphileWorker(dataDir: string): Peer {
  return {
    name: "graphile-worker",
    keeps: "on the same PostgreSQL, durable with the commit; of a job that has succeeded it keeps nothing",
    async run(orders) {
      const { socketDir } = await remakeDatabase(dataDir, DATABASE);
      return runProgram("graphile-worker.mjs", { ...orders, socketDir, database: DATABASE });
    },
  };
}

function bullMq(redisSocket: string): Peer {
  return {
    name: "BullMQ",
    keeps:
      "in the memory of Redis, finished jobs too; written to the disk by Debian's settings every minute at the soonest, so that a crash loses what came after",
    run: (orders) => runProgram("bullmq.mjs", { ...orders, redisSocket }),
  };
}

/** On Bun, as ours: faster here than Node 20, and graphile-worker wants a newer one. */
async function runProgram(file: string, orders: object): Promise<Record<string, number>> {
  const child = Bun.spawn(bun(join(DIRECTORY, file), JSON.stringify(orders)), {
    stdout: "pipe",
    stderr: "pipe",
  });
  const [output, errors] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
  ]);
  if ((await child.exited) !== 0) throw new Error(`the peer ${file} failed: ${errors}`);
  // Printed by the programs in bench/peers.
  return JSON.parse(output) as Record<string, number>;
}

const START_TIMEOUT_MS = 10_000;

/** Debian's settings, but on a socket in a directory of its own. */
async function startRedis(): Promise<{ readonly socket: string; stop(): Promise<void> }> {
  const directory = await mkdtemp(join(tmpdir(), "stoa-bench-redis-"));
  const socket = join(directory, "redis.sock");
  const settings = ["--port", "0", "--unixsocket", socket, "--dir", directory, "--daemonize", "no"];
  const child = Bun.spawn(["redis-server", "--save", "3600 1 300 100 60 10000", ...settings], {
    stdout: "ignore",
    stderr: "inherit",
  });
  const stop = async () => {
    child.kill("SIGKILL");
    await child.exited;
    await rm(directory, { recursive: true, force: true });
  };
  const deadline = performance.now() + START_TIMEOUT_MS;
  while (!existsSync(socket)) {
    if (child.exitCode !== null || performance.now() > deadline) {
      await stop();
      throw new Error("redis-server did not start");
    }
    await Bun.sleep(20);
  }
  return { socket, stop };
}
