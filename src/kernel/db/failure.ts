// Telling failures of the database apart: it is away, a row is there already, or the statement is wrong.

interface PostgresError {
  readonly code?: string;
  /** SQLSTATE, when the server has answered. */
  readonly errno?: string;
  readonly constraint?: string;
}

const AWAY_CODES = new Set([
  "ERR_POSTGRES_CONNECTION_CLOSED",
  "ERR_POSTGRES_CONNECTION_FAILED",
  "ERR_POSTGRES_CONNECTION_REFUSED",
  "ERR_POSTGRES_CONNECTION_TIMEOUT",
  "ERR_POSTGRES_IDLE_TIMEOUT",
  "ERR_POSTGRES_LIFETIME_TIMEOUT",
  "ECONNREFUSED",
  "ECONNRESET",
  "ENOENT",
]);
// 57P01 to 57P03: shutting down, crashed, starting; 53: out of memory, disk or connections; 08: connection; 25006: read-only.
const AWAY_STATES = /^(57P0[1-3]|53|08|25006)/;

function asPostgresError(error: unknown): PostgresError | undefined {
  return typeof error === "object" && error !== null ? (error as PostgresError) : undefined;
}

/** Whether the database was away, so that the same call may succeed later. What was asked may have been done or not. */
export function isDatabaseAway(error: unknown): boolean {
  const failure = asPostgresError(error);
  if (!failure) return false;
  return AWAY_CODES.has(failure.code ?? "") || AWAY_STATES.test(failure.errno ?? "");
}

// 57014: statement timeout; 55P03: lock timeout; 40P01, 40001: chosen to give way to another transaction.
const BUSY_STATES = /^(57014|55P03|40P01|40001)$/;

/** Whether the database is there but was too busy for this call, which left nothing; the same call may succeed later. */
export function isDatabaseBusy(error: unknown): boolean {
  const failure = asPostgresError(error);
  return failure?.code === "NO_CONNECTION" || BUSY_STATES.test(failure?.errno ?? "");
}

/** Whether a statement waited for a lock longer than its connection allows. */
export function isLockTimeout(error: unknown): boolean {
  return asPostgresError(error)?.errno === "55P03";
}

/** The name of the unique constraint or index that a statement ran into, if that is why it failed. */
export function violatedUnique(error: unknown): string | undefined {
  const failure = asPostgresError(error);
  return failure?.errno === "23505" ? (failure.constraint ?? "") : undefined;
}
