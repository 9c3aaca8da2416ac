// Accounts and projects by themselves, with all that was mailed and recorded, for tests.
import type { AuditEntry } from "../../../kernel/audit/index.ts";
import { kernelMigrations } from "../../../kernel/create-kernel.ts";
import type { Tx } from "../../../kernel/db/index.ts";
import type { Mail } from "../../../kernel/mail/index.ts";
import { openTestDatabase, type TestDatabase } from "../../../testing/database.ts";
import { createTestKernel, type TestKernel, type TestKernelOptions } from "../../../testing/kernel.ts";
import { type Answering, type Person, signUp } from "../../../testing/requests.ts";
import { accountsMigrations, createAccounts } from "../../accounts/index.ts";
import { createProjects, type Projects, projectsMigrations } from "../index.ts";

export interface Stage extends Answering {
  readonly db: TestDatabase;
  readonly kernel: TestKernel;
  readonly projects: Projects;
  /** Of transactions that were committed. */
  readonly mails: Mail[];
  readonly entries: AuditEntry[];
  /** As if the person had just proved that his address is his. */
  verify(person: Person): Promise<void>;
  stop(): Promise<void>;
}

type Hear = Parameters<ReturnType<typeof createAccounts>["onEmailVerified"]>[0];

export async function openStage(options: TestKernelOptions = {}): Promise<Stage> {
  const db = await openTestDatabase([...kernelMigrations, accountsMigrations, projectsMigrations]);
  const kernel = createTestKernel(db, { works: true, ...options });
  const mails: Mail[] = [];
  const entries: AuditEntry[] = [];
  const hearers: Hear[] = [];
  const keep =
    <T>(list: T[]) =>
    async (tx: Tx, item: T) =>
      tx.afterCommit(() => list.push(item));
  const recording = {
    ...kernel,
    mail: { send: keep(mails) },
    audit: { ...kernel.audit, record: keep(entries) },
  };
  const accounts = { ...createAccounts(recording), onEmailVerified: (hear: Hear) => void hearers.push(hear) };
  const projects = createProjects(recording, accounts);
  await kernel.start();
  return {
    db,
    kernel,
    projects,
    mails,
    entries,
    fetch: kernel.http.fetch,
    verify: ({ userId, email }) =>
      db.transaction(async (tx) => {
        await tx`UPDATE users SET email_verified_at = now() WHERE id = ${userId}`;
        const user = { id: userId, email, name: null, emailVerifiedAt: null, createdAt: new Date() };
        for (const hear of hearers) await hear(tx, user);
      }),
    async stop() {
      await kernel.stop();
      await db.close();
    },
  };
}

export async function signUpVerified(stage: Stage): Promise<Person> {
  const person = await signUp(stage);
  await stage.verify(person);
  return person;
}
