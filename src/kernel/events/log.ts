// What the event log offers: its types, and nothing that runs.
import type { Sql, Tx } from "../db/index.ts";
import type { Part } from "../lifecycle/index.ts";
import type { Tail } from "./tail.ts";

export interface NewEvent {
  readonly projectId: string;
  /** Past tense, `post.created`. */
  readonly event: string;
  /** Who did it; null for the server itself. */
  readonly actorId: string | null;
  /** Id of the thing that changed. */
  readonly subject: string;
  /** Ids, versions and small facts, at most 16 KiB as JSON; never bodies. */
  readonly data: Readonly<Record<string, unknown>>;
}

export interface StoredEvent extends NewEvent {
  readonly id: string;
  readonly seq: number;
  readonly at: Date;
}

/** A page of one project's log. `floor` is the oldest number still kept, `seq` the newest given. */
export interface EventPage {
  readonly items: readonly StoredEvent[];
  readonly seq: number;
  readonly floor: number;
  readonly epoch: string;
}

/** Position of a reader over all projects; opaque, stored as text. */
export type BulkPosition = string;

export interface Events extends Part {
  /**
   * Appends in the caller's transaction and returns the number. Takes the project's row lock and holds it to the commit:
   * call it last. In a statement of one's own the same is `events_append(project_id, id, event, actor_id, subject, data)`.
   */
  append(tx: Tx, event: NewEvent): Promise<number>;
  /**
   * Appends to the personal stream of a user, which is a log of its own and is made when it isn't there. After the events of
   * projects, and those of several users in the order of their ids, so that transactions never wait for each other in a ring.
   */
  appendPersonal(tx: Tx, userId: string, event: Omit<NewEvent, "projectId">): Promise<number>;
  /** Makes the personal streams that are not there, for who then calls `events_append` with personalStreamId(userId) himself. */
  openPersonal(tx: Tx, userIds: readonly string[]): Promise<void>;
  /** Wakes the readers of a log after the commit; `append` does it, who calls `events_append` in a statement of his own must. */
  hint(tx: Tx, projectId: string, seq?: number): void;
  /** The same for a commit that was made elsewhere, or before. */
  hintNow(projectId: string): void;
  /** Follows logs as they grow. */
  readonly tail: Tail;
  /** Makes the log of a new project, at number 0. */
  open(tx: Tx, projectId: string): Promise<void>;
  /** Events with seq > since, oldest first, at most `limit`. When since < floor - 1 some are gone: the reader must reload. */
  history(sql: Sql, projectId: string, since: number, limit: number): Promise<EventPage>;
  /** Events of all projects after a position, each exactly once, a project's in order, none of a transaction still open. */
  readAll(
    sql: Sql,
    after: BulkPosition | undefined,
    limit: number,
  ): Promise<{ items: StoredEvent[]; position: BulkPosition }>;
  /** Keeps a bulk reader's position under its name, in the transaction that keeps what it did. */
  saveCursor(tx: Tx, name: string, position: BulkPosition): Promise<void>;
  loadCursor(sql: Sql, name: string): Promise<BulkPosition | undefined>;
  /** Deletes at most `limit` events of a project, in the end its log, and returns how many; call it until that is 0. */
  erase(tx: Tx, projectId: string, limit: number): Promise<number>;
}
