// The list of modules, in the order in which they know of each other, and nothing else.
import { kernelMigrations } from "./kernel/create-kernel.ts";
import type { MigrationSet } from "./kernel/db/index.ts";
import type { Kernel } from "./kernel/index.ts";
import { accountsMigrations, createAccounts } from "./modules/accounts/index.ts";
import { coeditMigrations, createCoedit } from "./modules/coedit/index.ts";
import { createDictionary } from "./modules/dictionary/index.ts";
import { createFileRoutes } from "./modules/files/index.ts";
import { createLive, liveMigrations } from "./modules/live/index.ts";
import { createOps } from "./modules/ops/index.ts";
import { createPosts, postsMigrations } from "./modules/posts/index.ts";
import { createProjects, projectsMigrations } from "./modules/projects/index.ts";
import { createSearch } from "./modules/search/index.ts";
import { createTexts, type Texts, textsMigrations } from "./modules/texts/index.ts";
import { createWork, workMigrations } from "./modules/work/index.ts";

export interface App {
  readonly migrations: readonly MigrationSet[];
  /** See Texts. */
  readonly verifyIndexes: Texts["verifyIndexes"];
  /** Makes the next key that signs access tokens, before its time. */
  rotateSigningKey(): Promise<{ readonly id: string; readonly signsFrom: Date }>;
}

export function createApp(kernel: Kernel): App {
  const accounts = createAccounts(kernel);
  const projects = createProjects(kernel, accounts);
  const texts = createTexts(kernel, projects);
  createDictionary(kernel, { projects, texts });
  createSearch(kernel, projects, texts);
  const posts = createPosts(kernel, { accounts, projects, texts });
  createFileRoutes(kernel, projects);
  const live = createLive(kernel, accounts, projects);
  createCoedit(kernel, { projects, posts, live });
  createWork(kernel, projects, live);
  const migrations = [
    accountsMigrations,
    projectsMigrations,
    textsMigrations,
    postsMigrations,
    liveMigrations,
    coeditMigrations,
    workMigrations,
  ];
  createOps(kernel, [...kernelMigrations, ...migrations]);
  return { migrations, rotateSigningKey: accounts.rotateSigningKey, verifyIndexes: texts.verifyIndexes };
}
