// The queue that is measured: our engine on a database of its own, on the PostgreSQL of the measured server.
import { createBus } from "../../src/kernel/bus/index.ts";
import { type Database, migrate, openDatabase } from "../../src/kernel/db/index.ts";
import { eventMigrations } from "../../src/kernel/events/index.ts";
import { createJobs, type Jobs, jobMigrations } from "../../src/kernel/jobs/index.ts";
import { createMetrics, silentLogger } from "../../src/kernel/telemetry/index.ts";
import { remakeDatabase } from "./database.ts";

export interface Queue extends AsyncDisposable {
  readonly db: Database;
  readonly jobs: Jobs;
  readonly url: string;
  readonly socketDir: string;
}

const NAME = "stoa_bench_jobs";

/** Empty; without a worker. @param poolSize commits of several connections share a write to the disk. */
export async function openQueue(dataDir: string, poolSize = 8): Promise<Queue> {
  const { url, socketDir } = await remakeDatabase(dataDir, NAME);
  const db = openDatabase({ url, socketDir, poolSize, applicationName: "bench jobs" });
  await migrate(db, [eventMigrations, jobMigrations]);
  const bus = createBus({ db, log: silentLogger });
  const jobs = createJobs({
    db,
    bus,
    log: silentLogger,
    metrics: createMetrics(),
    maxRetries: 3,
    timeoutSeconds: 300,
    retentionDays: 30,
    showsQueue: false,
  });
  await bus.start();
  await jobs.start();
  return {
    db,
    jobs,
    url,
    socketDir,
    async [Symbol.asyncDispose]() {
      await jobs.stop();
      await bus.stop();
      await db.close();
    },
  };
}
