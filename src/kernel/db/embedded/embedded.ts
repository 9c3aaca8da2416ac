// The embedded PostgreSQL: made at the first start, run beside us, started again when it dies, stopped with us.
import { join, resolve } from "node:path";
import { pause } from "../../clock/index.ts";
import { StartError } from "../../errors/index.ts";
import type { Logger } from "../../telemetry/index.ts";
import { findBinaries } from "./binaries.ts";
import { checkCluster, handOver, makeCluster, syncCluster } from "./cluster.ts";
import { findOwner, makeDataDirectory, unusable } from "./data-directory.ts";
import { chooseLauncher } from "./launcher.ts";
import { endLeftovers } from "./leftovers.ts";
import { type Lock, takeLock } from "./lock.ts";
import { type Server, type ServerOptions, spawnServer } from "./server.ts";
import { makeSocketDirectory, removeTemporarySocketDir } from "./socket-directory.ts";

export interface EmbeddedOptions {
  readonly dataDir: string;
  readonly log: Logger;
  /** Settings of PostgreSQL that go before ours, such as max_connections. */
  readonly settings?: Readonly<Record<string, string>>;
  /** Runs before a database is made, while nobody else has the data directory. */
  readonly beforeNew?: () => Promise<void>;
}

export interface EmbeddedPostgres {
  readonly url: string;
  readonly socketDir: string;
  /** Whether this start has made the database. */
  readonly isNew: boolean;
  /** Its process at this moment, undefined while it is down. */
  pid(): number | undefined;
  /** Safe to call twice. `isHurried`: no checkpoint, the next start recovers. */
  stop(options?: { isHurried?: boolean }): Promise<void>;
}

const FIRST_RESTART_MS = 100;
const MAX_RESTART_MS = 5_000;
/** A run this long counts as a success, after which the waits begin anew. */
const HEALTHY_RUN_MS = 60_000;

/** Starts PostgreSQL on `<dataDir>/postgres`, as its only user. Throws a StartError that says what to do. */
export async function startEmbedded(options: EmbeddedOptions): Promise<EmbeddedPostgres> {
  const directory = resolve(options.dataDir);
  await makeDataDirectory(directory);
  let lock: Lock | undefined;
  try {
    lock = await takeLock(join(directory, "lock"), `The data directory ${directory}`);
    return await startLocked(directory, lock, options);
  } catch (error) {
    lock?.release();
    throw unusable(directory, error);
  }
}

async function startLocked(
  directory: string,
  lock: Lock,
  { log, beforeNew, settings = {} }: EmbeddedOptions,
): Promise<EmbeddedPostgres> {
  const binaries = await findBinaries();
  const path = join(directory, "postgres");
  const launcher = chooseLauncher({ binaries, clusterOwner: await findOwner(path), directory });
  const isThere = await checkCluster(path, binaries.major);
  const cluster = { path, binaries, launcher };
  if (isThere) await endLeftovers(path, log);
  if (isThere) await handOver(cluster);
  else {
    await beforeNew?.();
    await makeCluster(cluster);
  }
  const socketDir = await makeSocketDirectory(directory, launcher.owner);
  const options = { postgres: binaries.postgres, launcher, clusterPath: path, socketDir, settings, log };
  const first = spawnServer(options);
  await first.ready.catch(async (cause: Error) => {
    await removeTemporarySocketDir(socketDir);
    throw new StartError(`The embedded PostgreSQL in ${path} did not start: ${cause.message}.`, cause);
  });
  log.debug({ pid: first.pid, launcher: launcher.name }, "the embedded PostgreSQL is ready");
  const synced = syncCluster(cluster, log);
  const keeper = keepRunning(first, options);
  return {
    url: "postgres://stoa@localhost/postgres",
    socketDir,
    isNew: !isThere,
    pid: keeper.pid,
    async stop({ isHurried = false } = {}) {
      if (!isHurried) await synced;
      await keeper.stop(isHurried);
      await removeTemporarySocketDir(socketDir);
      lock.release();
    },
  };
}

/** Starts it again, after ever longer waits, until stopped. */
function keepRunning(first: Server, options: ServerOptions) {
  const { log, clusterPath } = options;
  const stopping = new AbortController();
  let server = first;
  let isUp = true;

  async function keep(): Promise<void> {
    let waitMs = FIRST_RESTART_MS;
    for (;;) {
      const startedAt = Date.now();
      const how = await server.exited;
      isUp = false;
      if (stopping.signal.aborted) return;
      log.error({ how }, "the embedded PostgreSQL has ended by itself and is started again");
      if (Date.now() - startedAt > HEALTHY_RUN_MS) waitMs = FIRST_RESTART_MS;
      await pause(waitMs, stopping.signal);
      waitMs = Math.min(waitMs * 2, MAX_RESTART_MS);
      await endLeftovers(clusterPath, log);
      if (stopping.signal.aborted) return;
      server = spawnServer(options);
      isUp = true;
    }
  }

  const kept = keep();
  return {
    pid: () => (isUp ? server.pid : undefined),
    async stop(isHurried: boolean) {
      stopping.abort();
      await server.stop(isHurried);
      await kept;
    },
  };
}
