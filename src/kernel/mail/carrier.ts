// What takes a mail away: a mail server, or the outbox; and how each says that it did not.
import type { Message } from "./message.ts";

export interface Carrier {
  /** Resolves when the mail is in other hands for good. Throws MailRefused, or anything else to be tried again. */
  carry(id: string, message: Message, signal: AbortSignal): Promise<void>;
  close(): void;
}

/** Will not be taken, however often it is tried. Its message says nothing of the mail. */
export class MailRefused extends Error {
  constructor(message: string) {
    super(message);
    this.name = "MailRefused";
  }
}

/** Not taken this time. Its message says nothing of the mail. */
export class MailDelayed extends Error {
  constructor(message: string) {
    super(message);
    this.name = "MailDelayed";
  }
}
