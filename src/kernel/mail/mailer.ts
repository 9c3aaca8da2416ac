// Mails on their way: sealed in the database with what they tell of, sent by a job, gone when they are sent.
import { fileURLToPath } from "node:url";
import { z } from "zod";
import type { Database, MigrationSet } from "../db/index.ts";
import { newId } from "../ids/index.ts";
import { type JobContext, type Jobs, PermanentJobError, type Task } from "../jobs/index.ts";
import type { Part } from "../lifecycle/index.ts";
import type { Secrets } from "../secrets/index.ts";
import type { Logger } from "../telemetry/index.ts";
import { type Carrier, MailRefused } from "./carrier.ts";
import type { Mail, Mailer } from "./mail.ts";
import { checkMail, parseSender, toMessage } from "./message.ts";
import { createOutbox } from "./outbox.ts";
import { createSmtp } from "./smtp.ts";
import { deleteMail, deleteOldMails, findMail, insertMail, type StoredMail } from "./store.ts";

export const mailMigrations: MigrationSet = {
  module: "mail",
  directory: fileURLToPath(new URL("./migrations", import.meta.url)),
};

export interface MailOptions {
  readonly db: Database;
  readonly secrets: Secrets;
  readonly jobs: Pick<Jobs, "register" | "enqueue">;
  readonly log: Logger;
  readonly smtpUrl: string | undefined;
  readonly from: string | undefined;
  /** Where mails lie when there is no mail server. */
  readonly outboxDirectory: string;
  /** Default the mail server of smtpUrl, else the outbox. */
  readonly carrier?: Carrier;
}

const mailInput = z.strictObject({ mail_id: z.uuid() });
type MailInput = z.infer<typeof mailInput>;

const DEFAULT_FROM = "Stoa <stoa@localhost>";
/** More than a server may be silent for, and less than a worker's patience. */
const TIMEOUT_MS = 90_000;
/** With pauses of up to 6 hours they spread over half a day: a mail server may be away for a night. */
const MAX_ATTEMPTS = 17;
const INTERVAL_MS = 3_600_000;

export function createMail(options: MailOptions): Mailer & Part {
  const { db, secrets, jobs, log, smtpUrl } = options;
  const from = parseSender(options.from ?? DEFAULT_FROM);
  const carrier =
    options.carrier ??
    (smtpUrl === undefined
      ? createOutbox({ directory: options.outboxDirectory, log })
      : createSmtp({ url: smtpUrl }));
  let timer: Timer | undefined;

  const task: Task<MailInput> = {
    name: "mail.send",
    input: mailInput,
    // Someone waits for it. Not urgent: a mail server that hangs must not hold the slot kept for urgent jobs.
    priority: "high",
    timeoutMs: TIMEOUT_MS,
    maxAttempts: MAX_ATTEMPTS,
    async run({ mail_id: id }, context) {
      const stored = await findMail(db.sql, id);
      // Sent by an attempt whose end was lost, or too old.
      if (!stored) return { sent: false };
      try {
        const message = toMessage(open(stored), { id, from, date: stored.createdAt });
        await carrier.carry(id, message, context.signal);
      } catch (error) {
        if (!(error instanceof MailRefused)) throw error;
        await remove(id, context);
        throw new PermanentJobError("MAIL_REFUSED", "The mail server refuses this mail for good.", {
          cause: error,
        });
      }
      await remove(id, context);
      return { sent: true };
    },
  };
  jobs.register(task);

  function open({ id, sealed }: StoredMail): Mail {
    let plain: Uint8Array;
    try {
      plain = secrets.decrypt(purposeOf(id), sealed);
    } catch {
      throw new MailRefused("the mail was sealed under another SECRET_KEY");
    }
    // Sealed by send() below, and by nobody else.
    return JSON.parse(Buffer.from(plain).toString("utf8")) as Mail;
  }

  function remove(id: string, context: JobContext): Promise<void> {
    return db.transaction(async (tx) => {
      await context.fence(tx);
      await deleteMail(tx, id);
    });
  }

  async function keepHouse(): Promise<void> {
    try {
      const erased = await db.single(deleteOldMails, { pool: "long" });
      if (erased > 0) log.warn({ mails: erased }, "mails that could not be sent were erased");
    } catch (error) {
      log.warn({ err: error }, "old mails could not be erased; it is tried again in an hour");
    }
  }

  return {
    name: "mail",
    async send(tx, mail) {
      checkMail(mail);
      const id = newId();
      const { to, subject, text } = mail;
      const plain = Buffer.from(JSON.stringify({ to, subject, text }), "utf8");
      await insertMail(tx, { id, sealed: secrets.encrypt(purposeOf(id), plain) });
      await jobs.enqueue(tx, task, { mail_id: id });
    },
    async start() {
      if (timer) return;
      timer = setInterval(() => void keepHouse(), INTERVAL_MS);
      await keepHouse();
    },
    async stop() {
      clearInterval(timer);
      timer = undefined;
      carrier.close();
    },
  };
}

/** So that the text of one mail cannot be put in another's row. */
function purposeOf(id: string): string {
  return `mail ${id}`;
}
