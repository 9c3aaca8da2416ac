// Outbound as a process has it: guarded calls to addresses of users, and the circuits of all dependencies.
import manifest from "../../../package.json" with { type: "json" };
import type { Config } from "../config/index.ts";
import type { Metrics } from "../telemetry/index.ts";
import { createAddressGuard } from "./address-guard.ts";
import { type Breakers, createBreakers } from "./breakers.ts";
import { createGuardedFetch, type GuardedFetch } from "./guarded-fetch.ts";

export interface Outbound {
  /** For addresses that users give. */
  readonly fetch: GuardedFetch;
  /** For addresses that the operator has set: the same bounds, but the host of `origin` may be anywhere. */
  fetchFrom(origin: string): GuardedFetch;
  /** What speaks against an address of a user's before its name is looked up: a public sentence, or undefined. */
  findProblem(address: string): string | undefined;
  readonly breakers: Breakers;
}

export interface OutboundOptions {
  readonly config: Pick<Config, "outboundAllowedHosts" | "publicUrl">;
  readonly metrics?: Pick<Metrics, "gauge">;
}

export function createOutbound({ config, metrics }: OutboundOptions): Outbound {
  const allowedHosts = config.outboundAllowedHosts;
  const userAgent = userAgentOf(config.publicUrl);
  const guard = createAddressGuard({ allowedHosts });
  return {
    fetch: createGuardedFetch({ guard, userAgent }),
    fetchFrom(origin) {
      const { hostname, port, protocol } = new URL(origin);
      const own = `${hostname}:${port || (protocol === "https:" ? 443 : 80)}`;
      return createGuardedFetch({
        guard: createAddressGuard({ allowedHosts: [...allowedHosts, own] }),
        userAgent,
      });
    },
    findProblem: guard.findProblem,
    breakers: createBreakers(metrics ? { metrics } : {}),
  };
}

/** Product and version, and where whoever wonders may ask (RFC 9110 section 10.1.5). */
function userAgentOf(publicUrl: string | undefined): string {
  return `Stoa/${manifest.version}${publicUrl === undefined ? "" : ` (+${publicUrl})`}`;
}
