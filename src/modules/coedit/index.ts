// The face of co-editing. Nobody asks it for anything: posts are handed what they need of it.
export { coeditMigrations, createCoedit } from "./module.ts";
