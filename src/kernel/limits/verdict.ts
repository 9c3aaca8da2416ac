// What a limit says to one request.

export interface Verdict {
  readonly isAllowed: boolean;
  readonly limit: number;
  /** Further requests that would be let through at once. */
  readonly remaining: number;
  /** Unix seconds at which there is room for more again. */
  readonly resetsAt: number;
  /** Seconds to wait, whole; 0 when it is allowed. */
  readonly retryAfterSeconds: number;
}

/** @param waitMs until there is room; rounded up, so that whoever waits so long is let in. */
export function refusal(limit: number, waitMs: number, nowMs: number): Verdict {
  const retryAfterSeconds = Math.max(1, Math.ceil(waitMs / 1000));
  const resetsAt = Math.ceil(nowMs / 1000) + retryAfterSeconds;
  return { isAllowed: false, limit, remaining: 0, resetsAt, retryAfterSeconds };
}
