import { expect, test } from "bun:test";
import { createLine } from "./line.ts";

test("[LIFE-6] work in a line is done one at a time, after failures too, and a full line refuses", async () => {
  const stand = createLine({ maxWaiting: 2, refuse: () => new Error("full") });
  const gate = Promise.withResolvers<void>();
  const seen: string[] = [];
  const first = stand(async () => {
    seen.push("first begins");
    await gate.promise;
    seen.push("first ends");
    throw new Error("first");
  });
  const second = stand(async () => seen.push("second"));
  await expect(stand(async () => seen.push("third"))).rejects.toThrow("full");
  gate.resolve();
  await expect(first).rejects.toThrow("first");
  await second;
  expect(seen).toEqual(["first begins", "first ends", "second"]);
  await stand(async () => seen.push("fourth"));
  expect(seen.at(-1)).toBe("fourth");
});
