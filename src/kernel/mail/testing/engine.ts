// A worker for tests of mail, which tries again at once, on the jobs' own face.
import { openAgain, type TestDatabase } from "../../../testing/database.ts";
import { until } from "../../../testing/until.ts";
import { createBus } from "../../bus/index.ts";
import { newId } from "../../ids/index.ts";
import { createJobs, type Job, type Jobs } from "../../jobs/index.ts";
import { createMetrics, type Logger } from "../../telemetry/index.ts";

export interface MailEngine {
  readonly jobs: Jobs;
  get(id: string): Promise<Job>;
  /** Waits until the job has ended, however. */
  ended(id: string): Promise<Job>;
  stop(): Promise<void>;
}

export interface MailEngineOptions {
  readonly log: Logger;
  /** Default true. */
  readonly works?: boolean;
}

export async function startMailEngine(
  database: TestDatabase,
  { log, works = true }: MailEngineOptions,
): Promise<MailEngine> {
  const db = openAgain(database);
  const bus = createBus({ db, log });
  const { url, socketDir } = database;
  const jobs = createJobs({
    db,
    bus,
    log,
    metrics: createMetrics(),
    maxRetries: 3,
    timeoutSeconds: 300,
    retentionDays: 30,
    random: () => 0,
    ...(works
      ? {
          work: {
            workerId: newId(),
            roles: ["worker"],
            connection: { url, socketDir, poolSize: 1, applicationName: "test" },
            concurrency: 4,
            graceMs: 1000,
            handlerGraceMs: 300,
          },
        }
      : {}),
  });
  await bus.start();
  await jobs.start();

  async function get(id: string): Promise<Job> {
    const job = await jobs.find(db.sql, id);
    if (!job) throw new Error(`there is no job ${id}`);
    return job;
  }

  return {
    jobs,
    get,
    ended: (id) =>
      until(`the end of job ${id}`, async () => {
        const job = await get(id);
        return job.finishedAt ? job : undefined;
      }),
    async stop() {
      await jobs.stop();
      await bus.stop();
      await db.close();
    },
  };
}
