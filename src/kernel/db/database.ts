// Pools over Bun's SQL client: requests, long work and LISTEN apart, so that a slow one never holds up the others.
import { SQL } from "bun";
import type { Database, Sql, TransactionOptions, Tx } from "./sql.ts";

export interface DatabaseOptions {
  readonly url: string;
  /** Directory of the unix socket, which goes before the url's host. */
  readonly socketDir?: string;
  readonly poolSize: number;
  readonly longPoolSize?: number;
  /** Shown in pg_stat_activity. */
  readonly applicationName: string;
  /** Schema to work in, for tests. */
  readonly searchPath?: string;
}

const CONNECT_TIMEOUT_S = 5;
/** A request's statement never takes longer; long work sets its own bound. */
const STATEMENT_TIMEOUT_MS = 30_000;
/** A transaction that its process has forgotten must not hold back vacuum and locks. */
const IDLE_IN_TRANSACTION_TIMEOUT_MS = 60_000;

export function openDatabase(options: DatabaseOptions): Database {
  const requests = openPool(options, options.poolSize, STATEMENT_TIMEOUT_MS);
  const long = openPool(options, options.longPoolSize ?? 2, 0);
  const pools = { requests, long };

  async function transaction<T>(run: (tx: Tx) => Promise<T>, { pool = "requests" }: TransactionOptions = {}) {
    const callbacks: (() => void)[] = [];
    const result = await pools[pool].begin((client) => run(toTx(asSql(client), callbacks)));
    for (const callback of callbacks) callback();
    return result as T;
  }

  async function single<T>(run: (tx: Tx) => Promise<T>, { pool = "requests" }: TransactionOptions = {}) {
    const callbacks: (() => void)[] = [];
    const result = await run(toTx(asSql(pools[pool]), callbacks));
    for (const callback of callbacks) callback();
    return result;
  }

  return {
    sql: asSql(requests),
    longSql: asSql(long),
    transaction,
    single,
    async listen(channel, onMessage, onReady) {
      const subscription = await long.listen(channel, onMessage, onReady);
      return () => subscription.unlisten();
    },
    async ping(timeoutMs) {
      const query = requests`SELECT 1`;
      const timer = setTimeout(() => query.cancel(), timeoutMs);
      try {
        await query;
      } finally {
        clearTimeout(timer);
      }
    },
    async close() {
      await Promise.all([requests.close({ timeout: 5 }), long.close({ timeout: 5 })]);
    },
  };
}

function openPool(options: DatabaseOptions, max: number, statementTimeoutMs: number): SQL {
  return new SQL({
    url: options.url,
    ...(options.socketDir ? { path: options.socketDir } : {}),
    adapter: "postgres",
    max,
    connectionTimeout: CONNECT_TIMEOUT_S,
    connection: {
      application_name: options.applicationName,
      statement_timeout: String(statementTimeoutMs),
      idle_in_transaction_session_timeout: String(IDLE_IN_TRANSACTION_TIMEOUT_MS),
      timezone: "UTC",
      ...(options.searchPath ? { search_path: options.searchPath } : {}),
    },
  });
}

/** Bun's client has the shape of Sql; only its types are wider. */
function asSql(client: SQL): Sql {
  return client as unknown as Sql;
}

function toTx(sql: Sql, callbacks: (() => void)[]): Tx {
  const run = (text: TemplateStringsArray, ...values: unknown[]) => sql(text, ...values);
  // Object.assign keeps the call signature, which is generic in Row and cannot be written on an arrow.
  return Object.assign(run, {
    unsafe: sql.unsafe.bind(sql),
    afterCommit: (callback: () => void) => void callbacks.push(callback),
  }) as Tx;
}
