// A server for tests that is always at it: unloads a document as soon as nobody wants it, and saves bodies soon and often.
import { kernelMigrations } from "../../../kernel/create-kernel.ts";
import { migrate } from "../../../kernel/db/index.ts";
import { openAgain, openTestDatabase, type TestDatabase } from "../../../testing/database.ts";
import { createTestKernel } from "../../../testing/kernel.ts";
import type { Answering } from "../../../testing/requests.ts";
import { accountsMigrations, createAccounts } from "../../accounts/index.ts";
import { createLive, liveMigrations } from "../../live/index.ts";
import { createPosts, postsMigrations } from "../../posts/index.ts";
import { createProjects, projectsMigrations } from "../../projects/index.ts";
import { createTexts, textsMigrations } from "../../texts/index.ts";
import { coeditMigrations, createCoedit } from "../index.ts";

export interface RestlessServer extends Answering {
  readonly port: number;
  readonly db: TestDatabase;
  /** Documents that are loaded. */
  countDocuments(): Promise<number>;
  stop(): Promise<void>;
}

const RESTLESS = { pollMs: 2, beatMs: 0, unloadAfterMs: 0, followAfterMs: 150, followEveryMs: 400 };

/** @param first another process of the same installation. */
export async function openRestless(secretKey: string, first?: RestlessServer): Promise<RestlessServer> {
  const db = first ? openAgain(first.db) : await openTestDatabase();
  const kernel = createTestKernel(db, { secretKey });
  const accounts = createAccounts(kernel);
  const projects = createProjects(kernel, accounts);
  const texts = createTexts(kernel, projects);
  const posts = createPosts(kernel, { accounts, projects, texts });
  const live = createLive(kernel, accounts, projects);
  createCoedit(kernel, { projects, posts, live }, { rhythm: RESTLESS });
  const sets = [accountsMigrations, projectsMigrations, textsMigrations, postsMigrations, liveMigrations];
  await migrate(db, [...kernelMigrations, ...sets, coeditMigrations]);
  await kernel.start();
  await kernel.http.start();
  return {
    db,
    port: Number(new URL(kernel.http.address() ?? "").port),
    fetch: kernel.http.fetch,
    async countDocuments() {
      const text = await kernel.metrics.render();
      return Number(/^stoa_coedit_documents (\d+)/m.exec(text)?.[1]);
    },
    async stop() {
      await kernel.http.stop();
      await kernel.stop();
      await db.close();
    },
  };
}
