// The trail of who did what, when, from where and to what: a table of its own, kept longer than the event log.
import type { Query, Sql, Tx } from "../db/index.ts";

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
  /** The same as a part of the statement that does it (`WITH … AS`), where a condition holds; the time of one statement is saved. */
  recordWhere(tx: Tx, entry: AuditEntry, condition: Query<unknown>): Query<unknown>;
  /**
   * Records what left nothing behind, such as a refusal: soon, beside the request, so that the time of an answer does not show
   * it. What comes in a flood, or just before a crash, may be lost.
   */
  recordLater(entry: AuditEntry): void;
  /** Newest first. */
  list(sql: Sql, filter: AuditFilter, page: AuditPage): Promise<readonly AuditRecord[]>;
  /** For a project that is gone for good: deletes at most `limit` of its entries and returns how many. */
  erase(tx: Tx, projectId: string, limit: number): Promise<number>;
}

/** An entry as it is kept. */
export interface AuditRecord extends Required<AuditEntry> {
  readonly id: string;
  /** In whole milliseconds. */
  readonly at: Date;
}

/** Entries of a project, or those about an account alone: what it did and what was done to it. */
export type AuditScope = { readonly projectId: string } | { readonly accountId: string };

export interface AuditFilter {
  readonly of: AuditScope;
  readonly action?: string | undefined;
  readonly actorId?: string | undefined;
  /** Unix milliseconds, the first that counts. */
  readonly fromMs?: number | undefined;
  /** Unix milliseconds, the first that counts no more. */
  readonly toMs?: number | undefined;
}

/** Where an entry stands in a list: Unix milliseconds and id. */
export type AuditPosition = readonly [atMs: number, id: string];

export interface AuditPage {
  readonly before?: AuditPosition | undefined;
  readonly limit: number;
}
