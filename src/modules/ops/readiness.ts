// Whether requests will be served, and if not, what is in the way.

export interface Check {
  /** As /ready names it. */
  readonly name: string;
  /** Rejects with a reason for the log when it is not well. */
  check(): Promise<void>;
}

export interface Readiness {
  readonly isReady: boolean;
  /** Each check by name; reasons are not told, they could name addresses. */
  readonly checks: Readonly<Record<string, "ok" | "failed">>;
}

/** Runs all checks at once; one that takes longer has failed. */
export async function checkReadiness(
  checks: readonly Check[],
  onFailure: (name: string, reason: unknown) => void,
  timeoutMs: number,
): Promise<Readiness> {
  const results = await Promise.all(
    checks.map(async ({ name, check }) => {
      try {
        await within(check(), timeoutMs);
        return [name, "ok"] as const;
      } catch (reason) {
        onFailure(name, reason);
        return [name, "failed"] as const;
      }
    }),
  );
  return { isReady: results.every(([, result]) => result === "ok"), checks: Object.fromEntries(results) };
}

async function within(checking: Promise<void>, timeoutMs: number): Promise<void> {
  const { promise, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error(`no answer within ${timeoutMs} ms`)), timeoutMs);
  try {
    await Promise.race([checking, promise]);
  } finally {
    clearTimeout(timer);
  }
}
