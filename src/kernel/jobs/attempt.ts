// One attempt at a job: the handler, its signal and its time; whoever does not listen is left behind.
import { describeFailure, type Failure, failureOf } from "./failure.ts";
import type { JobContext, Task } from "./job.ts";
import { toStorableResult } from "./result.ts";
import type { ClaimedJob } from "./worker-store.ts";

/** How an attempt ended; `lost`: another worker has the job now, so there is nothing to write. */
export type Outcome =
  | { readonly state: "succeeded"; readonly resultJson: string }
  | { readonly state: "failed"; readonly failure: Failure }
  | { readonly state: "handed back" }
  | { readonly state: "cancelled" }
  | { readonly state: "lost" };

export interface Attempt {
  readonly job: ClaimedJob;
  readonly done: Promise<Outcome>;
  /** Milliseconds until the handler is left behind. */
  readonly leftMs: () => number;
  /** Aborts the signal and waits for the handler, which may still succeed. */
  askToStop(): void;
  /** Aborts the signal for good: the attempt has ended when the handler has, or a moment later without it. */
  cancel(): void;
  /** Ends the attempt now, whatever the handler does. */
  leave(outcome: Outcome): void;
}

export interface AttemptOptions {
  readonly job: ClaimedJob;
  readonly task: Task<unknown>;
  readonly context: Omit<JobContext, "signal">;
  /** How long a handler may take to end after its signal was aborted. */
  readonly graceMs: number;
}

/** Whoever cancels is promised an end within a second, and others see to it after 700 ms. */
const CANCEL_GRACE_MS = 400;

export function startAttempt({ job, task, context, graceMs }: AttemptOptions): Attempt {
  const { promise: done, resolve } = Promise.withResolvers<Outcome>();
  const abort = new AbortController();
  const deadline = performance.now() + job.timeoutMs + graceMs;
  let isOverdue = false;
  let isStopping = false;
  let isCancelled = false;
  let leaving: Timer | undefined;
  const timeout = setTimeout(() => {
    isOverdue = true;
    abort.abort(new DOMException("The job's time is over.", "TimeoutError"));
    leaving = setTimeout(() => {
      context.log.warn({ timeout_ms: job.timeoutMs }, "a handler ignored its signal and was left behind");
      leave({ state: "failed", failure: failureOf("JOB_TIMED_OUT", "failure", `${job.timeoutMs} ms`) });
    }, graceMs);
  }, job.timeoutMs);

  function leave(outcome: Outcome): void {
    clearTimeout(timeout);
    clearTimeout(leaving);
    resolve(isCancelled && outcome.state !== "lost" ? { state: "cancelled" } : outcome);
    abort.abort(new DOMException("The job is no longer this process's.", "AbortError"));
  }

  function failed(thrown: unknown): Outcome {
    if (isStopping) return { state: "handed back" };
    return {
      state: "failed",
      failure: isOverdue
        ? failureOf("JOB_TIMED_OUT", "failure", `${job.timeoutMs} ms`)
        : describeFailure(thrown),
    };
  }

  run(task, job, { ...context, signal: abort.signal }).then(leave, (thrown) => {
    const outcome = failed(thrown);
    if (isPostponed(outcome)) context.log.info({}, `put off: ${outcome.failure.message}`);
    else if (!abort.signal.aborted) context.log.warn({ err: thrown }, "a job failed");
    leave(outcome);
  });

  return {
    job,
    done,
    leftMs: () => deadline - performance.now(),
    askToStop() {
      isStopping = true;
      abort.abort(new DOMException("The process is stopping.", "AbortError"));
    },
    cancel() {
      if (isCancelled) return;
      isCancelled = true;
      clearTimeout(timeout);
      clearTimeout(leaving);
      leaving = setTimeout(() => {
        context.log.warn({}, "a handler ignored that its job was cancelled and was left behind");
        leave({ state: "cancelled" });
      }, CANCEL_GRACE_MS);
      abort.abort(new DOMException("The job was cancelled.", "AbortError"));
    },
    leave,
  };
}

export function isPostponed(outcome: Outcome): outcome is Extract<Outcome, { state: "failed" }> {
  return outcome.state === "failed" && outcome.failure.kind === "postponement";
}

async function run(task: Task<unknown>, job: ClaimedJob, context: JobContext): Promise<Outcome> {
  const input = task.input.safeParse(job.input);
  if (!input.success) {
    const failure = failureOf("JOB_INPUT_INVALID", "permanent", input.error.message);
    return { state: "failed", failure };
  }
  const result = toStorableResult(await task.run(input.data, context));
  if ("failure" in result) return { state: "failed", failure: result.failure };
  return { state: "succeeded", resultJson: result.json };
}
