// The face of the live feed.
export { createLive, liveMigrations } from "./module.ts";
