// The face of the live feed.
export { createLive, type Live, liveMigrations } from "./module.ts";
