// The face of work: wiring only.
export { createWork } from "./module.ts";
