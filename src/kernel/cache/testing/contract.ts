// What the cache must do on every engine: one suite, run over memory alone and over memory with a real Redis behind it.
import { afterEach, expect, test } from "bun:test";
import { until } from "../../../testing/until.ts";
import { silentLogger } from "../../telemetry/index.ts";
import { type Cache, type CachePlan, createCache } from "../index.ts";

export interface CacheEngine {
  readonly name: string;
  readonly redisUrl?: string;
}

const MINUTE_MS = 60_000;
const MB = 1_048_576;

/** Keeps for a minute and counts how often it makes. */
export function countingPlan<T>(make: (times: number) => Promise<T> | T, plan: Partial<CachePlan<T>> = {}) {
  const counted = { times: 0 };
  return {
    counted,
    plan: {
      ttlMs: MINUTE_MS,
      staleMs: MINUTE_MS,
      patienceMs: MINUTE_MS,
      compute: async () => make(++counted.times),
      ...plan,
    } satisfies CachePlan<T>,
  };
}

export function testCache({ name, redisUrl }: CacheEngine): void {
  const opened: Cache[] = [];
  const open = (maxMemoryBytes = MB) => {
    const cache = createCache({ log: silentLogger, maxMemoryBytes, redisUrl });
    opened.push(cache);
    return cache;
  };
  /** Redis outlives a run of the tests. */
  const newKey = () => `contract:${crypto.randomUUID()}`;
  afterEach(async () => {
    for (const cache of opened.splice(0)) await cache.stop();
  });
  /** Of values that are kept for 20 ms at most. */
  const expired = () => {
    const at = Date.now() + 25;
    return until("the time to be over", () => Date.now() >= at);
  };

  test(`[CCH-1] ${name}: made once, then given until its time is over`, async () => {
    const cache = open();
    const key = newKey();
    const value = { words: ["whale", "é 鯨 '"], count: 3, none: null };
    const { plan, counted } = countingPlan(() => value, { ttlMs: MINUTE_MS });
    expect([await cache.get(key, plan), await cache.get(key, plan), counted.times]).toEqual([
      value,
      value,
      1,
    ]);
    const brief = countingPlan((times) => times, { ttlMs: 20 });
    const other = newKey();
    expect(await cache.get(other, brief.plan)).toBe(1);
    await expired();
    expect(await cache.get(other, brief.plan)).toBe(2);
  });

  test(`[CCH-2] ${name}: fifty at once make one`, async () => {
    const cache = open();
    const key = newKey();
    const gate = Promise.withResolvers<number>();
    const { plan, counted } = countingPlan(() => gate.promise);
    const fifty = Array.from({ length: 50 }, () => cache.get(key, plan));
    await until("it to be made", () => counted.times > 0);
    gate.resolve(7);
    expect([new Set(await Promise.all(fifty)), counted.times]).toEqual([new Set([7]), 1]);
    const failing = countingPlan(() => Promise.reject(new Error("no")));
    const failed = Array.from({ length: 50 }, () => cache.get(`${key}:failing`, failing.plan));
    const reasons = (await Promise.allSettled(failed)).map((each) =>
      each.status === "rejected" ? String(each.reason) : "none",
    );
    expect([new Set(reasons), failing.counted.times]).toEqual([new Set(["Error: no"]), 1]);
  });

  test(`[CCH-3] ${name}: the old value when making fails, until it is too old`, async () => {
    const cache = open();
    const key = newKey();
    const failsLater = (times: number) => (times === 1 ? "old" : Promise.reject(new Error("down")));
    const { plan, counted } = countingPlan<string>(failsLater, { ttlMs: 20, staleMs: MINUTE_MS });
    expect(await cache.get(key, plan)).toBe("old");
    await expired();
    expect([await cache.get(key, plan), counted.times]).toEqual(["old", 2]);
    const short = countingPlan<string>(failsLater, { ttlMs: 5, staleMs: 5 });
    const other = newKey();
    expect(await cache.get(other, short.plan)).toBe("old");
    await expired();
    expect(await cache.get(other, short.plan).catch(String)).toBe("Error: down");
  });

  test(`[CCH-3] ${name}: the old value when making takes long, and the new one soon after`, async () => {
    const cache = open();
    const key = newKey();
    const gate = Promise.withResolvers<string>();
    const { plan } = countingPlan<string>((times) => (times === 1 ? "old" : gate.promise), {
      ttlMs: 20,
      patienceMs: 10,
    });
    expect(await cache.get(key, plan)).toBe("old");
    await expired();
    expect(await cache.get(key, plan)).toBe("old");
    gate.resolve("new");
    const lasting = { ...plan, compute: () => gate.promise };
    await until("the new value", async () => (await cache.get(key, lasting)) === "new");
  });

  test(`[CCH-4] ${name}: kept for a shorter time, and the old value is known`, async () => {
    const cache = open();
    const key = newKey();
    const seen: unknown[] = [];
    const { plan } = countingPlan<number>(() => 0);
    const shorter: CachePlan<number> = {
      ...plan,
      async compute({ stale, keepFor }) {
        seen.push(stale);
        keepFor(20);
        return seen.length;
      },
    };
    expect(await cache.get(key, shorter)).toBe(1);
    await expired();
    expect([await cache.get(key, shorter), seen]).toEqual([2, [undefined, 1]]);
  });

  test(`[CCH-5] ${name}: made anew before its time, and forgotten`, async () => {
    const cache = open();
    const key = newKey();
    const gate = Promise.withResolvers<void>();
    const { plan, counted } = countingPlan(async (times) => {
      if (times === 2) await gate.promise;
      return times;
    });
    expect(await cache.get(key, plan)).toBe(1);
    const refreshing = cache.refresh(key, plan);
    await until("the second to be under way", () => counted.times === 2);
    expect(await cache.get(key, plan)).toBe(1);
    gate.resolve();
    expect([await refreshing, await cache.get(key, plan)]).toEqual([2, 2]);
    await cache.forget(key);
    expect(await cache.get(key, plan)).toBe(3);
  });

  if (redisUrl === undefined) return;

  test("[CCH-7] what one process has made others are given, also those that start later", async () => {
    const [one, two] = [open(), open()];
    const key = newKey();
    const { plan, counted } = countingPlan((times) => ({ times }));
    expect(await one.get(key, plan)).toEqual({ times: 1 });
    expect(await two.get(key, plan)).toEqual({ times: 1 });
    await one.stop();
    expect([await open().get(key, plan), counted.times]).toEqual([{ times: 1 }, 1]);
  });
}
