// Limits that hold exactly over all processes: one statement a request, and none for a key that was just refused.
import type { Database } from "../db/index.ts";
import { createRecent } from "./recent.ts";
import { hit } from "./store.ts";
import { refusal, type Verdict } from "./verdict.ts";

export interface ExactRule {
  /** Like `sign-in`: keys of two rules never meet. */
  readonly name: string;
  /** Each key keeps so many times: at most a thousand. */
  readonly limit: number;
  readonly windowSeconds: number;
}

/** Counts a request of the key, unless as many as the limit have passed within the last seconds. Throws when the database is away. */
export type HitExactly = (rule: ExactRule, key: string) => Promise<Verdict>;

const MAX_REMEMBERED = 10_000;

export function createExact(db: Pick<Database, "single">, nowMs: () => number): HitExactly {
  /** Until when (performance.now) a key is refused in any case: nothing frees it earlier. A flood then costs no statement. */
  const refusedUntil = createRecent<number>(MAX_REMEMBERED);

  return async (rule, key) => {
    const { name, limit } = rule;
    const fullKey = `${name} ${key}`;
    const leftMs = (refusedUntil.get(fullKey) ?? 0) - performance.now();
    if (leftMs > 0) return refusal(limit, leftMs, nowMs());
    const { isAllowed, used, freesAfterMs } = await db.single((tx) => hit(tx, fullKey, rule));
    const now = nowMs();
    if (!isAllowed) {
      refusedUntil.set(fullKey, performance.now() + freesAfterMs);
      return refusal(limit, freesAfterMs, now);
    }
    const resetsAt = Math.ceil((now + freesAfterMs) / 1000);
    return { isAllowed, limit, remaining: limit - used, resetsAt, retryAfterSeconds: 0 };
  };
}
