import { expect, test } from "bun:test";
import { createChance } from "../../testing/chance.ts";
import { retryDelayMs } from "./retry.ts";

test("[JOB-16] the pause before a retry is between nothing and twice as much each time, 6 hours at most", () => {
  const ceilings = Array.from({ length: 16 }, (_, index) => retryDelayMs(index + 1, null, () => 1));
  expect(ceilings.slice(0, 4)).toEqual([2_000, 4_000, 8_000, 16_000]);
  expect(ceilings.slice(12)).toEqual([8_192_000, 16_384_000, 21_600_000, 21_600_000]);
  expect(retryDelayMs(3, null, () => 0)).toBe(0);
  expect(retryDelayMs(1000, null, () => 1)).toBe(21_600_000);
});

test("[JOB-16] jobs that failed together are spread over the whole time", () => {
  const chance = createChance("jitter");
  const quarters = [0, 0, 0, 0];
  for (let n = 0; n < 4000; n++) {
    const quarter = Math.floor(retryDelayMs(2, null, chance.next) / 1000);
    quarters[quarter] = (quarters[quarter] ?? 0) + 1;
  }
  for (const count of quarters) expect(Math.abs(count - 1000)).toBeLessThan(200);
});

test("[JOB-17] what the dependency asked for comes first, the jitter on top", () => {
  expect(retryDelayMs(1, 60_000, () => 0)).toBe(60_000);
  expect(retryDelayMs(1, 60_000, () => 0.5)).toBe(61_000);
});
