import { expect, test } from "bun:test";
import { toRepository } from "./repository.ts";
import { wrongWords } from "./words.ts";

test("[ARC-23] another spelling and empty praise are named, with the line", () => {
  const repository = toRepository({
    "README.md": "Fine.\nA blazing server.",
    "src/a.ts": "// Analyzes text.\nconst analysed = 1;",
  });
  expect(wrongWords(repository)).toEqual([
    "README.md:2: “blazing”; say what was measured.",
    "src/a.ts:1: “Analyzes”; write analyse, as the API does.",
  ]);
});
