// A PostgreSQL of the user's own: reached once before anything starts, so that what is wrong is said in one sentence.
import { SQL } from "bun";
import { StartError } from "../errors/index.ts";

const OLDEST_VERSION_NUMBER = 160_000;
const CONNECT_TIMEOUT_S = 5;

/** Returns host and port, for people. */
export async function checkServer(url: string): Promise<{ host: string }> {
  const host = hostOf(url);
  const sql = new SQL({ url, adapter: "postgres", max: 1, connectionTimeout: CONNECT_TIMEOUT_S });
  try {
    const [row] = await sql<{ number: number; version: string; recovery: boolean }[]>`
      SELECT current_setting('server_version_num')::int AS number, current_setting('server_version') AS version,
        pg_is_in_recovery() AS recovery`;
    if (!row || row.number < OLDEST_VERSION_NUMBER) {
      throw new StartError(
        `The database at ${host} is PostgreSQL ${row?.version}: Stoa needs version 16 or newer.`,
      );
    }
    if (row.recovery) {
      throw new StartError(
        `The database at ${host} is a read-only replica: set DATABASE_URL to its primary.`,
      );
    }
    return { host };
  } catch (error) {
    throw error instanceof StartError ? error : new StartError(explain(host, error), error);
  } finally {
    await sql.close({ timeout: 0 });
  }
}

/** The last part of the sentence for what may be wrong, by SQLSTATE or by the client's code. */
const SENTENCES: Readonly<Record<string, string>> = {
  "28P01": "refuses the user or the password of DATABASE_URL",
  "28000": "refuses the user of DATABASE_URL",
  "3D000": "has no database of the name in DATABASE_URL",
  "53300": "has no connection free",
  "57P03": "is starting up or shutting down",
  ERR_POSTGRES_CONNECTION_REFUSED: "cannot be reached",
  ERR_POSTGRES_CONNECTION_TIMEOUT: `does not answer within ${CONNECT_TIMEOUT_S} seconds`,
  ERR_POSTGRES_CONNECTION_FAILED: "closes the connection at once",
  ERR_POSTGRES_CONNECTION_CLOSED: "closes the connection at once",
  ERR_POSTGRES_TLS_NOT_AVAILABLE: "does not offer the TLS that DATABASE_URL asks for",
};

function explain(host: string, error: unknown): string {
  const {
    code = "",
    errno = "",
    message = "",
  } = error as { code?: string; errno?: string; message?: string };
  const sentence = SENTENCES[errno] ?? SENTENCES[code] ?? `cannot be used (${message})`;
  return `The database at ${host} ${sentence}: check it and DATABASE_URL.`;
}

/** The parameters that Bun's client takes go before the address itself; a path is the directory of a unix socket. */
function hostOf(url: string): string {
  const { hostname, port, searchParams } = new URL(url);
  const given = ["path", "socket", "host"].flatMap((name) => searchParams.get(name) ?? []);
  const host = given[0] ?? (hostname || "localhost");
  return host.startsWith("/") ? host : `${host}:${port || searchParams.get("port") || 5432}`;
}
