// The face of the cache: memory first, Redis behind it where there is one.
export { type Cache, type CachePlan, createCache, type Making } from "./cache.ts";
