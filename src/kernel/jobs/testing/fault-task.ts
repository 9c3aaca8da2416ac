// A task that dies or misbehaves where it is told to, for worker processes that tests and the fault suite start.
import { z } from "zod";
import type { Database, Tx } from "../../db/index.ts";
import { type JobContext, JobPostponed, type Task } from "../index.ts";

/** Where a process is killed: before the handler has done anything, in the middle, and around the commits of what it writes. */
export const STEPS = ["claimed", "working", "written", "finishing", "ended"] as const;
export const WAYS = ["blocks", "hangs", "throws no error", "exits", "fails", "puts off", "busy"] as const;

const input = z.object({
  /** Time of its work. */
  ms: z.number().default(0),
  /** kill -9 of the own process at this step, in so many attempts. */
  diesAt: z.enum(STEPS).optional(),
  deaths: z.number().default(1),
  /** What it does instead of its work, in so many attempts; default all. */
  way: z.enum(WAYS).optional(),
  times: z.number().default(1000),
  /** Writes its effect behind its fence and returns, so that the engine writes the end: else it ends in the same transaction. */
  isSeparate: z.boolean().default(false),
  /** Its first attempt goes on only when there is a run that says "return", and notes when its effect is refused. */
  isLate: z.boolean().default(false),
  /** Writes its effect in one statement without a fence, and nothing else. */
  isBrief: z.boolean().default(false),
});

export type FaultInput = z.input<typeof input>;

/** Of a job that is put off or fails. */
export const AGAIN_MS = 500;

export function createFaultTask(db: Database): Task<z.output<typeof input>> {
  const note = (sql: Pick<Database, "sql">["sql"], { jobId, attempt }: JobContext, what: string) =>
    sql`INSERT INTO runs (job_id, attempt, pid, what) VALUES (${jobId}, ${attempt}, ${process.pid}, ${what})`;

  async function untilReturn(): Promise<void> {
    for (;;) {
      // While it is cut off it learns nothing.
      const rows = await db.sql`SELECT 1 FROM runs WHERE what = 'return'`.catch(() => []);
      if (rows.length > 0) return;
      await wait(100);
    }
  }

  async function refusable(context: JobContext, writing: Promise<void>): Promise<void> {
    try {
      await writing;
    } catch (error) {
      await note(db.sql, context, "refused");
      throw error;
    }
  }

  async function misbehave(way: (typeof WAYS)[number], context: JobContext): Promise<void> {
    switch (way) {
      case "blocks":
        while (true) {}
      case "hangs":
        await new Promise(() => {});
        break;
      case "throws no error":
        throw "only words";
      case "exits":
        process.exit(7);
        break;
      case "fails":
        throw Object.assign(new Error("as told"), { retryAfterSeconds: AGAIN_MS / 1000 });
      case "puts off":
        throw new JobPostponed("AWAY", "What it needs is away.", { delayMs: AGAIN_MS });
      case "busy":
        await db.transaction(async (tx) => {
          await context.fence(tx);
          await tx`SELECT pg_sleep(60)`;
        });
        break;
    }
  }

  return {
    name: "test.fault",
    input,
    timeoutMs: 60_000,
    forUsers: { description: "For tests." },
    async run({ ms, diesAt, deaths, way, times, isSeparate, isLate, isBrief }, context) {
      const dieAt = async (step: (typeof STEPS)[number]): Promise<void> => {
        if (diesAt !== step || context.attempt > deaths) return;
        process.kill(process.pid, "SIGKILL");
        await new Promise(() => {});
      };
      const write = async (tx: Tx): Promise<void> => {
        await context.fence(tx);
        await note(tx, context, "done");
      };
      if (isBrief) return void (await note(db.sql, context, "done"));
      await dieAt("claimed");
      await note(db.sql, context, "began");
      if (way && context.attempt <= times) await misbehave(way, context);
      if (isLate && context.attempt === 1) await untilReturn();
      await wait(ms / 2);
      await dieAt("working");
      await wait(ms / 2);
      if (isSeparate) {
        await refusable(context, db.transaction(write));
        await dieAt("written");
        // While the engine writes the end, or just before or after it.
        if (diesAt === "ended" && context.attempt <= deaths) setTimeout(dieAt, context.attempt % 4, "ended");
        return { pid: process.pid };
      }
      const writing = db.transaction(async (tx) => {
        await write(tx);
        await context.finish(tx, { pid: process.pid });
        await dieAt("finishing");
      });
      await refusable(context, writing);
      await dieAt("ended");
      return null;
    },
  };
}

function wait(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
