// Accounts with a real mail server behind them, and a record of what they tell of: for the tests of what is done by mail.
import { kernelMigrations } from "../../../kernel/create-kernel.ts";
import { createLogger } from "../../../kernel/telemetry/index.ts";
import { openTestDatabase, type TestDatabase } from "../../../testing/database.ts";
import { createTestKernel, type TestKernel } from "../../../testing/kernel.ts";
import { openMailServer, type ReceivedMail, type TestMailServer } from "../../../testing/mail-server.ts";
import { type Accounts, accountsMigrations, createAccounts } from "../index.ts";

export interface MailedAccounts {
  readonly db: TestDatabase;
  readonly kernel: TestKernel;
  readonly accounts: Accounts;
  readonly smtp: TestMailServer;
  /** `action` and `subject` of what was audited of addresses and passwords, in order. */
  readonly audited: { action: string; subject: string; data: unknown }[];
  /** All that was logged. */
  readonly lines: string[];
  close(): Promise<void>;
}

export async function openMailedAccounts(environment: Record<string, string> = {}): Promise<MailedAccounts> {
  const db = await openTestDatabase([...kernelMigrations, accountsMigrations]);
  const smtp = await openMailServer();
  const lines: string[] = [];
  const output = { write: (line: string) => void lines.push(line), flush: () => {} };
  const kernel = createTestKernel(db, {
    works: true,
    log: createLogger({ level: "debug", process: "test", output }),
    environment: { ...smtp.environment, PUBLIC_URL: "https://stoa.test", ...environment },
  });
  const audited: MailedAccounts["audited"] = [];
  const audit: TestKernel["audit"] = {
    ...kernel.audit,
    async record(tx, entry) {
      if (!/^(email|password)\./.test(entry.action)) return;
      tx.afterCommit(() => void audited.push({ action: entry.action, subject: entry.subject, data: entry }));
    },
  };
  const accounts = createAccounts({ ...kernel, audit });
  await kernel.start();
  return {
    db,
    kernel,
    accounts,
    smtp,
    audited,
    lines,
    async close() {
      await kernel.stop();
      await smtp.stop();
      await db.close();
    },
  };
}

/** The token of the link in a mail. */
export function tokenIn(mail: ReceivedMail): string {
  const [, token] = mail.text.match(/^https:\/\/\S+#token=(\S+)$/m) ?? [];
  if (token === undefined) throw new Error(`no link in: ${mail.text}`);
  return token;
}
