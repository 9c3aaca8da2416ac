import { expect, test } from "bun:test";
import { createTestClock } from "../../testing/clock.ts";
import { until } from "../../testing/until.ts";
import { createPace } from "./pace.ts";

test("[TXT-33] a quiet project is analysed at once, one that small batches come to waits for more", () => {
  const clock = createTestClock();
  const pace = createPace(clock, () => {});
  expect(pace.delayMs("a", 1)).toBe(0);
  expect(pace.delayMs("a", 1)).toBe(250);
  expect(pace.delayMs("b", 1)).toBe(0);
  clock.turn(1_000);
  expect(pace.delayMs("a", 99)).toBe(250);
  clock.turn(1_000);
  expect(pace.delayMs("a", 1)).toBe(250);
  clock.turn(2_000);
  expect(pace.delayMs("a", 1)).toBe(0);
});

test("[TXT-33] the more projects are busy, the longer each waits, up to two seconds", () => {
  const clock = createTestClock();
  const pace = createPace(clock, () => {});
  const handIn = (projects: number) =>
    Array.from({ length: projects }, (_, number) => pace.delayMs(`project ${number}`, 1)).at(-1);
  expect([handIn(50), handIn(50)]).toEqual([0, 1_000]);
  expect(handIn(1_000)).toBe(0);
  expect(handIn(1_000)).toBe(2_000);
  // In the next second as well, and then it is as few as there are.
  clock.turn(1_000);
  expect(handIn(5)).toBe(2_000);
  clock.turn(1_000);
  expect(handIn(5)).toBe(250);
});

test("[TXT-33] a large batch does not wait", () => {
  const pace = createPace(createTestClock(), () => {});
  expect([pace.delayMs("a", 100), pace.delayMs("a", 100), pace.delayMs("a", 1)]).toEqual([0, 0, 250]);
});

test("[TXT-33] a part of an import waits for the rest, whose last part does not wait", () => {
  const pace = createPace(createTestClock(), () => {});
  expect([pace.delayMs("a", 400, true), pace.delayMs("a", 400, true), pace.delayMs("a", 400)]).toEqual([
    250, 250, 0,
  ]);
});

test("[TXT-33] the workers are woken at once, or when the waiting is over", async () => {
  let woken = 0;
  const pace = createPace(createTestClock(), () => woken++);
  pace.wake(0);
  expect(woken).toBe(1);
  pace.wake(20);
  pace.wake(60);
  await until("the first waking", () => woken > 1);
  await until("the second, for what was due later", () => woken > 2);
  pace.wake(1);
  await until("another", () => woken > 3);
});
