// What modules see of the database: tagged templates that run, and transactions that must be passed on.

/** A query under way: awaiting it runs it. Rows come as plain objects, columns in snake_case as in the table. */
export interface Query<Row> extends PromiseLike<Row[]> {
  catch<T>(onRejected: (reason: unknown) => T): Promise<Row[] | T>;
  /** Rows as arrays of column values, which spares building objects. */
  values(): PromiseLike<unknown[][]>;
  /** Feeds a `COPY … FROM STDIN`; bytes or text in the format the statement names. */
  writable(): WritableStream<string | Uint8Array>;
  cancel(): void;
}

/**
 * Runs SQL: sql`SELECT … WHERE id = ${id}`. Values become parameters; a nested sql`…` becomes part of the text.
 * bigint columns arrive as text unless cast (`seq::float8`, exact to 2^53); bytea as Uint8Array; jsonb parsed.
 * Arrays are passed as they are (`= ANY(${ids})`, `unnest(${ids}::uuid[])`), objects become JSON.
 */
export interface Sql {
  <Row = Record<string, unknown>>(text: TemplateStringsArray, ...values: unknown[]): Query<Row>;
  /** SQL text of our own making, never of a user's. */
  unsafe<Row = Record<string, unknown>>(text: string, values?: unknown[]): Query<Row>;
}

/** A transaction, or a statement that is one by itself: what every writing store function takes first. */
export interface Tx extends Sql {
  /** Runs after the commit and never if there is none; for hints and wake-ups, since a crash loses it. */
  afterCommit(run: () => void): void;
}

export interface TransactionOptions {
  /** `requests` (default) for work of milliseconds, `long` for batches, so that neither starves the other. */
  readonly pool?: "requests" | "long";
}

export interface Database {
  /** Reads and single statements on the pool for requests. */
  readonly sql: Sql;
  /** The same on the pool for long work. */
  readonly longSql: Sql;
  /** Runs `run` in a READ COMMITTED transaction: committed when it returns, rolled back when it throws. */
  transaction<T>(run: (tx: Tx) => Promise<T>, options?: TransactionOptions): Promise<T>;
  /**
   * For a tail that is one statement: no BEGIN and COMMIT, since PostgreSQL makes each statement a transaction. Where it has
   * to wait for a lock it is run again as a transaction, so `run` may be called twice.
   */
  single<T>(run: (tx: Tx) => Promise<T>, options?: TransactionOptions): Promise<T>;
  /**
   * Like `single`, for a statement that many callers may hand in at once: those that come while a commit is on its way share
   * the next one, in the order of `order`, the id of the project whose rows it locks. When one fails, each is run by itself,
   * so `run` may be called twice.
   */
  groupCommit<T>(order: string, run: (tx: Tx) => Promise<T>): Promise<T>;
  /** Listens on a NOTIFY channel over a connection of its own; `onReady` also runs after each reconnect. */
  listen(
    channel: string,
    onMessage: (payload: string) => void,
    onReady?: () => void,
  ): Promise<() => Promise<void>>;
  /** Rejects when the database does not answer within the time. */
  ping(timeoutMs: number): Promise<void>;
  close(): Promise<void>;
}
