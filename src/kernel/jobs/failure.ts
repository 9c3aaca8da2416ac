// What a handler threw, in the form it is stored: a code and a sentence for the user, the rest for the log and the dead letter.
import { isDatabaseAway } from "../db/index.ts";
import { Refusal } from "../errors/index.ts";
import { JobPostponed, PermanentJobError } from "./job.ts";

export interface Failure {
  readonly code: string;
  /** Public. */
  readonly message: string;
  /** What really happened; kept with the job, never sent. */
  readonly detail: string | null;
  /** An interruption or postponement does not count against the attempts, but only so many are allowed. */
  readonly kind: "failure" | "permanent" | "interruption" | "postponement";
  readonly retryAfterMs: number | null;
}

const MAX_TEXT_CHARS = 2000;
/** A dependency that asks for more than a day is not waited for any longer. */
const MAX_RETRY_AFTER_MS = 86_400_000;

/** In all; what is away for longer will not be back soon. */
export const MAX_POSTPONED_MS = 86_400_000;

/** Crashes a job may meet; with the next one it is dead, since it may well be their cause. */
export const MAX_INTERRUPTIONS = 3;

/** What the engine itself says of a job that failed: `error.code` and `error.message` of GET /jobs/{id}. */
export const jobFailures = {
  JOB_FAILED: "The job failed for a reason on our side.",
  JOB_INPUT_INVALID: "The job's input is not what its task takes.",
  JOB_INTERRUPTED: "The process or the database that the job ran on was lost.",
  JOB_RESULT_INVALID: "The job's result cannot be stored as JSON.",
  JOB_RESULT_TOO_LARGE: "The job's result is larger than can be kept.",
  JOB_TIMED_OUT: "The job did not end within its time.",
} as const;

type JobFailureCode = keyof typeof jobFailures;

export function failureOf(
  code: JobFailureCode,
  kind: Failure["kind"],
  detail: string | null = null,
): Failure {
  return { code, kind, message: jobFailures[code], detail: detail && storable(detail), retryAfterMs: null };
}

export function describeFailure(thrown: unknown): Failure {
  if (isDatabaseAway(thrown)) return failureOf("JOB_INTERRUPTED", "interruption", describe(thrown));
  if (thrown instanceof JobPostponed) return describePostponement(thrown);
  const known = thrown instanceof PermanentJobError || thrown instanceof Refusal ? thrown : undefined;
  return {
    code: known ? storable(known.code) : "JOB_FAILED",
    message: known ? storable(known.message) : jobFailures.JOB_FAILED,
    detail: storable(describe(thrown)),
    kind: thrown instanceof PermanentJobError ? "permanent" : "failure",
    retryAfterMs: retryAfterMs(thrown),
  };
}

function describePostponement(thrown: JobPostponed): Failure {
  return {
    code: storable(thrown.code),
    message: storable(thrown.message),
    detail: storable(describe(thrown)),
    kind: "postponement",
    // NaN and what is past are no reason to be asked without a pause.
    retryAfterMs: thrown.delayMs > 0 ? Math.min(thrown.delayMs, MAX_RETRY_AFTER_MS) : 0,
  };
}

function describe(thrown: unknown): string {
  try {
    if (!(thrown instanceof Error)) return `threw ${typeof thrown}: ${String(thrown)}`;
    return thrown.cause === undefined ? String(thrown) : `${thrown}; cause: ${String(thrown.cause)}`;
  } catch {
    // Anything can be thrown, also what cannot be shown.
    return `threw ${typeof thrown}`;
  }
}

function retryAfterMs(thrown: unknown): number | null {
  if (typeof thrown !== "object" || thrown === null || !("retryAfterSeconds" in thrown)) return null;
  const seconds = thrown.retryAfterSeconds;
  if (typeof seconds !== "number" || !(seconds > 0)) return null;
  return Math.min(seconds * 1000, MAX_RETRY_AFTER_MS);
}

/** PostgreSQL's text knows neither NUL nor lone surrogates. */
function storable(text: string): string {
  return text.slice(0, MAX_TEXT_CHARS).toWellFormed().replaceAll("\0", "\u{FFFD}");
}
