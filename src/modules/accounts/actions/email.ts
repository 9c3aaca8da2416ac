// The address of an account: shown to be one's own by a link that was mailed to it, and changed the same way.
import type { Audit } from "../../../kernel/audit/index.ts";
import { type Database, type Sql, type Tx, violatedUnique } from "../../../kernel/db/index.ts";
import type { Mailer } from "../../../kernel/mail/index.ts";
import { type EmailAddress, parseEmail } from "../email.ts";
import { accountErrors } from "../errors.ts";
import { hashToken, LINK_MINUTES, type LinkPurpose, makeToken } from "../link.ts";
import type { AccountMails } from "../mails.ts";
import type { User } from "../model.ts";
import { countMail, type Link, putLink, takeLink } from "../store/links.ts";
import { findIdByEmail, markVerified, replaceEmail } from "../store/user-secrets.ts";
import { findUser } from "../store/users.ts";
import type { ConfirmPassword, PasswordOwner } from "./passwords.ts";

export interface EmailActionDeps {
  readonly db: Database;
  readonly mailer: Mailer;
  readonly audit: Audit;
  readonly mails: AccountMails;
  readonly confirmPassword: ConfirmPassword;
  /** Called in the transaction in which an address becomes verified. */
  readonly hearers: readonly ((tx: Tx, user: User) => Promise<void>)[];
}

export type EmailActions = ReturnType<typeof createEmailActions>;

export function createEmailActions(deps: EmailActionDeps) {
  const { db, mailer, audit, mails, confirmPassword, hearers } = deps;

  /** A new link of this purpose, which ends the older one; undefined when the user has had enough mails of it. */
  async function makeLink(
    tx: Tx,
    link: { userId: string; purpose: LinkPurpose; email: EmailAddress },
  ): Promise<string | undefined> {
    // The older link goes on when no mail brings the newer one.
    if (!(await countMail(tx, link.userId, link.purpose))) return undefined;
    const token = makeToken();
    await putLink(tx, { ...link, tokenHash: hashToken(token), minutes: LINK_MINUTES[link.purpose] });
    return token;
  }

  /** A verification mail; nothing when the address is verified already. */
  async function sendVerification(tx: Tx, user: User): Promise<void> {
    const email = parseEmail(user.email);
    if (user.emailVerifiedAt || !email) return;
    const token = await makeLink(tx, { userId: user.id, purpose: "verify", email });
    if (token !== undefined) await mailer.send(tx, mails.verify(email.address, token));
  }

  /** For every way in which an address is shown to be the user's; nothing happens when it was before. */
  async function noteVerified(tx: Tx, userId: string, address: string | null): Promise<void> {
    if (!(await markVerified(tx, userId))) return;
    await audit.record(tx, {
      action: "email.verified",
      projectId: null,
      actorId: userId,
      subject: userId,
      address,
    });
    await tellHearers(tx, userId);
  }

  async function tellHearers(tx: Tx, userId: string): Promise<void> {
    const user = await findUser(tx, userId);
    if (user) for (const hear of hearers) await hear(tx, user);
  }

  async function applyChange(tx: Tx, { userId, email }: Link, address: string): Promise<void> {
    const before = await replaceEmail(tx, userId, email);
    if (before === undefined) throw accountErrors.LINK_INVALID();
    await audit.record(tx, {
      action: "email.changed",
      projectId: null,
      actorId: userId,
      subject: userId,
      address,
    });
    await mailer.send(tx, mails.emailChanged(before, email.address));
    await tellHearers(tx, userId);
  }

  return {
    makeLink,
    sendVerification,
    noteVerified,

    /** For the signed-in user who has not got the first mail. */
    async sendVerificationAgain(userId: string): Promise<void> {
      await db.transaction(async (tx) => {
        const user = await findUser(tx, userId);
        if (user) await sendVerification(tx, user);
      });
    },

    /** Takes the token of a verification mail, or of a mail to a new address, which then becomes the user's. */
    async verify(token: string, address: string): Promise<void> {
      const taking = db.transaction(async (tx) => {
        const link = await takeLink(tx, hashToken(token), ["verify", "change"]);
        if (!link) throw accountErrors.LINK_INVALID();
        if (link.purpose === "change") await applyChange(tx, link, address);
        else await noteVerified(tx, link.userId, address);
      });
      await taking.catch((error) => {
        // Somebody signed up with it meanwhile; the link is left as it was, since the transaction is undone.
        if (violatedUnique(error) === "users_email_taken") throw accountErrors.EMAIL_TAKEN({ cause: error });
        throw error;
      });
    },

    /** Mails a link to the new address and a notice to the old one. The answer is the same when the address is taken. */
    async askForChange(
      actor: PasswordOwner,
      input: { email: EmailAddress; password: string },
    ): Promise<void> {
      const { userId } = actor;
      const { email } = input;
      await confirmPassword(db.sql, actor, input.password);
      await db.transaction(async (tx) => {
        const user = await findUser(tx, userId);
        if (!user) throw accountErrors.USER_NOT_FOUND();
        const holder = await findIdByEmail(tx, email.key);
        if (holder !== undefined && holder !== userId) {
          if (await countMail(tx, holder, "address taken"))
            await mailer.send(tx, mails.addressTaken(email.address));
          return;
        }
        const token = await makeLink(tx, { userId, purpose: "change", email });
        if (token === undefined) return;
        await mailer.send(tx, mails.change(email.address, token));
        await mailer.send(tx, mails.changeAsked(user.email, email.address));
      });
    },

    /** The user whose address it is for sure; an address that nobody has verified is nobody's. */
    async findVerified(sql: Sql, text: string): Promise<User | undefined> {
      const key = parseEmail(text)?.key;
      const id = key === undefined ? undefined : await findIdByEmail(sql, key);
      const user = id === undefined ? undefined : await findUser(sql, id);
      return user?.emailVerifiedAt ? user : undefined;
    },
  };
}
