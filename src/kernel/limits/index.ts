// The face of limits: how often somebody may ask, and who somebody is.
export { networkOf } from "./address.ts";
export type { Estimate } from "./estimate.ts";
export type { ExactRule } from "./exact.ts";
export { createLimits, type Limits, limitMigrations } from "./limits.ts";
export { createTrustedProxies, type TrustedProxies } from "./proxies.ts";
export type { Verdict } from "./verdict.ts";
