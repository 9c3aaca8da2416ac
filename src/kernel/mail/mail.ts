// Mail: handed in with the transaction of what it tells, sent by a job until the mail server has taken it.
import type { Tx } from "../db/index.ts";

export interface Mail {
  /** One address. */
  readonly to: string;
  readonly subject: string;
  /** Plain text; a link stands on a line of its own. */
  readonly text: string;
}

export interface Mailer {
  /** Hands in a mail in the caller's transaction. What it says is sealed until it is sent: it may hold a one-time link. */
  send(tx: Tx, mail: Mail): Promise<void>;
}
