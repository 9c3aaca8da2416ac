// A worker that is a whole process, for tests that kill it and for the bench: works until SIGTERM, and says when it is ready.
import { createBus } from "../../bus/index.ts";
import { type Database, openDatabase } from "../../db/index.ts";
import { createMetrics, type Logger } from "../../telemetry/index.ts";
import { createJobs, type Jobs, type WorkOptions } from "../index.ts";

export interface RunOptions {
  readonly log: Logger;
  readonly work: WorkOptions;
  readonly register: (jobs: Jobs, db: Database) => void;
  readonly random?: () => number;
}

export async function runWorker({ log, work, register, random }: RunOptions): Promise<void> {
  const db = openDatabase(work.connection);
  const bus = createBus({ db, log });
  const metrics = createMetrics();
  const limits = { maxRetries: 3, timeoutSeconds: 300, retentionDays: 30 };
  const jobs = createJobs({ db, bus, log, metrics, ...limits, work, ...(random ? { random } : {}) });
  register(jobs, db);
  await bus.start();
  await jobs.start();
  process.on("SIGTERM", async () => {
    await jobs.stop();
    await bus.stop();
    await db.close();
    process.exit(0);
  });
  console.log("ready");
}
