import { expect, test } from "bun:test";
import {
  misnumberedRules,
  repeatedTitles,
  rulesWithoutTest,
  testsWithoutNumber,
  testsWithoutRule,
} from "./promises.ts";
import { toRepository } from "./repository.ts";

// Put together from parts: written out, these titles would count as this repository's own.
const titled = (id: string, sentence: string) => `test("[${id}] ${sentence}", () => {});\n`;
const rule = (id: string) => `- **${id}** A sentence.\n`;

test("[ARC-18] a rule that no title names is named; titles of a contract suite and the rule of a shared one count", () => {
  const repository = toRepository({
    "src/kernel/bus/spec.md": rule("BUS-1") + rule("BUS-2") + rule("BUS-3") + rule("BUS-4"),
    "src/kernel/bus/refusals.test.ts": `testRefusals({ rule: "${"BUS"}-4" })`,
    "src/kernel/bus/bus.test.ts": titled("BUS-1", "is heard"),
    "src/kernel/bus/contract.ts": titled("BUS-2", "is heard by all"),
  });
  expect(rulesWithoutTest(repository)).toEqual([
    "src/kernel/bus/spec.md: BUS-3 has no test; write one whose title begins with [BUS-3].",
  ]);
});

test("[ARC-19] a title with a number that is no rule is named", () => {
  const repository = toRepository({
    "src/kernel/bus/spec.md": rule("BUS-1"),
    "src/kernel/bus/bus.test.ts": titled("BUS-1", "a") + titled("BUS-9", "b"),
  });
  expect(testsWithoutRule(repository)).toEqual([
    "src/kernel/bus/bus.test.ts: [BUS-9] is in no spec.md; write the rule down or correct the number.",
  ]);
});

test("[ARC-20] a test of a module without a number is named, in every way of calling test", () => {
  const repository = toRepository({
    "src/modules/p/p.test.ts": `${titled("P-1", "fine")}test("bare", f);\ntest.skipIf(x)("skipped", f);\ntest.each([1, 2])('each', f);`,
  });
  expect(testsWithoutNumber(repository).map((problem) => problem.match(/“(.*?)”/)?.[1])).toEqual([
    "bare",
    "skipped",
    "each",
  ]);
});

test("[ARC-21] a number given twice, a rule in another shape and a spec without rules are named", () => {
  const repository = toRepository({
    "src/kernel/bus/spec.md": `${rule("BUS-1")}- BUS-2 A sentence.\n`,
    "src/kernel/db/spec.md": rule("BUS-1"),
    "src/kernel/jobs/spec.md": "Prose.",
  });
  expect(misnumberedRules(repository)).toEqual([
    "src/kernel/db/spec.md: BUS-1 is also a rule of src/kernel/bus/spec.md; give it a new number.",
    "src/kernel/bus/spec.md: write the rule BUS-2 as “- **BUS-2** A sentence.”",
    "src/kernel/jobs/spec.md has no rule: write what is promised as “- **ABC-1** A sentence.”",
  ]);
});

test("[ARC-22] a title used twice is named", () => {
  const repository = toRepository({
    "src/a.test.ts": titled("A-1", "one") + titled("A-1", "two"),
    "src/b.test.ts": titled("A-1", "one"),
  });
  expect(repeatedTitles(repository)).toEqual([
    "src/b.test.ts: “[A-1] one” is also a title in src/a.test.ts; say what differs.",
  ]);
});
