// The circuit to one dependency: cockatiel's, which asks of us when to open it, and what we add: several trials before it is trusted.
import { CircuitState, circuitBreaker, handleType } from "cockatiel";
import { OutboundError } from "./bounded-fetch.ts";
import { CircuitOpenError } from "./circuit-open.ts";

export interface BreakerOptions {
  /** In a row, until it opens. */
  readonly failures: number;
  readonly openMs: number;
  /** In a row, until it closes. */
  readonly successes: number;
}

export interface BreakerState {
  readonly state: "closed" | "open" | "half_open";
  /** In a row. */
  readonly failures: number;
  /** When a call may be tried; null unless it is open. */
  readonly retryAt: Date | null;
}

export interface Breaker {
  /** OutboundErrors of the call count as failures, other errors do not count. Throws CircuitOpenError. */
  run<T>(call: () => Promise<T>): Promise<T>;
  state(): BreakerState;
}

/** While a trial is under way. */
const TRIAL_WAIT_MS = 5_000;

export function createBreaker({ failures: maxFailures, openMs, successes }: BreakerOptions): Breaker {
  let failures = 0;
  let trialsLeft = 0;
  let isTrying = false;
  let retryAtMs = 0;
  const policy = circuitBreaker(handleType(OutboundError), {
    halfOpenAfter: openMs,
    breaker: {
      state: undefined,
      success() {
        failures = 0;
      },
      failure: () => ++failures >= maxFailures || trialsLeft > 0,
    },
  });
  policy.onBreak(() => {
    trialsLeft = successes;
    // cockatiel reads the same clock.
    retryAtMs = Date.now() + openMs;
  });
  const waitMs = () => (policy.state === CircuitState.Open ? Math.max(0, retryAtMs - Date.now()) : 0);

  async function attempt<T>(call: () => Promise<T>): Promise<T> {
    isTrying = true;
    try {
      const result = await policy.execute(call);
      trialsLeft = Math.max(0, trialsLeft - 1);
      return result;
    } finally {
      isTrying = false;
    }
  }

  return {
    async run(call) {
      if (waitMs() > 0) throw new CircuitOpenError(waitMs());
      if (trialsLeft === 0) return policy.execute(call);
      if (isTrying) throw new CircuitOpenError(TRIAL_WAIT_MS);
      return attempt(call);
    },
    state() {
      const isOpen = waitMs() > 0;
      return {
        state: isOpen ? "open" : trialsLeft > 0 ? "half_open" : "closed",
        failures,
        retryAt: isOpen ? new Date(retryAtMs) : null,
      };
    },
  };
}
