// A clock that tests can turn; between turns it goes on like the real one.
import type { Clock } from "../kernel/clock/index.ts";

export interface TestClock extends Clock {
  turn(ms: number): void;
}

export function createTestClock(): TestClock {
  let offsetMs = 0;
  return {
    now: () => Date.now() + offsetMs,
    turn: (ms) => {
      offsetMs += ms;
    },
  };
}
