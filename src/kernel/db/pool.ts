// Pools of Bun's SQL client: one a kind of work, so that none waits for another's connections.
import { SQL } from "bun";

export interface PoolOptions {
  readonly url: string;
  /** Directory of the unix socket, which goes before the url's host. */
  readonly socketDir?: string;
  /** Shown in pg_stat_activity. */
  readonly applicationName: string;
  /** Schema to work in, for tests. */
  readonly searchPath?: string;
}

/** Also how long a request waits for a server that does not answer. */
const CONNECT_TIMEOUT_S = 5;
/** A transaction that its process has forgotten must not hold back vacuum and locks. */
const IDLE_IN_TRANSACTION_TIMEOUT_MS = 60_000;

export interface PoolWork {
  readonly max: number;
  /** 0: none. */
  readonly statementTimeoutMs: number;
  /** After so long without work a connection is given up; default never. */
  readonly idleTimeoutS?: number;
  /** How long a statement waits for a lock; default as long as it may run. */
  readonly lockTimeoutMs?: number;
  /** A connection has ended, or could not be made. */
  readonly onClose?: () => void;
}

/** Connects when it is first asked something. */
export function openPool(
  options: PoolOptions,
  { max, statementTimeoutMs, idleTimeoutS = 0, lockTimeoutMs = 0, onClose }: PoolWork,
): SQL {
  return new SQL({
    url: options.url,
    ...(options.socketDir ? { path: options.socketDir } : {}),
    ...(onClose ? { onclose: onClose } : {}),
    adapter: "postgres",
    max,
    connectionTimeout: CONNECT_TIMEOUT_S,
    idleTimeout: idleTimeoutS,
    connection: {
      application_name: options.applicationName,
      statement_timeout: String(statementTimeoutMs),
      lock_timeout: String(lockTimeoutMs),
      idle_in_transaction_session_timeout: String(IDLE_IN_TRANSACTION_TIMEOUT_MS),
      timezone: "UTC",
      ...(options.searchPath ? { search_path: options.searchPath } : {}),
    },
  });
}

/** Ends within the time whatever the server does; what still runs is rejected. */
export async function closePool(pool: SQL, timeoutS: number): Promise<void> {
  await pool.close({ timeout: timeoutS });
}
