// Wiring of what is done by mail: addresses verified and changed, passwords forgotten and changed, new devices told of.
import { publicAddressOf } from "../../kernel/config/index.ts";
import type { Database, Sql, Tx } from "../../kernel/db/index.ts";
import type { Route } from "../../kernel/http/index.ts";
import type { Kernel } from "../../kernel/index.ts";
import { createNewDevices, type NewDevices } from "./actions/devices.ts";
import { createEmailActions } from "./actions/email.ts";
import { createConfirmPassword, createPasswordActions, type EndSessions } from "./actions/passwords.ts";
import type { SessionEndings } from "./actions/session-endings.ts";
import { parseEmail } from "./email.ts";
import { emailRoutes } from "./http/email.ts";
import { createResetTask } from "./jobs.ts";
import type { Lockout } from "./lockout.ts";
import { createAccountMails } from "./mails.ts";
import type { User } from "./model.ts";
import type { PasswordCheck } from "./password-check.ts";
import type { PasswordHasher } from "./password-hash.ts";
import { findIdByEmail } from "./store/user-secrets.ts";

export interface EmailFlowDeps {
  readonly kernel: Pick<Kernel, "config" | "clock" | "db" | "jobs" | "mail" | "audit">;
  readonly hasher: PasswordHasher;
  readonly lockout: Lockout;
  readonly checkPassword: PasswordCheck;
  readonly endings: SessionEndings;
}

export interface EmailFlows {
  readonly routes: readonly Route[];
  /** Writes to the owner of a password that was disabled. */
  tellDisabled(tx: Tx, userId: string): Promise<void>;
  /** Call it in the transaction in which a session begins. */
  readonly newDevices: NewDevices;
  /** Call it in the transaction of a sign-up; a user whose address is verified gets no mail. */
  sendVerification(tx: Tx, user: User): Promise<void>;
  /** For any other way in which the address of a user is shown to be his. */
  noteVerified(tx: Tx, userId: string, address: string | null): Promise<void>;
  findVerifiedByEmail(sql: Sql, email: string): Promise<User | undefined>;
  onEmailVerified(hear: (tx: Tx, user: User) => Promise<void>): void;
  readonly endSessions: EndSessions;
}

export function createEmailFlows(deps: EmailFlowDeps): EmailFlows {
  const { kernel, hasher, lockout, checkPassword, endings } = deps;
  const { config, clock, db, mail: mailer, audit } = kernel;
  const hearers: ((tx: Tx, user: User) => Promise<void>)[] = [];
  const { url: publicUrl } = publicAddressOf(config);
  const mails = createAccountMails({ publicUrl, pagesUrl: config.authPagesUrl ?? `${publicUrl}/auth` });
  const confirmPassword = createConfirmPassword(hasher, lockout);
  const emails = createEmailActions({ db, mailer, audit, mails, confirmPassword, hearers });
  const endSessions: EndSessions = async (tx, userId, options) => {
    await endings.endSessions(tx, userId, options);
  };
  const passwords = createPasswordActions({
    db,
    mailer,
    audit,
    mails,
    hasher,
    checkPassword,
    confirmPassword,
    email: emails,
    endSessions,
  });
  const forget = createForget(kernel, passwords.sendReset);
  return {
    routes: emailRoutes({ emails, passwords, forget }),
    tellDisabled: passwords.tellDisabled,
    newDevices: createNewDevices({ clock, mailer, mails }),
    sendVerification: emails.sendVerification,
    noteVerified: emails.noteVerified,
    findVerifiedByEmail: emails.findVerified,
    onEmailVerified: (hear) => void hearers.push(hear),
    endSessions,
  };
}

/** Known or not, an address takes the same statements: the look-up and a job, of which one has nothing to do. */
function createForget(
  { db, jobs }: { readonly db: Database; readonly jobs: Kernel["jobs"] },
  sendReset: (tx: Tx, userId: string) => Promise<void>,
): (email: string) => Promise<void> {
  const task = createResetTask(db, sendReset);
  jobs.register(task);
  return (text) =>
    db.transaction(async (tx) => {
      const id = await findIdByEmail(tx, parseEmail(text)?.key ?? "");
      await jobs.enqueue(tx, task, { user_id: id ?? null });
    });
}
