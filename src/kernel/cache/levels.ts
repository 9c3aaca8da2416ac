// The two levels as bentocache has them. Loaded when it is first needed: it takes some 20 MB.
import { BentoCache, bentostore } from "bentocache";
import { memoryDriver } from "bentocache/drivers/memory";
import type { CacheOptions, CachePlan } from "./cache.ts";
import { openRedisLevel } from "./redis-level.ts";

export interface Levels {
  getOrMake<T>(key: string, plan: CachePlan<T>, isForced: boolean): Promise<T>;
  forget(key: string): Promise<void>;
  close(): Promise<void>;
}

/** Raise it when bentocache or this file comes to keep values in another form. */
const PREFIX = "stoa:1";
/** The library's memory wants to know the most there can be; bytes are what bounds it. */
const MAX_ITEMS = 20_000;
/** How long Redis is left alone after a failure. */
const REST_MS = 1_000;
/** How long an old value is given before making a new one is tried again. */
const BACKOFF_MS = 10_000;

export function openLevels({ log, maxMemoryBytes, redisUrl }: CacheOptions): Levels {
  const memory = bentostore().useL1Layer(
    memoryDriver({ maxSize: maxMemoryBytes, maxItems: MAX_ITEMS, serialize: true }),
  );
  const redis = redisUrl === undefined ? undefined : openRedisLevel({ url: redisUrl, log });
  const store = redis ? memory.useL2Layer({ options: {}, factory: redis.forPrefix }) : memory;
  const cache = new BentoCache({
    default: "levels",
    stores: { levels: store },
    prefix: PREFIX,
    suppressL2Errors: true,
    l2CircuitBreakerDuration: REST_MS,
  });

  return {
    getOrMake(key, plan, isForced) {
      return cache.getOrSet({
        key,
        ttl: plan.ttlMs,
        // To the library, from the beginning of the value.
        grace: plan.ttlMs + plan.staleMs,
        graceBackoff: Math.min(BACKOFF_MS, plan.ttlMs),
        timeout: plan.patienceMs,
        forceFresh: isForced,
        factory: (making) =>
          plan.compute({
            // What is kept under a key was made by the same plan.
            stale: making.gracedEntry?.value,
            keepFor: (ttlMs) => making.setOptions({ ttl: ttlMs }),
          }),
      });
    },
    async forget(key) {
      await cache.delete({ key });
    },
    close: async () => redis?.close(),
  };
}
