// The circuits of this process: one a dependency, made when it is first called, so many at most.
import type { Metrics } from "../telemetry/index.ts";
import type { Breaker, BreakerOptions, BreakerState } from "./breaker.ts";

export interface NamedBreakerState extends BreakerState {
  /** Of the dependency: a name of ours, or the origin of an address that a user gave. */
  readonly name: string;
  /** Of whose users gave the address; null for a name of ours. Others may not see it. */
  readonly projectId: string | null;
}

export interface Breakers {
  /**
   * Runs the call unless the circuit is open: then it throws CircuitOpenError. OutboundErrors count as failures.
   * @param projectId for an address that a user gave: no project can open another's circuit.
   */
  run<T>(name: string, call: () => Promise<T>, projectId?: string | null): Promise<T>;
  /** Of this process, the one used last at the end. */
  states(): readonly NamedBreakerState[];
}

export interface BreakersOptions extends Partial<BreakerOptions> {
  readonly metrics?: Pick<Metrics, "gauge">;
  /** Kept at once; default 1,000. */
  readonly max?: number;
}

interface Kept {
  readonly name: string;
  readonly projectId: string | null;
  readonly breaker: Breaker;
}

export function createBreakers(options: BreakersOptions = {}): Breakers {
  const { metrics, max = 1_000, failures = 5, openMs = 60_000, successes = 3 } = options;
  const kept = new Map<string, Kept>();

  async function take(name: string, projectId: string | null): Promise<Breaker> {
    // With the first call: most servers make none.
    const { createBreaker } = await import("./breaker.ts");
    const key = `${projectId ?? ""} ${name}`;
    const known = kept.get(key) ?? {
      name,
      projectId,
      breaker: createBreaker({ failures, openMs, successes }),
    };
    // To the end: the one used last goes last.
    kept.delete(key);
    if (kept.size >= max) kept.delete(leastMissed());
    kept.set(key, known);
    return known.breaker;
  }

  function leastMissed(): string {
    for (const [key, { breaker }] of kept) if (breaker.state().state === "closed") return key;
    return kept.keys().next().value ?? "";
  }

  const states = () =>
    [...kept.values()].map(({ name, projectId, breaker }) => ({ name, projectId, ...breaker.state() }));
  const count = (some: readonly NamedBreakerState[]) => some.filter(({ state }) => state !== "closed").length;

  metrics?.gauge(
    "stoa_outbound_circuits_open",
    "Circuits that are open or half open, by dependency; those to addresses of users together as user",
    ["dependency"],
    () => {
      const all = states();
      const named = all.filter(({ projectId }) => projectId === null);
      const ofUsers = all.filter(({ projectId }) => projectId !== null);
      return [
        ...named.map((each) => [{ dependency: each.name }, count([each])] as const),
        [{ dependency: "user" }, count(ofUsers)] as const,
      ];
    },
  );

  return {
    run: async (name, call, projectId = null) => (await take(name, projectId)).run(call),
    states,
  };
}
