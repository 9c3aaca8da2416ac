// Chance that can be had again: a seeded generator for fuzz tests, which print the seed so that a failure can be repeated.

export interface Chance {
  readonly seed: number;
  /** In [0, 1). */
  next(): number;
  /** A whole number from 0 to below the bound. */
  below(bound: number): number;
  /** True once in so many times. */
  oneIn(times: number): boolean;
}

/** @param seed default random; FUZZ_SEED in the environment of the tests goes before it. */
export function createChance(
  name: string,
  seed = Number(process.env.FUZZ_SEED ?? Date.now() % 2 ** 31),
): Chance {
  console.log(`${name}: FUZZ_SEED=${seed}`);
  let state = seed >>> 0;
  // mulberry32: enough for choosing what to do next.
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  return {
    seed,
    next,
    below: (bound) => Math.floor(next() * bound),
    oneIn: (times) => next() * times < 1,
  };
}
