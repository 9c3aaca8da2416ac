import { expect, test } from "bun:test";
import { bestOf, msOf } from "../../testing/best-of.ts";
import { type Chance, createChance } from "../../testing/chance.ts";
import { countLines, diffLines, splitLines } from "./line-diff.ts";

test("[PST-11] lines are counted as people do", () => {
  const cases: [text: string, lines: number][] = [
    ["", 0],
    ["a", 1],
    ["a\n", 1],
    ["\n", 1],
    ["a\n\nb", 3],
    ["a\r\nb\rc\n", 3],
  ];
  for (const [text, lines] of cases) expect([text, countLines(text)]).toEqual([text, lines]);
});

test("[PST-11] what an edit added and removed", () => {
  const cases: [before: string, after: string, added: number, removed: number][] = [
    ["", "", 0, 0],
    ["", "a\nb", 2, 0],
    ["a\nb", "", 0, 2],
    ["a\nb\nc", "a\nb\nc\n", 0, 0],
    ["a\nb\nc", "a\r\nb\r\nc", 0, 0],
    ["a\nb\nc", "a\nx\nc", 1, 1],
    ["a\nb\nc", "b\nc\na", 1, 1],
    ["a\nb\nc", "a\nb\nb\nc", 1, 0],
    ["a\nb\nc\na\nb\nb\na", "c\nb\na\nb\na\nc", 2, 3],
  ];
  for (const [before, after, added, removed] of cases)
    expect([before, after, diffLines(before, after)]).toEqual([before, after, { added, removed }]);
});

/** The textbook's table: slow, and surely right. */
function shortest(before: string, after: string): { added: number; removed: number } {
  const [a, b] = [splitLines(before), splitLines(after)];
  let row = new Array<number>(b.length + 1).fill(0);
  for (const line of a) {
    const next = [0];
    for (const [index, other] of b.entries())
      next.push(line === other ? (row[index] ?? 0) + 1 : Math.max(next[index] ?? 0, row[index + 1] ?? 0));
    row = next;
  }
  const common = row.at(-1) ?? 0;
  return { added: b.length - common, removed: a.length - common };
}

function textOf(chance: Chance, words: number): string {
  return Array.from({ length: chance.below(30) }, () => `line ${chance.below(words)}`).join("\n");
}

test("[PST-11] the exact count is the least there is", () => {
  const chance = createChance("line diff");
  for (let round = 0; round < 500; round++) {
    const words = 1 + chance.below(12);
    const [before, after] = [textOf(chance, words), textOf(chance, words)];
    expect([before, after, diffLines(before, after)]).toEqual([before, after, shortest(before, after)]);
  }
});

test("[PST-11] the bounded count is that of a true difference, and no less than the least", () => {
  const chance = createChance("bounded line diff");
  for (let round = 0; round < 500; round++) {
    const [before, after] = [textOf(chance, 40), textOf(chance, 40)];
    const [bounded, least] = [diffLines(before, after, 1), shortest(before, after)];
    expect(bounded.added - bounded.removed).toBe(countLines(after) - countLines(before));
    expect(bounded.added).toBeGreaterThanOrEqual(least.added);
    expect(bounded.added).toBeLessThanOrEqual(countLines(after));
  }
});

test("[PST-11] moved lines of a long text count as few also where the exact search gives up", () => {
  const lines = Array.from({ length: 100_000 }, (_, number) => `line ${number}`);
  const changed = lines.map((line, number) => (number % 3 === 0 ? `${line} changed` : line));
  expect(diffLines(lines.join("\n"), changed.join("\n"))).toEqual({ added: 33_334, removed: 33_334 });
});

test("[PST-11] two long texts that have little in common take bounded time", async () => {
  const chance = createChance("long line diff");
  const random = (words: number) =>
    Array.from({ length: 200_000 }, () => String(chance.below(words))).join("\n");
  for (const words of [2, 1_000_000]) {
    const [before, after] = [random(words), random(words)];
    const tookMs = await bestOf(3_000, () =>
      msOf(() => {
        const { added, removed } = diffLines(before, after);
        expect(added).toBe(removed);
      }),
    );
    // Seconds of slack for a busy machine; without a bound it would be minutes.
    expect(tookMs).toBeLessThan(3_000);
  }
});
