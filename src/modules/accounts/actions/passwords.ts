// A new password: chosen by who knows the present one, or by who holds a link that was mailed to the account's address.
import type { Audit } from "../../../kernel/audit/index.ts";
import type { Database, Sql, Tx } from "../../../kernel/db/index.ts";
import type { Mailer } from "../../../kernel/mail/index.ts";
import { parseEmail } from "../email.ts";
import { accountErrors } from "../errors.ts";
import { hashToken } from "../link.ts";
import type { Lockout } from "../lockout.ts";
import type { AccountMails } from "../mails.ts";
import type { EndReason } from "../model.ts";
import { normalisePassword } from "../password.ts";
import type { PasswordCheck } from "../password-check.ts";
import type { PasswordHasher } from "../password-hash.ts";
import { resetPasswordFailures } from "../store/attempts.ts";
import { countMail, deleteLinksOf, findLink, takeLink } from "../store/links.ts";
import { findSecret, type Secret, setPassword } from "../store/user-secrets.ts";
import { findUser } from "../store/users.ts";
import type { EmailActions } from "./email.ts";

/** Throws WRONG_PASSWORD; else says which password it was, so that a change meanwhile is noticed. */
export type ConfirmPassword = (sql: Sql, actor: PasswordOwner, password: string) => Promise<Secret>;

export interface PasswordOwner {
  readonly userId: string;
  /** Where the request comes from: guesses are counted by it too. */
  readonly address: string;
}

/** Counted like a log-in: a stolen session must not be a way to guess. */
export function createConfirmPassword(hasher: PasswordHasher, lockout: Lockout): ConfirmPassword {
  return async (sql, { userId, address }, password) => {
    const secret = await findSecret(sql, userId);
    const { isRight } = await lockout.guard({ userId, address }, () =>
      hasher.verify(secret?.passwordHash, normalisePassword(password)),
    );
    if (!secret || !isRight) throw accountErrors.WRONG_PASSWORD();
    return secret;
  };
}

export interface PasswordActionDeps {
  readonly db: Database;
  readonly mailer: Mailer;
  readonly audit: Audit;
  readonly mails: AccountMails;
  readonly hasher: PasswordHasher;
  readonly checkPassword: PasswordCheck;
  readonly confirmPassword: ConfirmPassword;
  readonly email: Pick<EmailActions, "makeLink" | "noteVerified">;
  readonly endSessions: EndSessions;
}

/** Ends the sessions of a user, all but one if `except` is given; their tokens are dead everywhere within a second. */
export type EndSessions = (
  tx: Tx,
  userId: string,
  options: { readonly except?: string; readonly reason: EndReason },
) => Promise<void>;

export type PasswordActions = ReturnType<typeof createPasswordActions>;

export function createPasswordActions(deps: PasswordActionDeps) {
  const { db, mailer, audit, mails, hasher, checkPassword, confirmPassword, email, endSessions } = deps;

  async function getUser(sql: Sql, id: string) {
    const user = await findUser(sql, id);
    if (!user) throw accountErrors.USER_NOT_FOUND();
    return { ...user, emailKey: parseEmail(user.email)?.key ?? user.email };
  }

  async function tellOwner(tx: Tx, userId: string): Promise<void> {
    const { email: to } = await getUser(tx, userId);
    if (await countMail(tx, userId, "password changed")) await mailer.send(tx, mails.passwordChanged(to));
  }

  return {
    async tellDisabled(tx: Tx, userId: string): Promise<void> {
      const { email: to } = await getUser(tx, userId);
      if (await countMail(tx, userId, "password disabled")) await mailer.send(tx, mails.passwordDisabled(to));
    },

    /** Mails a link for a new password. Called by a job, so that the request took as long for any address. */
    async sendReset(tx: Tx, userId: string): Promise<void> {
      const user = await findUser(tx, userId);
      const address = user && parseEmail(user.email);
      if (!address) return;
      const token = await email.makeLink(tx, { userId, purpose: "reset", email: address });
      if (token !== undefined) await mailer.send(tx, mails.reset(address.address, token));
    },

    /** With the link's token. Signs nobody in (OWASP): whoever has it chooses a password and logs in with that. */
    async reset(input: { token: string; password: string }, address: string): Promise<void> {
      const tokenHash = hashToken(input.token);
      const found = await findLink(db.sql, tokenHash, ["reset"]);
      if (!found) throw accountErrors.LINK_INVALID();
      const password = normalisePassword(input.password);
      // Before the link is used up: a weak password is corrected with the same link.
      await checkPassword(password, await getUser(db.sql, found.userId));
      const hash = await hasher.hash(password);
      await db.transaction(async (tx) => {
        const link = await takeLink(tx, tokenHash, ["reset"]);
        if (!link) throw accountErrors.LINK_INVALID();
        const { userId } = link;
        // A change of the address that a thief has asked for ends too.
        await deleteLinksOf(tx, userId);
        await setPassword(tx, userId, { hash });
        await resetPasswordFailures(tx, userId);
        await endSessions(tx, userId, { reason: "password_reset" });
        await audit.record(tx, {
          action: "password.reset",
          projectId: null,
          actorId: userId,
          subject: userId,
          address,
        });
        await tellOwner(tx, userId);
        // The link came by mail to this address: that shows whose it is.
        await email.noteVerified(tx, userId, address);
      });
    },

    /** By the signed-in user; his other sessions end. */
    async change(
      actor: { userId: string; sessionId: string; address: string },
      input: { currentPassword: string; password: string },
    ): Promise<void> {
      const { userId, sessionId, address } = actor;
      const { passwordVersion: version } = await confirmPassword(db.sql, actor, input.currentPassword);
      const password = normalisePassword(input.password);
      await checkPassword(password, await getUser(db.sql, userId));
      const hash = await hasher.hash(password);
      await db.transaction(async (tx) => {
        await deleteLinksOf(tx, userId);
        if (!(await setPassword(tx, userId, { hash, version }))) throw accountErrors.WRONG_PASSWORD();
        await endSessions(tx, userId, { except: sessionId, reason: "password_changed" });
        await audit.record(tx, {
          action: "password.changed",
          projectId: null,
          actorId: userId,
          subject: userId,
          address,
        });
        await tellOwner(tx, userId);
      });
    },
  };
}
