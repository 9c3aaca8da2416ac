import { expect, test } from "bun:test";
import { cycles, importsPastTheFace, kernelThatKnowsModules, productionThatImportsTests } from "./imports.ts";
import { toRepository } from "./repository.ts";

test("[ARC-7] a kernel file that imports a module is named, a type import too", () => {
  const repository = toRepository({
    "src/kernel/db/pool.ts": 'import type { Post } from "../../modules/posts/index.ts";',
  });
  expect(kernelThatKnowsModules(repository)).toEqual([
    "src/kernel/db/pool.ts:1 imports src/modules/posts/index.ts: the kernel knows no module; pass it in as an argument.",
  ]);
});

test("[ARC-8] reaching past a face is named, also over several lines and by re-export", () => {
  const repository = toRepository({
    "src/modules/posts/store.ts": "",
    "src/modules/texts/actions.ts":
      'import {\n  findPost,\n} from "../posts/store.ts";\nimport { a } from "../posts/index.ts";',
    "src/modules/texts/store.ts": 'import { b } from "./model.ts";',
    "src/app.ts": 'export { openDatabase } from "./kernel/db/database.ts";',
  });
  expect(importsPastTheFace(repository)).toEqual([
    "src/app.ts:1 imports src/kernel/db/database.ts: import src/kernel/db/index.ts and export there what is missing.",
    "src/modules/texts/actions.ts:3 imports src/modules/posts/store.ts: import src/modules/posts/index.ts and export there what is missing.",
  ]);
});

test("[ARC-9] a cycle of three is named once, one that only a test closes is none", () => {
  const repository = toRepository({
    "src/modules/a/index.ts": 'import { b } from "../b/index.ts";',
    "src/modules/b/index.ts": 'import type { C } from "../c/index.ts";',
    "src/modules/c/model.ts": 'export type { A } from "../a/index.ts";',
    "src/modules/d/index.ts": "",
    "src/modules/d/actions.test.ts": 'import { e } from "../e/index.ts";',
    "src/modules/e/index.ts": 'import { d } from "../d/index.ts";',
  });
  expect(cycles(repository)).toEqual([
    "src/modules/a → src/modules/b → src/modules/c → src/modules/a: a cycle; let one of them hear the other's event or be handed a function.",
  ]);
});

test("[ARC-10] the program importing its harness is named, a test doing so is not", () => {
  const repository = toRepository({
    "src/main.ts": 'import { openTestDatabase } from "./testing/database.ts";',
    "src/main.test.ts": 'import { test } from "bun:test";',
  });
  expect(productionThatImportsTests(repository)).toEqual([
    "src/main.ts:1 imports src/testing/database.ts: the program must not need its tests.",
  ]);
});
