// The database as modules use it: statements, transactions, LISTEN, over pools that come back by themselves.
import type { SQL } from "bun";
import { type Logger, silentLogger } from "../telemetry/index.ts";
import { isLockTimeout } from "./failure.ts";
import { createGroupCommit } from "./group-commit.ts";
import { createListener } from "./listener.ts";
import { openPool, type PoolOptions } from "./pool.ts";
import { createPools } from "./pools.ts";
import type { Database, Sql, TransactionOptions, Tx } from "./sql.ts";
import { toTx } from "./tx.ts";
import { createWaitingRoom } from "./waiting.ts";

/** Plain data: it may be sent to another thread or process. */
export interface DatabaseOptions extends PoolOptions {
  /** Connections for single statements of requests, and the same again for their transactions. */
  readonly poolSize: number;
  readonly longPoolSize?: number;
}

const LONG_POOL_SIZE = 2;

export function openDatabase(options: DatabaseOptions, log: Logger = silentLogger): Database {
  const sizes = { poolSize: options.poolSize, longPoolSize: options.longPoolSize ?? LONG_POOL_SIZE };
  const pools = createPools(options, sizes, log);
  const waiting = createWaitingRoom();
  const listener = createListener((onClose) => openPool(options, { max: 1, statementTimeoutMs: 0, onClose }));
  const sql = toSql(pools.statements);
  const longSql = toSql(pools.long);

  /** What is done is done: a hint that fails must not make it look undone. */
  function callBack(callbacks: readonly (() => void)[]): void {
    for (const callback of callbacks) {
      try {
        callback();
      } catch (error) {
        log.error({ err: error }, "what was to follow a commit has failed");
      }
    }
  }

  async function transaction<T>(run: (tx: Tx) => Promise<T>, { pool = "requests" }: TransactionOptions = {}) {
    const callbacks: (() => void)[] = [];
    const begin = (admit: () => void) => {
      const client = pool === "long" ? pools.long() : pools.transactions();
      return client.begin((reserved) => {
        admit();
        return run(toTx(asSql(reserved), callbacks));
      });
    };
    // Long work is queued on purpose.
    const result = await (pool === "long" ? begin(() => {}) : waiting.enter(begin));
    callBack(callbacks);
    return result as T;
  }

  async function single<T>(run: (tx: Tx) => Promise<T>, { pool = "requests" }: TransactionOptions = {}) {
    const callbacks: (() => void)[] = [];
    let result: T;
    try {
      result = await run(toTx(pool === "long" ? longSql : sql, callbacks));
    } catch (error) {
      if (!isLockTimeout(error)) throw error;
      // It has left nothing, and waits where nobody stands behind it.
      return transaction(run, { pool });
    }
    callBack(callbacks);
    return result;
  }

  return {
    sql,
    longSql,
    transaction,
    single,
    groupCommit: createGroupCommit({ single, transaction, callBack }),
    listen: listener.listen,
    ping: (timeoutMs) => ping(pools.statements(), timeoutMs),
    async close() {
      await Promise.all([pools.close(), listener.close()]);
    },
  };
}

/** Bun's client has the shape of Sql; only its types are wider. */
function asSql(client: SQL): Sql {
  return client as unknown as Sql;
}

/** Asks for the pool at each statement, since it may have been replaced. */
function toSql(pool: () => SQL): Sql {
  const run = (text: TemplateStringsArray, ...values: unknown[]) => pool()(text, ...values);
  const unsafe = (text: string, values?: unknown[]) => pool().unsafe(text, values);
  // Object.assign keeps the call signature, which is generic in Row and cannot be written on an arrow.
  return Object.assign(run, { unsafe }) as unknown as Sql;
}

async function ping(pool: SQL, timeoutMs: number): Promise<void> {
  const query = pool`SELECT 1`;
  let timer: Timer | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      query.cancel();
      reject(new Error(`the database did not answer within ${timeoutMs} ms`));
    }, timeoutMs);
  });
  try {
    await Promise.race([query, late]);
  } finally {
    clearTimeout(timer);
  }
}
