// The face of posts: posts with their history, and collections of them. Nobody else asks for them yet.
export { createPosts, postsMigrations } from "./module.ts";
