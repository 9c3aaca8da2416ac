// The face of outbound: calls to the outside, each with a deadline and a bound on what it takes in.
export { type BoundedFetch, createBoundedFetch, OutboundError } from "./bounded-fetch.ts";
