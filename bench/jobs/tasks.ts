// What the measured jobs do: nothing, or tell when they began.
import { z } from "zod";
import type { Task } from "../../src/kernel/jobs/index.ts";

export const nothing: Task<{ n: number }> = {
  name: "bench.nothing",
  input: z.object({ n: z.number() }),
  run: async () => null,
};

/** Its result: when it began, in milliseconds since 1970 and fractions, by the clock that all processes of a machine share. */
export const stamp: Task<{ n: number }> = {
  name: "bench.stamp",
  input: z.object({ n: z.number() }),
  priority: "urgent",
  run: async () => preciseNowMs(),
};

export function preciseNowMs(): number {
  return performance.timeOrigin + performance.now();
}
