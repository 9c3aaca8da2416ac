import { expect, test } from "bun:test";
import { createTestClock } from "../../testing/clock.ts";
import { until } from "../../testing/until.ts";
import { createPace } from "./pace.ts";

test("[TXT-33] a quiet project is analysed at once, one that small batches come to waits for more", () => {
  const clock = createTestClock();
  const pace = createPace(clock, () => {});
  expect(pace.delayMs("a", 1)).toBe(0);
  expect(pace.delayMs("a", 1)).toBe(500);
  expect(pace.delayMs("b", 1)).toBe(0);
  // Each one counts, also those that wait: only a second without any makes it quiet.
  clock.turn(900);
  expect(pace.delayMs("a", 1)).toBe(500);
  clock.turn(900);
  expect(pace.delayMs("a", 99)).toBe(500);
  clock.turn(1_000);
  expect(pace.delayMs("a", 1)).toBe(0);
});

test("[TXT-33] a large batch does not wait", () => {
  const pace = createPace(createTestClock(), () => {});
  expect([pace.delayMs("a", 100), pace.delayMs("a", 100), pace.delayMs("a", 1)]).toEqual([0, 0, 500]);
});

test("[TXT-33] the workers are woken at once, or once when the waiting is over", async () => {
  let woken = 0;
  const pace = createPace(createTestClock(), () => woken++);
  pace.wake(0);
  expect(woken).toBe(1);
  pace.wake(1);
  pace.wake(1);
  await until("the waking", () => woken > 1);
  expect(woken).toBe(2);
  pace.wake(1);
  await until("another", () => woken > 2);
});
