// The contract of the cache with a real Redis behind the memory, and what happens when that Redis dies and comes back.
import { afterAll, expect, test } from "bun:test";
import { createCache } from "../../src/kernel/cache/index.ts";
import { countingPlan, testCache } from "../../src/kernel/cache/testing/contract.ts";
import { silentLogger } from "../../src/kernel/telemetry/index.ts";
import { until } from "../../src/testing/until.ts";
import { startRedis } from "./redis.ts";

let redis = await startRedis();
afterAll(() => redis.kill());

testCache({ name: "Redis", redisUrl: redis.url });

test("[CCH-8] Redis is killed in the midst of it and comes back empty", async () => {
  const open = () => createCache({ log: silentLogger, maxMemoryBytes: 100_000, redisUrl: redis.url });
  const [one, two] = [open(), open()];
  const { plan, counted } = countingPlan((times) => times);
  expect([await one.get("a", plan), await two.get("a", plan)]).toEqual([1, 1]);
  await redis.kill();
  const startedMs = performance.now();
  for (let index = 0; index < 50; index++) await two.get(`b ${index}`, plan);
  expect([await two.get("a", plan), counted.times]).toEqual([1, 51]);
  expect(performance.now() - startedMs).toBeLessThan(1_500);
  redis = await startRedis(redis.port);
  let key = 0;
  const isShared = async () => {
    const made = await one.get(`c ${++key}`, plan);
    return (await two.get(`c ${key}`, plan)) === made;
  };
  await until("both to share again", isShared, { everyMs: 50 });
  await one.stop();
  await two.stop();
});
