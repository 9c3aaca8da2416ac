// Values that are costly to make, kept for a while. What is behind it (levels.ts) is loaded when the first value is asked for.
import type { Part } from "../lifecycle/index.ts";
import type { Logger } from "../telemetry/index.ts";
import type { Levels } from "./levels.ts";

/** What the maker of a value is told, and may say. */
export interface Making<T> {
  /** The value whose time is over, if there is one. When making fails, it is given. */
  readonly stale: T | undefined;
  /** Keeps the value for this long instead of the plan's ttlMs. */
  keepFor(ttlMs: number): void;
}

/** How a value is made and kept. It must be JSON; whoever changes its shape changes its key. */
export interface CachePlan<T> {
  readonly ttlMs: number;
  /** After ttlMs, for how long the old value may still be given when making a new one fails or takes long. */
  readonly staleMs: number;
  /** How long one who could have the old value waits for the new one. */
  readonly patienceMs: number;
  compute(making: Making<T>): Promise<T>;
}

export interface Cache extends Part {
  /** The kept value, or one that is made now. Throws only what `compute` throws. Source: memory, Redis, compute. */
  get<T>(key: string, plan: CachePlan<T>): Promise<T>;
  /** Makes the value now, whatever is kept, and keeps it. Until then others are given the old one. */
  refresh<T>(key: string, plan: CachePlan<T>): Promise<T>;
  /** In this process and in Redis; the memory of other processes keeps it to the end of its time. */
  forget(key: string): Promise<void>;
}

export interface CacheOptions {
  readonly log: Logger;
  /** Bound on the values in memory, in bytes of their JSON. */
  readonly maxMemoryBytes: number;
  /** redis://…; left out, memory alone. */
  readonly redisUrl?: string | undefined;
}

type Attempt = () => Promise<unknown>;

export function createCache(options: CacheOptions): Cache {
  const { log } = options;
  const underWay = new Map<string, Promise<unknown>>();
  let opening: Promise<Levels> | undefined;

  async function levels(): Promise<Levels> {
    opening ??= import("./levels.ts").then(({ openLevels }) => openLevels(options));
    return opening;
  }

  /** What many ask for at once is done once; a failure, too. */
  async function share<T>(name: string, attempt: () => Promise<T>): Promise<T> {
    const known = underWay.get(name);
    // What is under way under this name was begun for the same key, and so for the same T.
    if (known) return known as Promise<T>;
    const promise = attempt().finally(() => underWay.delete(name));
    underWay.set(name, promise);
    return promise;
  }

  async function make<T>(key: string, plan: CachePlan<T>, isForced: boolean): Promise<T> {
    const failed: { error: unknown }[] = [];
    const compute: CachePlan<T>["compute"] = async (making) => {
      try {
        return await plan.compute(making);
      } catch (error) {
        failed.push({ error });
        throw error;
      }
    };
    try {
      return await (await levels()).getOrMake(key, { ...plan, compute }, isForced);
    } catch (error) {
      const [first] = failed;
      if (first) throw first.error;
      log.warn({ err: error, key }, "the cache failed; the value is made without it");
      return plan.compute({ stale: undefined, keepFor: () => {} });
    }
  }

  const quietly = async (attempt: Attempt) => {
    await attempt().catch((error) => log.warn({ err: error }, "the cache failed"));
  };

  return {
    name: "cache",
    get: (key, plan) => share(`get ${key}`, () => make(key, plan, false)),
    refresh: (key, plan) => share(`refresh ${key}`, () => make(key, plan, true)),
    forget: (key) => quietly(async () => (await levels()).forget(key)),
    async start() {},
    async stop() {
      const opened = opening;
      opening = undefined;
      if (opened) await quietly(async () => (await opened).close());
    },
  };
}
