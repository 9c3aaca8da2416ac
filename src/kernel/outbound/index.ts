// The face of outbound: calls to the outside, each with a deadline and a bound on what it takes in; circuits; the guard of addresses.
export { AddressRefusedError } from "./address-guard.ts";
export { type BoundedFetch, createBoundedFetch, OutboundError } from "./bounded-fetch.ts";
export type { Breakers, NamedBreakerState } from "./breakers.ts";
export { CircuitOpenError } from "./circuit-open.ts";
export type { GuardedAnswer, GuardedFetch, GuardedRequest } from "./guarded-fetch.ts";
export { createOutbound, type Outbound } from "./outbound.ts";
