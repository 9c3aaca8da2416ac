// An engine for tests: a bus, a registry and perhaps a worker on a scratch database, as one process would have them.
import { openAgain, type TestDatabase } from "../../../testing/database.ts";
import { until } from "../../../testing/until.ts";
import { createBus } from "../../bus/index.ts";
import { newId } from "../../ids/index.ts";
import { createMetrics, type Logger, type Metrics, silentLogger } from "../../telemetry/index.ts";
import {
  createJobs,
  type EnqueueOptions,
  type Job,
  type Jobs,
  type Task,
  type WorkOptions,
} from "../index.ts";

export interface EngineOptions {
  /** Left out, the engine does not work. */
  readonly work?: Partial<WorkOptions>;
  // A task of any input: its own schema parses what it is given.
  // biome-ignore lint/suspicious/noExplicitAny: tasks are contravariant in their input.
  readonly tasks?: readonly Task<any>[];
  readonly log?: Logger;
  readonly maxRetries?: number;
  readonly random?: () => number;
  readonly projectConcurrency?: number;
}

export interface Engine {
  readonly db: TestDatabase;
  readonly jobs: Jobs;
  readonly metrics: Metrics;
  readonly workerId: string;
  enqueue<Input>(task: Task<Input>, input: Input, options?: EnqueueOptions): Promise<string>;
  get(id: string): Promise<Job>;
  /** Waits until the job has ended, however. */
  ended(id: string, withinMs?: number): Promise<Job>;
  stop(): Promise<void>;
}

export async function startEngine(database: TestDatabase, options: EngineOptions = {}): Promise<Engine> {
  // One that only hands in needs no connections of its own; there are not too many of them in a test.
  const db = options.work ? openAgain(database) : database;
  const log = options.log ?? silentLogger;
  const workerId = options.work?.workerId ?? newId();
  const metrics = createMetrics();
  const bus = createBus({ db, log });
  const jobs = createJobs({
    db,
    bus,
    log,
    metrics,
    maxRetries: options.maxRetries ?? 3,
    timeoutSeconds: 300,
    retentionDays: 30,
    projectConcurrency: options.projectConcurrency,
    // Tried again at once.
    random: options.random ?? (() => 0),
    ...(options.work ? { work: { ...defaults(database), ...options.work, workerId } } : {}),
  });
  for (const task of options.tasks ?? []) jobs.register(task);
  await bus.start();
  await jobs.start();

  async function get(id: string): Promise<Job> {
    const job = await jobs.find(db.sql, id);
    if (!job) throw new Error(`there is no job ${id}`);
    return job;
  }

  return {
    db,
    jobs,
    metrics,
    workerId,
    get,
    enqueue: (task, input, given) => db.transaction((tx) => jobs.enqueue(tx, task, input, given)),
    ended: (id, withinMs = 20_000) =>
      until(
        `the end of job ${id}`,
        async () => {
          const job = await get(id).catch(() => undefined);
          return job?.finishedAt ? job : undefined;
        },
        { withinMs },
      ),
    async stop() {
      await jobs.stop();
      await bus.stop();
      if (db !== database) await db.close();
    },
  };
}

function defaults({ url, socketDir }: TestDatabase) {
  return {
    roles: ["worker"],
    connection: { url, socketDir, poolSize: 1, applicationName: "test" },
    concurrency: 4,
    graceMs: 1000,
    handlerGraceMs: 300,
  };
}
