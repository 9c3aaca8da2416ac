// Writes how attempts ended: many successes in one statement when they pile up, and again until the database has answered.
import { pause } from "../clock/index.ts";
import { isDatabaseAway, type Sql } from "../db/index.ts";
import type { Logger } from "../telemetry/index.ts";
import type { Outcome } from "./attempt.ts";
import { type Failure, failureOf } from "./failure.ts";
import { type ClaimedJob, completeJobs, endCancelled, failJob, handBack } from "./worker-store.ts";

export interface Ended {
  readonly job: ClaimedJob;
  readonly outcome: Exclude<Outcome, { state: "lost" }>;
}

/** What became of it; `lost` also when an answer was lost and the write had been done. */
export type Written =
  | "succeeded"
  | "retrying"
  | "postponed"
  | "failed"
  | "cancelled"
  | "handed back"
  | "lost";

export interface OutcomesOptions {
  readonly sql: Sql;
  readonly log: Logger;
  readonly delayMs: (job: ClaimedJob, failure: Failure) => number;
  readonly beforeWrite: (jobs: readonly ClaimedJob[]) => Promise<void>;
  readonly onWritten: (job: ClaimedJob, written: Written) => void;
}

export interface Outcomes {
  add(ended: Ended): void;
  /** Jobs that have ended and are not yet written. */
  unwritten(): readonly ClaimedJob[];
  /** Resolves when all are written, or after giveUp. */
  settled(): Promise<void>;
  giveUp(): void;
}

const MAX_BATCH = 500;
const MAX_BATCH_CHARS = 4_194_304;
const RETRY_PAUSE_MS = 250;

export function createOutcomes({ sql, log, delayMs, beforeWrite, onWritten }: OutcomesOptions): Outcomes {
  const waiting: Ended[] = [];
  const givenUp = new AbortController();
  let inFlight: readonly Ended[] = [];
  let writing: Promise<void> | undefined;

  async function writeAll(): Promise<void> {
    while (waiting.length > 0 && !givenUp.signal.aborted) {
      inFlight = takeBatch(waiting);
      await writeBatch(inFlight);
      inFlight = [];
    }
    // Here and not in a callback: nothing can be added between the last look and this line.
    writing = undefined;
  }

  async function writeBatch(batch: readonly Ended[]): Promise<void> {
    try {
      await beforeWrite(batch.map(({ job }) => job));
      for (const { job, written } of await write(batch)) onWritten(job, written);
    } catch (error) {
      const [only] = batch;
      if (isDatabaseAway(error)) {
        waiting.unshift(...batch);
        await pause(RETRY_PAUSE_MS, givenUp.signal);
      } else if (batch.length > 1) {
        // One of them is the reason: the others must not suffer for it.
        for (const ended of batch) await writeBatch([ended]);
      } else if (only) {
        await writeAgain(only, error);
      }
    }
  }

  async function writeAgain(ended: Ended, error: unknown): Promise<void> {
    log.warn({ err: error, job_id: ended.job.id }, "how a job ended could not be written");
    if (isRefusedValue(error) && ended.outcome.state === "succeeded") {
      const failure = failureOf("JOB_RESULT_INVALID", "permanent", String(error));
      waiting.push({ job: ended.job, outcome: { state: "failed", failure } });
      return;
    }
    // Mostly a transaction of the handler that still holds the job's row: others go first.
    waiting.push(ended);
    if (waiting.length === 1) await pause(RETRY_PAUSE_MS, givenUp.signal);
  }

  async function write(batch: readonly Ended[]): Promise<{ job: ClaimedJob; written: Written }[]> {
    const [first] = batch;
    if (first?.outcome.state === "failed") {
      const { failure } = first.outcome;
      const written = await failJob(sql, first.job, failure, delayMs(first.job, failure));
      return [{ job: first.job, written }];
    }
    if (first?.outcome.state === "cancelled") {
      const isOurs = await endCancelled(sql, first.job);
      return [{ job: first.job, written: isOurs ? "cancelled" : "lost" }];
    }
    if (first?.outcome.state === "handed back") {
      await handBack(sql, [first.job]);
      return [{ job: first.job, written: "handed back" }];
    }
    const done = batch.flatMap(({ job, outcome }) =>
      outcome.state === "succeeded" && !outcome.isWritten ? [{ ...job, resultJson: outcome.resultJson }] : [],
    );
    const ours = done.length > 0 ? await completeJobs(sql, done) : new Set();
    const isOurs = ({ job, outcome }: Ended) =>
      ours.has(job.id) || (outcome.state === "succeeded" && outcome.isWritten === true);
    return batch.map((ended) => ({ job: ended.job, written: isOurs(ended) ? "succeeded" : "lost" }));
  }

  return {
    add(ended) {
      waiting.push(ended);
      writing ??= writeAll();
    },
    unwritten: () => [...inFlight, ...waiting].map(({ job }) => job),
    async settled() {
      await writing;
    },
    giveUp: () => givenUp.abort(),
  };
}

/** The successes at the front, or the one that is none. */
function takeBatch(waiting: Ended[]): Ended[] {
  let count = 0;
  let chars = 0;
  for (const { outcome } of waiting) {
    if (outcome.state !== "succeeded") break;
    chars += outcome.resultJson.length;
    if (count > 0 && (count === MAX_BATCH || chars > MAX_BATCH_CHARS)) break;
    count++;
  }
  return waiting.splice(0, Math.max(1, count));
}

/** SQLSTATE class 22, the value is wrong, or 54, it is nested too deeply: trying again will not help. */
function isRefusedValue(error: unknown): boolean {
  return (
    typeof error === "object" && error !== null && "errno" in error && /^(?:22|54)/.test(String(error.errno))
  );
}
