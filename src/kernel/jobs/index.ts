// Background jobs on PostgreSQL: enqueued in the caller's transaction, claimed once, fenced, retried, never lost.
import type { z } from "zod";
import type { Sql, Tx } from "../db/index.ts";
import type { Logger } from "../telemetry/index.ts";

export type Priority = "urgent" | "high" | "normal" | "low";

export interface JobContext {
  readonly jobId: string;
  readonly attempt: number;
  readonly projectId: string | null;
  /** Aborted at the timeout, on cancel and when the process must stop. */
  readonly signal: AbortSignal;
  readonly log: Logger;
  /** Throws when the job is no longer ours: call it first in each transaction that writes. Holds the job's row till commit. */
  fence(tx: Tx): Promise<void>;
  progress(done: number, total: number | null, message?: string): void;
}

/** A task the server can run. `run` may be called again after a crash: its writes must be fenced or safe to repeat. */
export interface Task<Input> {
  readonly name: string;
  readonly input: z.ZodType<Input>;
  readonly priority?: Priority;
  readonly timeoutMs?: number;
  readonly maxAttempts?: number;
  run(input: Input, context: JobContext): Promise<unknown>;
}

export interface EnqueueOptions {
  readonly projectId?: string;
  readonly createdBy?: string;
  readonly priority?: Priority;
  readonly delayMs?: number;
  /** While a job with this key waits, enqueueing again returns that one; and jobs of one key never run at the same time. */
  readonly uniqueKey?: string;
}

/** Throw it from a handler when trying again cannot help. */
export class PermanentJobError extends Error {
  readonly code: string;
  constructor(code: string, message: string) {
    super(message);
    this.name = "PermanentJobError";
    this.code = code;
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

export interface Job {
  readonly id: string;
  readonly projectId: string | null;
  readonly task: string;
  readonly status: JobStatus;
  readonly priority: Priority;
  readonly progress: { done: number; total: number | null; message: string | null } | null;
  readonly result: unknown;
  readonly error: { code: string; message: string } | null;
  readonly attempt: number;
  readonly maxAttempts: number;
  readonly createdAt: Date;
  readonly startedAt: Date | null;
  readonly finishedAt: Date | null;
}

export interface Jobs {
  register<Input>(task: Task<Input>): void;
  /** In the caller's transaction; the workers are woken after its commit. Returns the job's id. */
  enqueue<Input>(tx: Tx, task: Task<Input>, input: Input, options?: EnqueueOptions): Promise<string>;
  /**
   * For a statement of one's own: `jobs_enqueue(id, project_id, task, lane, input, unique_key, created_by, run_at, timeout_ms,
   * max_attempts)` returns the id of the job that will do it; call wake() after the commit.
   */
  wake(priority: Priority): void;
  /** A job that failed at once, recorded so that its id can be asked for. */
  recordFailure<Input>(
    tx: Tx,
    task: Task<Input>,
    input: Input,
    error: { code: string; message: string },
    options?: EnqueueOptions,
  ): Promise<string>;
  find(sql: Sql, id: string): Promise<Job | undefined>;
}
