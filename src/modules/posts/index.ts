// The face of posts: posts with their history, and collections of them; for co-editing, their bodies.

export type { CoeditedPosts, DocumentKeeper } from "./coediting.ts";
export { createPosts, type Posts, postsMigrations } from "./module.ts";
