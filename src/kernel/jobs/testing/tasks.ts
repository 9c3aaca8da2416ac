// Tasks that misbehave on purpose, for worker processes that tests start and end.
import { z } from "zod";
import type { Database } from "../../db/index.ts";
import type { Task } from "../index.ts";

/** Notes that it began, waits, and writes that it is done in the transaction that ends it. */
export interface RecordInput {
  readonly ms: number;
  /** Of the first attempt; default the same. */
  readonly firstMs?: number | undefined;
  /** As often as this it ends the process instead, without a word. */
  readonly exits?: number | undefined;
}

export const record = {
  name: "test.record",
  input: z.object({ ms: z.number(), firstMs: z.number().optional(), exits: z.number().optional() }),
} as const;

/** Blocks the event loop. */
export const block = { name: "test.block", input: z.object({ ms: z.number() }), timeoutMs: 1000 } as const;

/** In its first attempt holds its fence in a transaction: without a word, or with a statement that takes as long. */
export const hold = {
  name: "test.hold",
  input: z.object({ ms: z.number(), isBusy: z.boolean().optional() }),
} as const;

export const RUNS = `
  CREATE TABLE runs (n bigint GENERATED ALWAYS AS IDENTITY, job_id uuid, attempt int, pid int, what text,
    at timestamptz NOT NULL DEFAULT clock_timestamp())`;

export function createTestTasks(db: Database) {
  const note = (jobId: string, attempt: number, what: string) =>
    db.sql`INSERT INTO runs (job_id, attempt, pid, what) VALUES (${jobId}, ${attempt}, ${process.pid}, ${what})`;

  const recordTask: Task<RecordInput> = {
    ...record,
    async run({ ms, firstMs = ms, exits = 0 }, context) {
      await note(context.jobId, context.attempt, "began");
      if (context.attempt <= exits) process.exit(7);
      await wait(context.attempt === 1 ? firstMs : ms);
      await db.transaction(async (tx) => {
        await context.fence(tx);
        await tx`
          INSERT INTO runs (job_id, attempt, pid, what)
          VALUES (${context.jobId}, ${context.attempt}, ${process.pid}, 'done')`;
        await context.finish(tx, { pid: process.pid });
      });
    },
  };

  const blockTask: Task<{ ms: number }> = {
    ...block,
    async run({ ms }, context) {
      await note(context.jobId, context.attempt, "began");
      const endMs = performance.now() + ms;
      while (performance.now() < endMs) {}
      return { pid: process.pid };
    },
  };

  const holdTask: Task<{ ms: number; isBusy?: boolean | undefined }> = {
    ...hold,
    async run({ ms, isBusy }, context) {
      await db.transaction(async (tx) => {
        await context.fence(tx);
        await note(context.jobId, context.attempt, "began");
        if (context.attempt > 1) return;
        if (isBusy) await tx`SELECT pg_sleep(${ms / 1000})`;
        else await wait(ms);
      });
      return { pid: process.pid };
    },
  };

  return [recordTask, blockTask, holdTask] as const;
}

function wait(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
