// The face of the live feed.
export { Allowance } from "./allowance.ts";
export type { Closable } from "./connections.ts";
export { type Entrance, proofQuery } from "./entrance.ts";
export { type Caller, CLOSE, type Closing, HELLO_TIMEOUT_MS, MAX_WAITING_BYTES } from "./model.ts";
export { createLive, type Live, liveMigrations } from "./module.ts";
