// When to try again: exponential with full jitter, so that what failed together is not tried again together.

const BASE_MS = 2000;
/** Between two looks at what a job was put off for. */
const LEAST_POSTPONED_MS = 250;
const MAX_SPREAD_MS = 5000;
/** With 25 attempts a job is tried for a day and a half: longer than most that stands in its way. */
const CAP_MS = 21_600_000;

/**
 * Between 0 and 2 s after the first failure, 4 s after the second … at most 6 hours; no sooner than the dependency asked.
 * @param random in [0, 1)
 */
export function retryDelayMs(failures: number, retryAfterMs: number | null, random: () => number): number {
  const ceilingMs = Math.min(CAP_MS, BASE_MS * 2 ** Math.min(failures - 1, 30));
  return (retryAfterMs ?? 0) + random() * ceilingMs;
}

/**
 * As long as was said, and a little more by chance: else all that wait for the same would come at the same moment.
 * @param random in [0, 1)
 */
export function postponeDelayMs(saidMs: number, random: () => number): number {
  const delayMs = Math.max(LEAST_POSTPONED_MS, saidMs);
  return delayMs + random() * Math.min(MAX_SPREAD_MS, delayMs / 4);
}
