// What a job and a task are, and what the engine offers: types, and the error that ends a job at once.
import type { z } from "zod";
import type { Sql, Tx } from "../db/index.ts";
import type { Part } from "../lifecycle/index.ts";
import type { Logger } from "../telemetry/index.ts";
import type { Cancelled } from "./cancellation.ts";
import type { LogLine } from "./log-lines.ts";
import type { JobNews } from "./news.ts";
import type { Outlook } from "./outlook.ts";
import type { JobWorker } from "./workers.ts";

export const PRIORITIES = ["urgent", "high", "normal", "low"] as const;

/** The lane a job waits in: a worker looks into the first first, and keeps a slot for urgent jobs alone. */
export type Priority = (typeof PRIORITIES)[number];

export interface JobContext {
  readonly jobId: string;
  /** Times the job was taken by a worker, this one included; restarts after a crash or a stop count here, not as failures. */
  readonly attempt: number;
  readonly projectId: string | null;
  /** Whoever runs it, or for whom it was handed in; he may have lost the right to since. */
  readonly createdBy: string | null;
  /** Aborted at the timeout, on cancel, when the process must stop and when the job was given to another worker. */
  readonly signal: AbortSignal;
  /** Of a job that somebody runs the messages from level info on are shown to its project: no secrets in them. */
  readonly log: Logger;
  /** Throws when the job is no longer ours: call it first in each transaction that writes. Holds the job's row till commit. */
  fence(tx: Tx): Promise<void>;
  /**
   * Ends the job as succeeded within the transaction: what else is written in it is written once, whatever dies when. Call it
   * last, since it holds the project's log till commit; what `run` returns then counts no more. Throws when the job is no
   * longer ours, and as `run` would have failed with a result that cannot be kept.
   */
  finish(tx: Tx, result?: unknown): Promise<void>;
  /** Stored twice a second at most, the last one surely; `total` null while it is unknown. */
  progress(done: number, total: number | null, message?: string): void;
}

/** A task the server can run. `run` may be called again after a crash: its writes must be fenced or safe to repeat. */
export interface Task<Input> {
  readonly name: string;
  readonly input: z.ZodType<Input>;
  /** Default normal. */
  readonly priority?: Priority;
  /** Time of one attempt; default JOB_TIMEOUT_SECONDS. */
  readonly timeoutMs?: number;
  /** Default MAX_JOB_RETRIES + 1. */
  readonly maxAttempts?: number;
  /** Makes it a task that people may run by its name, in a project, with input of their own. */
  readonly forUsers?: {
    readonly description: string;
    /** Of the jobs that people run: how many may run at once, in all processes. Default any number. */
    readonly maxRunning?: number;
    /** What one must be allowed to run it, in the words of routes. Default what running any task takes. */
    readonly permission?: string;
  };
  /** Its result, JSON, is kept with the job; a larger one than 1 MiB, of somebody's job in a project, as a stored file. */
  run(input: Input, context: JobContext): Promise<unknown>;
}

export interface EnqueueOptions {
  readonly projectId?: string;
  readonly createdBy?: string;
  readonly priority?: Priority;
  readonly delayMs?: number;
  /**
   * While a job of this task, project and key waits for its first attempt, enqueueing again returns that one. Once it has
   * begun a further one is made, which starts after it has ended: two of one key never run at the same time, and whatever
   * was committed with the enqueueing is seen by the job that is returned. At most 500 characters.
   */
  readonly uniqueKey?: string;
}

/** What to do when a job of the same task, project and key has not ended. */
export const UNIQUE_RULES = ["existing", "reject", "replace"] as const;

/**
 * `existing` and `reject` find one that waits, else one that has begun. `replace` cancels the one that has not begun; the new
 * one waits until the one that has begun has ended.
 */
export type UniqueRule = (typeof UNIQUE_RULES)[number];

/** A job that somebody runs. */
export interface SubmitOptions extends Pick<EnqueueOptions, "priority" | "uniqueKey"> {
  readonly projectId: string;
  readonly createdBy: string;
  readonly runAt?: Date | undefined;
  readonly timeoutMs?: number | undefined;
  readonly rule?: UniqueRule;
}

/** What `jobs_enqueue` takes, checked and with the defaults filled in, for a statement of one's own. */
export interface PreparedJob {
  readonly id: string;
  readonly projectId: string | null;
  readonly task: string;
  readonly lane: Priority;
  /** JSON text: pass it as `${input}::text::jsonb`. */
  readonly input: string;
  readonly uniqueKey: string | null;
  readonly createdBy: string | null;
  readonly delayMs: number;
  readonly timeoutMs: number;
  readonly maxAttempts: number;
}

/**
 * Throw it from a handler when trying again cannot help. Its code and message are shown to the user, as are a Refusal's; of
 * any other error only the log and the dead letter tell. An error with `retryAfterSeconds` is tried again no sooner.
 */
export class PermanentJobError extends Error {
  readonly code: string;
  constructor(code: string, message: string, options: { readonly cause?: unknown } = {}) {
    super(message, options);
    this.name = "PermanentJobError";
    this.code = code;
  }
}

/** How long a job is put off: from now, or until a time by this process's clock, which is turned into the first at once. */
export type Postponement = { readonly delayMs: number } | { readonly until: Date };

/**
 * Thrown by a handler that cannot do its work now, such as when the circuit breaker of what it needs is open: the job waits
 * again and says for what, and the attempt does not count. After a day of this in all it counts as a failure.
 * @param code and message are shown to users; `cause` is kept for the log only.
 */
export class JobPostponed extends Error {
  readonly code: string;
  readonly delayMs: number;
  constructor(
    code: string,
    message: string,
    postponement: Postponement,
    options: { readonly cause?: unknown } = {},
  ) {
    super(message, options);
    this.name = "JobPostponed";
    this.code = code;
    this.delayMs =
      "delayMs" in postponement ? postponement.delayMs : postponement.until.getTime() - Date.now();
  }
}

export type JobStatus =
  | "scheduled"
  | "queued"
  | "running"
  | "retrying"
  | "succeeded"
  | "failed"
  | "cancelled";

export interface Progress {
  readonly done: number;
  readonly total: number | null;
  readonly message: string | null;
}

/** One failed attempt. */
export interface JobFailure {
  readonly at: Date;
  readonly attempt: number;
  readonly code: string;
  readonly message: string;
}

export interface Job {
  readonly id: string;
  readonly projectId: string | null;
  readonly createdBy: string | null;
  readonly task: string;
  readonly status: JobStatus;
  readonly priority: Priority;
  /** Somebody runs it: it can be cancelled and run again, and its end is announced. */
  readonly isForUser: boolean;
  readonly progress: Progress | null;
  readonly result: unknown;
  /** The latest failure; null before one and after success. */
  readonly error: { readonly code: string; readonly message: string } | null;
  /** What it was put off for, while it waits for that. */
  readonly waitsFor: { readonly code: string; readonly message: string } | null;
  /** All failures, the first one first. */
  readonly errors: readonly JobFailure[];
  /** Attempts that count against maxAttempts, the running one included. */
  readonly attempt: number;
  readonly maxAttempts: number;
  readonly createdAt: Date;
  /** When it is or was due. */
  readonly runAt: Date;
  /** Of the latest attempt. */
  readonly startedAt: Date | null;
  readonly finishedAt: Date | null;
}

export interface JobFilter {
  readonly projectId: string;
  readonly status?: JobStatus | undefined;
  readonly task?: string | undefined;
  readonly beforeId?: string | undefined;
  readonly limit: number;
}

/** Failed jobs that somebody ran. */
export interface DeadFilter {
  readonly projectId: string;
  readonly ids?: readonly string[] | undefined;
  readonly task?: string | undefined;
  readonly exceptTasks?: readonly string[] | undefined;
  /** Of the last error. */
  readonly errorCode?: string | undefined;
  readonly beforeId?: string | undefined;
  readonly limit: number;
}

export interface Jobs extends Part {
  register<Input>(task: Task<Input>): void;
  /** In the caller's transaction; the workers are woken after its commit. Returns the job's id. */
  enqueue<Input>(tx: Tx, task: Task<Input>, input: Input, options?: EnqueueOptions): Promise<string>;
  /** Many of one task in one statement, none of them keyed; a thousand at a time is a good size. Returns their ids in order. */
  enqueueMany<Input>(
    tx: Tx,
    task: Task<Input>,
    inputs: readonly Input[],
    options?: Omit<EnqueueOptions, "uniqueKey">,
  ): Promise<string[]>;
  /**
   * For a statement of one's own: `jobs_enqueue(id, project_id, task, lane, input, unique_key, created_by, run_at, timeout_ms,
   * max_attempts)` returns the id of the job that will do it; `lane` is the priority's name, `run_at` NULL is now.
   * Call wake() after the commit.
   */
  prepare<Input>(task: Task<Input>, input: Input, options?: EnqueueOptions): PreparedJob;
  wake(priority: Priority): void;
  /** A job that failed at once, recorded so that its id can be asked for; `result` is what it did until then. */
  recordFailure<Input>(
    tx: Tx,
    task: Task<Input>,
    input: Input,
    failure: { code: string; message: string; result?: object },
    options?: EnqueueOptions,
  ): Promise<string>;
  find(sql: Sql, id: string): Promise<Job | undefined>;
  /** The tasks that people may run, by their names. */
  userTasks(): readonly Task<unknown>[];
  /** Enqueues a job that somebody runs. `isNew` false: the id is that of one with its key that has not ended. */
  submit<Input>(
    tx: Tx,
    task: Task<Input>,
    input: Input,
    options: SubmitOptions,
  ): Promise<{ readonly id: string; readonly isNew: boolean }>;
  /**
   * Of a job that somebody runs. What waits ends with the commit; what runs within a second, and its handler is told.
   * @param actorId who wants it; left out, its creator.
   */
  cancel(tx: Tx, id: string, actorId?: string): Promise<Cancelled>;
  /** Newest first, one more than the limit when there are more. */
  list(sql: Sql, filter: JobFilter): Promise<Job[]>;
  /** What happens to the jobs that people run, in whichever process, until they end. Returns how to stop hearing it. */
  hearNews(onNews: (news: JobNews) => void): () => void;
  /** Its place in the queue, and when it will be done. */
  lookOut(sql: Sql, job: Job): Promise<Outlook>;
  /** Newest first, one more than the limit when there are more. */
  listDead(sql: Sql, filter: DeadFilter): Promise<Job[]>;
  /** Ids of them, the oldest first, one more than the limit when there are more. */
  listDeadIds(sql: Sql, filter: DeadFilter): Promise<string[]>;
  /**
   * Runs failed and cancelled jobs again, under their ids, with all their attempts. Returns those that run: left out is
   * what has not ended so, was run by nobody, or has a job of its key in its way.
   */
  revive(tx: Tx, ids: readonly string[]): Promise<string[]>;
  /** The last 1,000 lines of a job that somebody runs, oldest first. */
  listLines(sql: Sql, id: string): Promise<LogLine[]>;
  /** Those that live, with what each has in hand. */
  listWorkers(sql: Sql): Promise<JobWorker[]>;
  /** Deletes at most `limit` jobs of a project, running ones excepted, and returns how many; call it until that is 0. */
  erase(tx: Tx, projectId: string, limit: number): Promise<number>;
}
