// The list of modules, in the order in which they know of each other, and nothing else.
import type { MigrationSet } from "./kernel/db/index.ts";
import type { Kernel } from "./kernel/index.ts";
import { accountsMigrations, createAccounts } from "./modules/accounts/index.ts";
import { createProjects, projectsMigrations } from "./modules/projects/index.ts";

export interface App {
  readonly migrations: readonly MigrationSet[];
}

export function createApp(kernel: Kernel): App {
  const accounts = createAccounts(kernel);
  createProjects(kernel, accounts);
  return { migrations: [accountsMigrations, projectsMigrations] };
}
