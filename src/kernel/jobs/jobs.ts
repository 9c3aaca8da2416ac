// The engine as a process sees it: tasks are registered, jobs handed in, and with `work` also run.
import { fileURLToPath } from "node:url";
import type { Bus } from "../bus/index.ts";
import type { Database, MigrationSet } from "../db/index.ts";
import type { Files } from "../files/index.ts";
import { newId } from "../ids/index.ts";
import type { Logger, Metrics } from "../telemetry/index.ts";
import { createAdmission } from "./admission.ts";
import { createCancellation } from "./cancellation.ts";
import { createHousekeeping } from "./housekeeping.ts";
import type { EnqueueOptions, Jobs, PreparedJob, Task } from "./job.ts";
import { withLargeResults } from "./large-results.ts";
import { listLines } from "./log-lines.ts";
import { createJobMetrics, showQueue } from "./metrics.ts";
import { createNews } from "./news.ts";
import { lookOut } from "./outlook.ts";
import { listDead, listDeadIds, listJobs } from "./queue-store.ts";
import { eraseJobs, findJob, insertFailedJob, insertJob, insertJobs } from "./store.ts";
import { createSubmissions } from "./submissions.ts";
import { createWakeUps } from "./wake-ups.ts";
import { createWorker, type WorkOptions } from "./worker.ts";
import { listWorkers } from "./workers.ts";

export type { WorkOptions } from "./worker.ts";

export const jobMigrations: MigrationSet = {
  module: "jobs",
  directory: fileURLToPath(new URL("./migrations", import.meta.url)),
};

/** It stands in two indexes, whose entries PostgreSQL bounds. */
const MAX_KEY_CHARS = 500;

export interface JobsOptions {
  readonly db: Database;
  /** Started before and stopped after the engine. */
  readonly bus: Bus;
  readonly log: Logger;
  readonly metrics: Metrics;
  readonly maxRetries: number;
  readonly timeoutSeconds: number;
  readonly retentionDays: number;
  /** Takes the results of people's jobs that are larger than 1 MiB; without it such a job fails. */
  readonly files?: Pick<Files, "create" | "urlOf" | "maxBytes">;
  /** Of one project's jobs that people run: how many may run at once, in all processes. Default any number. */
  readonly projectConcurrency?: number | undefined;
  /** Chance in [0, 1), for the jitter of retries. */
  readonly random?: () => number;
  /** Left out in processes that only hand jobs in. */
  readonly work?: WorkOptions;
  /** Told of projects whose log has grown by the end of a job, after the commit. */
  readonly onAnnounced?: (projectId: string) => void;
  /** Whether this process shows the queue as a whole in its metrics; where several are merged, one must. Default true. */
  readonly showsQueue?: boolean;
}

export function createJobs(options: JobsOptions): Jobs {
  const { db, log } = options;
  const tasks = new Map<string, Task<unknown>>();
  const wakeUps = createWakeUps(options.bus);
  const cancellation = createCancellation({ sql: db.sql, bus: options.bus, log });
  const news = createNews({ bus: options.bus, sql: db.sql, log });
  const admission = createAdmission({ sql: db.sql, log, wakeUps });
  const announced = options.onAnnounced ?? (() => {});
  const housekeeping = createHousekeeping({ db, log, retentionDays: options.retentionDays });
  const worker =
    options.work &&
    createWorker(options.work, {
      log,
      tasks,
      wakeUps,
      cancellation,
      news,
      admission,
      announced,
      metrics: createJobMetrics(options.metrics),
      random: options.random ?? Math.random,
    });
  const submissions = createSubmissions({
    tasks,
    prepare,
    wakeUps,
    cancellation,
    admission,
    news,
    announced,
    projectMax: options.projectConcurrency ?? null,
  });
  // A look at a long queue takes a while, and must not hold a connection that requests wait for.
  if (options.showsQueue ?? true) {
    showQueue(options.metrics, db.longSql, housekeeping.oldestTransactionSeconds);
  }

  function prepare<Input>(task: Task<Input>, input: Input, given: EnqueueOptions = {}): PreparedJob {
    if ((given.uniqueKey?.length ?? 0) > MAX_KEY_CHARS) {
      throw new RangeError(`a unique key is longer than ${MAX_KEY_CHARS} characters`);
    }
    return {
      id: newId(),
      projectId: given.projectId ?? null,
      task: task.name,
      lane: given.priority ?? task.priority ?? "normal",
      input: toInputJson(task, input),
      uniqueKey: given.uniqueKey ?? null,
      createdBy: given.createdBy ?? null,
      delayMs: given.delayMs ?? 0,
      timeoutMs: task.timeoutMs ?? options.timeoutSeconds * 1000,
      maxAttempts: task.maxAttempts ?? options.maxRetries + 1,
    };
  }

  return {
    name: "jobs",
    prepare,
    wake: wakeUps.send,
    find: (sql, id) => findJob(sql, id, Date.now()),
    register(task) {
      if (tasks.has(task.name)) throw new Error(`two tasks are named ${task.name}`);
      // A finished job is dropped by the day, and so up to a day later than it says.
      const { files, retentionDays } = options;
      const kept = files ? withLargeResults(task, { files, keepDays: retentionDays + 1 }) : task;
      // Its input is parsed by its own schema before it is run.
      tasks.set(task.name, kept as unknown as Task<unknown>);
    },
    async enqueue(tx, task, input, given) {
      const job = prepare(task, input, given);
      const id = await insertJob(tx, job);
      if (job.delayMs === 0) tx.afterCommit(() => wakeUps.send(job.lane));
      return id;
    },
    async enqueueMany(tx, task, inputs, given) {
      const [first] = inputs;
      if (first === undefined) return [];
      const like = prepare(task, first, given);
      const ids = await insertJobs(tx, like, [
        like.input,
        ...inputs.slice(1).map((input) => toInputJson(task, input)),
      ]);
      if (like.delayMs === 0) tx.afterCommit(() => wakeUps.send(like.lane));
      return ids;
    },
    ...submissions,
    list: listJobs,
    lookOut,
    listDead,
    listDeadIds,
    listLines,
    listWorkers,
    hearNews: news.hear,
    erase: eraseJobs,
    async recordFailure(tx, task, input, failure, given) {
      const job = prepare(task, input, given);
      await insertFailedJob(tx, job, failure);
      return job.id;
    },
    async start() {
      await housekeeping.start();
      await worker?.start();
    },
    async stop() {
      await worker?.stop();
      await housekeeping.stop();
    },
  };
}

function toInputJson<Input>(task: Task<Input>, input: Input): string {
  return JSON.stringify(task.input.parse(input)) ?? "null";
}
