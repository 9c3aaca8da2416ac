// The face of ops: what operators and their machines ask a server.
export { createOps, type OpsDeps } from "./module.ts";
