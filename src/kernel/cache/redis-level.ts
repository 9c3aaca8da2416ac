// Redis as the second level, over Bun's own client. It never keeps anyone waiting: what does not answer in time has failed, and is
// connected to anew only after a pause.
import type { L2CacheDriver } from "bentocache/types";
import { RedisClient } from "bun";
import type { Logger } from "../telemetry/index.ts";

export interface RedisLevel {
  /** As bentocache asks for it. */
  forPrefix(options: { prefix?: string }): L2CacheDriver;
  close(): void;
}

export interface RedisLevelOptions {
  /** redis:// or rediss://, with user, password and database where needed. */
  readonly url: string;
  readonly log: Logger;
}

/** For an answer within the same data centre, which takes less than one. */
const COMMAND_MS = 250;
const PAUSE_MS = 1_000;

class AwayError extends Error {}

export function openRedisLevel({ url, log }: RedisLevelOptions): RedisLevel {
  let client: RedisClient | undefined;
  let connecting: Promise<RedisClient> | undefined;
  let nextTryMs = 0;
  let isClosed = false;

  /** Not the client's own reconnecting, which gives up for good after some tries. */
  async function connect(): Promise<RedisClient> {
    const fresh = new RedisClient(url, {
      autoReconnect: false,
      enableOfflineQueue: false,
      connectionTimeout: COMMAND_MS,
    });
    fresh.onclose = () => drop(fresh);
    try {
      await within(fresh.connect());
      if (isClosed) throw new AwayError("Redis is no longer needed");
      client = fresh;
      return fresh;
    } catch (error) {
      fresh.close();
      nextTryMs = performance.now() + PAUSE_MS;
      // Never the error's own text, in which the address may stand with its password.
      log.warn({ part: "cache" }, "Redis cannot be reached; the cache is memory alone meanwhile");
      throw error;
    }
  }

  function drop(lost: RedisClient): void {
    if (client === lost) client = undefined;
  }

  async function run<T>(command: (redis: RedisClient) => Promise<T>): Promise<T> {
    if (!client && !connecting && performance.now() < nextTryMs) throw new AwayError("Redis is away");
    if (!client)
      connecting ??= connect().finally(() => {
        connecting = undefined;
      });
    const redis = client ?? (await connecting);
    if (!redis) throw new AwayError("Redis is away");
    try {
      return await within(command(redis));
    } catch (error) {
      // Whatever it was, answers may be out of step by now.
      drop(redis);
      redis.close();
      nextTryMs = performance.now() + PAUSE_MS;
      throw error;
    }
  }

  function forPrefix(prefix: string): L2CacheDriver {
    const full = (key: string) => `${prefix}:${key}`;
    return {
      type: "l2",
      namespace: (name) => forPrefix(full(name)),
      get: async (key) => (await run((redis) => redis.get(full(key)))) ?? undefined,
      pull: async (key) => (await run((redis) => redis.getdel(full(key)))) ?? undefined,
      async set(key, value, ttl) {
        const bound = ttl === undefined ? [] : ["PX", String(Math.max(1, Math.ceil(ttl)))];
        await run((redis) => redis.send("SET", [full(key), value, ...bound]));
        return true;
      },
      delete: async (key) => (await run((redis) => redis.del(full(key)))) > 0,
      async deleteMany(keys) {
        if (keys.length > 0) await run((redis) => redis.del(...keys.map(full)));
        return true;
      },
      // Nothing here clears: others may keep things under the same prefix.
      async clear() {},
      async disconnect() {},
    };
  }

  return {
    forPrefix: (options) => forPrefix(options.prefix ?? "stoa"),
    close() {
      isClosed = true;
      client?.close();
      client = undefined;
    },
  };
}

async function within<T>(work: Promise<T>): Promise<T> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(
    () => late.reject(new AwayError(`Redis did not answer within ${COMMAND_MS} ms`)),
    COMMAND_MS,
  );
  try {
    return await Promise.race([work, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}
