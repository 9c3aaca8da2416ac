import { expect, test } from "bun:test";
import { toRepository } from "./repository.ts";
import {
  bunCallers,
  castsWithoutReason,
  environmentReaders,
  moduleState,
  silentOpenings,
} from "./sources.ts";

const places = (problems: readonly string[]) => problems.map((problem) => problem.match(/^[^ ]+:\d+/)?.[0]);

test("[ARC-13] reading the environment elsewhere is named, prose about it is not", () => {
  const repository = toRepository({
    "src/modules/posts/model.ts":
      '// process.env is not for us.\nconst a = "process.env";\nconst b = process.env.B;',
    "src/kernel/config/index.ts": "process.env",
  });
  expect(places(environmentReaders(repository))).toEqual(["src/modules/posts/model.ts:3"]);
});

test("[ARC-14] Bun's APIs outside their rooms are named, however they are reached", () => {
  const repository = toRepository({
    "src/modules/posts/store.ts":
      'import { SQL } from "bun";\nBun.hash("x");\nimport { x } from "bun:sqlite";',
    "src/kernel/db/database.ts": 'import { SQL } from "bun";',
    "src/modules/posts/store.test.ts": 'import { test } from "bun:test";',
  });
  expect(places(bunCallers(repository))).toEqual([
    "src/modules/posts/store.ts:1",
    "src/modules/posts/store.ts:3",
    "src/modules/posts/store.ts:2",
  ]);
});

test("[ARC-15] a module-level let or empty collection is named, unless a comment excuses it", () => {
  const repository = toRepository({
    "src/a.ts": [
      "let count = 0;",
      "const cache = new Map<string, number>();",
      "// Against house style: two ids of one millisecond must sort.",
      "let last = 0;",
      "const FIXED = new Set([1]);",
      "const NOTHING: readonly string[] = [];",
      "const found: string[] = [];",
      "function f() {",
      "  let inner = 0;",
      "}",
    ].join("\n"),
  });
  expect(places(moduleState(repository))).toEqual(["src/a.ts:1", "src/a.ts:2", "src/a.ts:7"]);
});

test("[ARC-16] a cast through unknown without a word is named", () => {
  const repository = toRepository({
    "src/a.ts":
      "const a = b as unknown as C;\n\n\n\n// The loop has filled it.\nconst d = e as unknown as F;",
  });
  expect(places(castsWithoutReason(repository))).toEqual(["src/a.ts:1"]);
});

test("[ARC-17] a file that begins without a sentence is named, SQL too", () => {
  const repository = toRepository({
    "src/a.ts": "export const a = 1;",
    "src/b.ts": "// What b is for, in a sentence.",
    "src/modules/p/migrations/0001_p.sql": "CREATE TABLE p ();",
    "src/c.test.ts": 'import "bun:test";',
  });
  expect(places(silentOpenings(repository))).toEqual(["src/a.ts:1", "src/modules/p/migrations/0001_p.sql:1"]);
});
