// The trail of who did what, when, from where and to what: a table of its own, kept longer than the event log.
import type { Tx } from "../db/index.ts";

export interface AuditEntry {
  /** Like `session.reuse_detected` or `collaborator.added`: the thing, then what happened to it. */
  readonly action: string;
  /** The project whose owner may read it; null when it is about an account alone. */
  readonly projectId: string | null;
  /** The account that acted; null when it was the server, or nobody that is known. */
  readonly actorId: string | null;
  /** Id of what it was done to. */
  readonly subject: string;
  /** The client's address, canonical; null when there was no request. */
  readonly address: string | null;
  /** Small facts: ids, roles, names of settings. Never a secret, never a text of users. */
  readonly data?: Readonly<Record<string, unknown>>;
}

export interface Audit {
  /** Records in the transaction of what was done, so that neither is there without the other. */
  record(tx: Tx, entry: AuditEntry): Promise<void>;
}
