// When to try again: a random part of a bound that doubles, so that many clients of one server come back one by one.

export interface Backoff {
  /** Milliseconds until the next attempt. */
  next(): number;
  /** After a success. */
  clear(): void;
}

export function createBackoff(firstMs: number, maxMs: number, random: () => number = Math.random): Backoff {
  let attempts = 0;
  return {
    next() {
      const bound = Math.min(maxMs, firstMs * 2 ** Math.min(attempts, 30));
      attempts++;
      return random() * bound;
    },
    clear() {
      attempts = 0;
    },
  };
}
