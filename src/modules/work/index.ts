// The face of work: wiring only.
export { createWork, workMigrations } from "./module.ts";
