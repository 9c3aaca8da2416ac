// The house style, checked by machine: each failure names the file and says what to do.
import { expect, test } from "bun:test";
import { join } from "node:path";
import { generateDocuments } from "../scripts/documents.ts";
import { dependencyProblems } from "./architecture/dependencies.ts";
import {
  cycles,
  importsPastTheFace,
  kernelThatKnowsModules,
  productionThatImportsTests,
} from "./architecture/imports.ts";
import { brokenLinks, missingFromArchitecture } from "./architecture/links.ts";
import {
  misnumberedRules,
  repeatedTitles,
  rulesWithoutTest,
  testsWithoutNumber,
  testsWithoutRule,
} from "./architecture/promises.ts";
import { type Repository, readRepository } from "./architecture/repository.ts";
import {
  bannedNames,
  borrowedTables,
  emptyRooms,
  filesTooLong,
  misnumberedMigrations,
  missingRooms,
  starExports,
  unknownMechanisms,
} from "./architecture/rooms.ts";
import {
  bunCallers,
  castsWithoutReason,
  environmentReaders,
  moduleState,
  silentOpenings,
} from "./architecture/sources.ts";
import { wrongWords } from "./architecture/words.ts";

const repository = readRepository(join(import.meta.dir, ".."));

const RULES: readonly (readonly [title: string, check: (repository: Repository) => string[]])[] = [
  ["[ARC-1] every module has its compulsory rooms", missingRooms],
  ["[ARC-2] the kernel is a closed set of mechanisms with faces", unknownMechanisms],
  ["[ARC-3] files are named by their subject", bannedNames],
  ["[ARC-4] no room is empty", emptyRooms],
  ["[ARC-5] no file passes 400 lines", filesTooLong],
  ["[ARC-6] migrations are numbered without gaps", misnumberedMigrations],
  ["[ARC-7] the kernel imports no module", kernelThatKnowsModules],
  ["[ARC-8] what another folder offers is imported from its face", importsPastTheFace],
  ["[ARC-9] neither kernel nor modules form a cycle", cycles],
  ["[ARC-10] the program does not import its tests", productionThatImportsTests],
  ["[ARC-11] every export has a name", starExports],
  ["[ARC-12] only its owner reads a table", borrowedTables],
  ["[ARC-13] the environment is read in one place", environmentReaders],
  ["[ARC-14] Bun's own APIs stay in a few rooms", bunCallers],
  ["[ARC-15] no module holds state of its own", moduleState],
  ["[ARC-16] a cast past the compiler carries its reason", castsWithoutReason],
  ["[ARC-17] every file opens with what it is for", silentOpenings],
  ["[ARC-18] every rule has a test", rulesWithoutTest],
  ["[ARC-19] every number in a test's title is a rule", testsWithoutRule],
  ["[ARC-20] every test of the kernel and the modules names its rule", testsWithoutNumber],
  ["[ARC-21] rules are numbered once and written alike", misnumberedRules],
  ["[ARC-22] no two tests have one title", repeatedTitles],
  ["[ARC-23] house words are kept", wrongWords],
  ["[ARC-24] links between documents lead somewhere", brokenLinks],
  ["[ARC-25] dependencies are pinned, explained and free", dependencyProblems],
  ["[ARC-28] the architecture names every folder of the kernel and the modules", missingFromArchitecture],
];

for (const [title, check] of RULES) {
  test(title, () => expect(check(repository)).toEqual([]));
}

test("[ARC-26] the generated documents say what the code says", async () => {
  const documents = await generateDocuments();
  const stale = Object.keys(documents).filter((path) => repository.files.get(path)?.text !== documents[path]);
  expect(stale.map((path) => `${path} is not what the code says: run npm run docs.`)).toEqual([]);
});
