import { expect, test } from "bun:test";
import { createChance } from "../../../testing/chance.ts";
import { allowedDistance, editDistance, letterBits, mayBeNear } from "./edit-distance.ts";

test("[SRC-15] slips are counted: a letter too many, missing, wrong, or two swapped", () => {
  const pairs = [
    ["whale", "whale", 0],
    ["whale", "whales", 1],
    ["whale", "wale", 1],
    ["whale", "whole", 1],
    ["whale", "wahle", 1],
    ["whale", "hawle", 2],
    ["leviathan", "levaithn", 2],
  ] as const;
  for (const [a, b, distance] of pairs) {
    expect([a, b, editDistance(a, b, 2)]).toEqual([a, b, distance]);
    expect([b, a, editDistance(b, a, 2)]).toEqual([b, a, distance]);
  }
  expect(editDistance("whale", "ship", 2)).toBe(3);
  expect(["one", "four", "sevenly", "eightlet", "数据库库"].map(allowedDistance)).toEqual([0, 1, 1, 2, 1]);
});

test("[SRC-15] no word that is near is passed over by its letters", () => {
  const chance = createChance("letters");
  for (let round = 0; round < 5_000; round++) {
    const word = Array.from({ length: 4 + chance.below(8) }, () =>
      String.fromCharCode(97 + chance.below(26)),
    );
    const other = [...word];
    for (let slips = 1 + chance.below(2); slips > 0; slips--) {
      const at = chance.below(other.length);
      const roll = chance.below(4);
      if (roll === 0) other.splice(at, 1);
      else if (roll === 1) other.splice(at, 0, String.fromCharCode(97 + chance.below(26)));
      else if (roll === 2) other[at] = String.fromCharCode(97 + chance.below(26));
      else other.splice(at, 2, ...other.slice(at, at + 2).reverse());
    }
    const [a, b] = [word.join(""), other.join("")];
    if (editDistance(a, b, 2) > 2) continue;
    expect([a, b, mayBeNear(letterBits(a), letterBits(b), 2)]).toEqual([a, b, true]);
  }
});
