// What a limit says on every answer under it.
import type { Verdict } from "../limits/index.ts";

export function limitHeaders({ limit, remaining, resetsAt }: Verdict): Record<string, string> {
  return {
    "X-RateLimit-Limit": String(limit),
    "X-RateLimit-Remaining": String(remaining),
    "X-RateLimit-Reset": String(resetsAt),
  };
}

/**
 * Copies `base` with a limit's headers. Two of the three are the same for a minute: to set all of them anew would cost four
 * times as much.
 */
export type AddLimit = (base: Headers, verdict: Verdict) => Headers;

export function createAddLimit(): AddLimit {
  const kept = new Map<Headers, { limit: number; resetsAt: number; headers: Headers }>();
  return (base, verdict) => {
    const { limit, remaining, resetsAt } = verdict;
    let last = kept.get(base);
    if (last?.limit !== limit || last.resetsAt !== resetsAt) {
      last = { limit, resetsAt, headers: new Headers(base) };
      for (const [name, value] of Object.entries(limitHeaders(verdict))) last.headers.set(name, value);
      kept.set(base, last);
    }
    const headers = new Headers(last.headers);
    headers.set("X-RateLimit-Remaining", String(remaining));
    return headers;
  };
}
