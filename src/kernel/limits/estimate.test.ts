import { expect, test } from "bun:test";
import { createEstimate } from "./estimate.ts";

const MINUTE_MS = 60_000;

function make(perMinute: number, startMs = 1_000 * MINUTE_MS) {
  let now = startMs;
  const estimate = createEstimate({ name: "t ", perMinute, nowMs: () => now });
  return {
    estimate,
    turn: (ms: number) => {
      now += ms;
    },
    /** How many of so many pass at once. */
    pass: (times: number, key = "a") =>
      Array.from({ length: times }, () => estimate.hit(key)).filter((each) => each.isAllowed).length,
  };
}

test("[LIM-5] the limit passes, the rest is refused, and other keys are others", () => {
  const { estimate, pass } = make(60);
  expect(estimate.hit("a")).toEqual({
    isAllowed: true,
    limit: 60,
    remaining: 59,
    resetsAt: 1_001 * 60,
    retryAfterSeconds: 0,
  });
  expect(pass(100)).toBe(59);
  expect(pass(100, "b")).toBe(60);
});

test("[LIM-5] at the turn of two minutes not twice the limit passes", () => {
  const { turn, pass } = make(60);
  turn(50_000);
  expect(pass(100)).toBe(60);
  turn(10_001);
  expect(pass(100)).toBe(1);
  turn(30_000);
  expect(pass(100)).toBe(30);
});

test("[LIM-5] in no 60 seconds does much more than the limit pass", () => {
  const { turn, pass } = make(60);
  const passed: number[] = [];
  for (let second = 0; second < 600; second++) {
    passed.push(pass(second % 7));
    turn(1_000);
  }
  const windows = passed.map((_, from) => passed.slice(from, from + 60).reduce((sum, n) => sum + n, 0));
  expect(Math.max(...windows)).toBeLessThanOrEqual(66);
});

test("[LIM-2] whoever waits as long as an approximate limit says is let in, and not a second sooner", () => {
  for (const limit of [1, 5, 60, 1200]) {
    for (const start of [0, 1, 29_999, 59_000, 59_999]) {
      const { estimate, turn, pass } = make(limit, 7_000 * MINUTE_MS + start);
      pass(limit * 2);
      for (let round = 0; round < 4; round++) {
        const refused = estimate.hit("a");
        expect([limit, start, refused.isAllowed, refused.remaining]).toEqual([limit, start, false, 0]);
        turn(refused.retryAfterSeconds * 1_000 - 1_001);
        expect([limit, start, estimate.hit("a").isAllowed]).toEqual([limit, start, false]);
        turn(1_001);
        expect([limit, start, estimate.exhausted("a")]).toEqual([limit, start, undefined]);
        pass(limit * 2);
      }
    }
  }
});

test("[LIM-8] a flood of addresses takes bounded memory, and none of them is told to the database", () => {
  const { estimate, pass } = make(60);
  expect(pass(40, "steady")).toBe(40);
  const before = process.memoryUsage().heapUsed;
  // What is not bounded takes hundreds of megabytes.
  for (let n = 0; n < 400_000; n++) estimate.hit(`2001:db8:${(n >> 16).toString(16)}:${n & 0xffff}::/64`);
  Bun.gc(true);
  expect(process.memoryUsage().heapUsed - before).toBeLessThan(60e6);
  expect(estimate.untold().map(({ key, n }) => [key, n])).toEqual([["t steady", 40]]);
});

test("[LIM-8] a statement takes a bounded number of keys, and none is left out for good", () => {
  const { estimate, pass } = make(20);
  for (let n = 0; n < 12_000; n++) pass(1, `k${n}`);
  const told = new Set<string>();
  for (let n = 0; n < 3; n++) {
    const counts = estimate.untold();
    expect(counts.length).toBe(5_000);
    estimate.settle(counts, []);
    for (const { key } of counts) told.add(key);
  }
  expect(told.size).toBe(12_000);
  // And what is quiet is no longer asked for.
  const lengths = Array.from({ length: 10 }, () => estimate.untold().length);
  expect(lengths.at(-1)).toBe(0);
});

test("[LIM-8] a key that gave way to a flood and came back is told once", () => {
  const { estimate, pass } = make(60);
  pass(10, "steady");
  for (let n = 0; n < 200_000; n++) estimate.hit(`flood${n}`);
  pass(7, "steady");
  expect(estimate.untold()).toEqual([{ key: "t steady", minute: 1_000, n: 7 }]);
});

test("[LIM-6] a count of a minute that has ended is told under its own minute", () => {
  const { estimate, turn, pass } = make(60);
  pass(10);
  turn(MINUTE_MS);
  pass(5);
  expect(estimate.untold()).toEqual([
    { key: "t a", minute: 1_000, n: 10 },
    { key: "t a", minute: 1_001, n: 5 },
  ]);
  // Nothing came back from the database: it is told again.
  expect(estimate.untold()).toEqual([{ key: "t a", minute: 1_001, n: 5 }]);
});

test("[LIM-9] keys that are quiet are forgotten", () => {
  const { estimate, turn, pass } = make(60);
  pass(60);
  estimate.sweep();
  // Still needed: it is used, and the minute before will count.
  expect(estimate.exhausted("a")).toBeDefined();
  turn(MINUTE_MS);
  estimate.sweep();
  expect(estimate.exhausted("a")).toBeDefined();
  estimate.sweep();
  estimate.sweep();
  expect(estimate.exhausted("a")).toBeUndefined();
  expect(pass(100)).toBe(60);
});
