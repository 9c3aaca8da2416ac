// The bus: small messages between processes that may be lost. Whoever hears one must also poll.
export type { Bus } from "./bus.ts";
export { createPostgresBus as createBus } from "./postgres-bus.ts";
