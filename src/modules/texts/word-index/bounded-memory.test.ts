import { expect, test } from "bun:test";
import { createBoundedMemory } from "./bounded-memory.ts";

/** Besides its value each entry counts 160 bytes. */
const ENTRY = 160;

test("[TXT-31] what is remembered is bounded, and what was not used for longest goes first", () => {
  const memory = createBoundedMemory<string>(3 * (ENTRY + 100));
  for (const key of ["a", "b", "c"]) memory.set(key, key.toUpperCase(), 100);
  expect(memory.get("a")).toBe("A");
  memory.set("d", "D", 100);
  expect(["a", "b", "c", "d"].map((key) => memory.get(key))).toEqual(["A", undefined, "C", "D"]);
  // One that has grown takes the place of two.
  memory.set("c", "CC", 100 + ENTRY + 100);
  expect(["a", "c", "d"].map((key) => memory.get(key))).toEqual([undefined, "CC", "D"]);
  memory.delete("c");
  memory.set("e", "E", 100);
  memory.set("f", "F", 100);
  expect(["c", "d", "e", "f"].map((key) => memory.get(key))).toEqual([undefined, "D", "E", "F"]);
});

test("[TXT-31] the newest is remembered however large it is", () => {
  const memory = createBoundedMemory<string>(1_000);
  memory.set("small", "s", 1);
  memory.set("large", "l", 1_000_000);
  expect([memory.get("small"), memory.get("large")]).toEqual([undefined, "l"]);
  memory.set("next", "n", 1);
  expect([memory.get("large"), memory.get("next")]).toEqual([undefined, "n"]);
});
