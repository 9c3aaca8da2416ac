import { expect, test } from "bun:test";
import { toRepository } from "./repository.ts";
import {
  bannedNames,
  borrowedTables,
  emptyRooms,
  filesTooLong,
  misnumberedMigrations,
  missingRooms,
  starExports,
  unknownMechanisms,
} from "./rooms.ts";

test("[ARC-1] a module without its spec is named", () => {
  const repository = toRepository({
    "src/modules/posts/index.ts": "// Face.",
    "src/modules/posts/module.ts": "// Wiring.",
  });
  expect(missingRooms(repository)).toEqual([
    "src/modules/posts/spec.md is missing: every module has spec.md, index.ts, module.ts.",
  ]);
});

test("[ARC-2] a new mechanism and one without a face are named", () => {
  const repository = toRepository({ "src/kernel/magic/index.ts": "", "src/kernel/db/pool.ts": "" });
  expect(unknownMechanisms(repository)).toEqual([
    "src/kernel/db/index.ts is missing: add its face.",
    "src/kernel/magic is no mechanism of the kernel: put it in a module or in one of its mechanisms.",
  ]);
});

test("[ARC-3] shapes are refused as names, of files and folders", () => {
  const repository = toRepository({
    "src/modules/posts/post-utils.ts": "",
    "src/modules/posts/helpers/slug.ts": "",
    "src/modules/posts/types.test.ts": "",
    "src/modules/posts/misconduct.ts": "",
  });
  expect(bannedNames(repository).map((problem) => problem.split(":")[0])).toEqual([
    "src/modules/posts/helpers/slug.ts",
    "src/modules/posts/post-utils.ts",
    "src/modules/posts/types.test.ts",
  ]);
});

test("[ARC-4] a file of nothing but comments is empty", () => {
  const repository = toRepository({ "src/modules/posts/jobs.ts": "// What it does later.\n" });
  expect(emptyRooms(repository)).toHaveLength(1);
});

test("[ARC-5] the 401st line is one too many", () => {
  const repository = toRepository({ "src/a.ts": "x;\n".repeat(400), "src/b.ts": "x;\n".repeat(401) });
  expect(filesTooLong(repository)).toEqual([
    "src/b.ts has 401 lines, more than 400: make it a folder, one file a verb.",
  ]);
});

test("[ARC-6] a gap in the numbers and a migration elsewhere are named", () => {
  const folder = "src/modules/posts/migrations";
  const repository = toRepository({
    [`${folder}/0001_posts.sql`]: "",
    [`${folder}/0003_paths.sql`]: "",
    "src/modules/posts/0001_lost.sql": "",
  });
  expect(misnumberedMigrations(repository)).toEqual([
    "src/modules/posts/0001_lost.sql: a migration lies in <module>/migrations and is called 0001_subject.sql.",
    `${folder}/0003_paths.sql: number it 0002, the next of its folder.`,
  ]);
});

test("[ARC-11] star and default exports are named, with their line", () => {
  const repository = toRepository({
    "src/a.ts": 'export * from "./b.ts";\nexport default 1;\n// export * in prose\n',
  });
  expect(starExports(repository)).toEqual([
    "src/a.ts:1: no “export *”; name each export.",
    "src/a.ts:2: no “export default”; name each export.",
  ]);
});

test("[ARC-12] a query of another folder's table is named, one's own is not", () => {
  const repository = toRepository({
    "src/modules/posts/migrations/0001_posts.sql": "CREATE TABLE posts (id uuid)",
    "src/modules/posts/store.ts": "sql`SELECT 1 FROM posts`",
    "src/modules/texts/store.ts": "sql`\n SELECT 1 FROM paragraphs JOIN posts USING (id)`",
  });
  expect(borrowedTables(repository)).toEqual([
    "src/modules/texts/store.ts:2 reads posts, a table of src/modules/posts: ask its face.",
  ]);
});
