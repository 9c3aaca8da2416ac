// The PostgreSQL that this start works on: the embedded one, started here, or the one that DATABASE_URL names, looked at once.
import { resolve } from "node:path";
import type { Config } from "../kernel/config/index.ts";
import { checkServer, findRunningEmbedded, startEmbedded } from "../kernel/db/index.ts";
import { makeSecretKey, readSecretKey } from "../kernel/secrets/index.ts";
import type { Logger } from "../kernel/telemetry/index.ts";

/** What a process needs to reach the database and to read what is sealed in it. */
export interface DatabaseAccess {
  readonly url: string;
  readonly socketDir: string | undefined;
  readonly secretKey: string;
}

export interface DatabaseServer {
  readonly access: DatabaseAccess;
  /** Where the data is, for people: a directory or a host, no password. */
  readonly place: string;
  /** Whether no process but those of this start can be at work on it. */
  readonly isOurs: boolean;
  stop(options?: { isHurried?: boolean }): Promise<void>;
}

export async function reachDatabase(config: Config, log: Logger): Promise<DatabaseServer> {
  return config.databaseUrl === undefined
    ? await embedded(config, log)
    : await outside(config.databaseUrl, config);
}

/** For a command that may work beside a running server: on the embedded database that it runs, else as reachDatabase. */
export async function joinDatabase(config: Config, log: Logger): Promise<DatabaseServer> {
  const dataDir = resolve(config.dataDir);
  const running = config.databaseUrl === undefined ? await findRunningEmbedded(dataDir) : undefined;
  if (!running) return reachDatabase(config, log);
  const access = { ...running, secretKey: await readSecretKey(dataDir, config.secretKey) };
  return { access, place: `data in ${dataDir}`, isOurs: false, stop: async () => {} };
}

async function embedded(config: Config, log: Logger): Promise<DatabaseServer> {
  const dataDir = resolve(config.dataDir);
  const server = await startEmbedded({
    dataDir,
    log,
    settings: { max_connections: String(connectionsFor(config)) },
    beforeNew: async () => {
      if (config.secretKey === undefined) await makeSecretKey(dataDir);
    },
  });
  try {
    const secretKey = await readSecretKey(dataDir, config.secretKey);
    const access = { url: server.url, socketDir: server.socketDir, secretKey };
    return { access, place: `data in ${dataDir}`, isOurs: true, stop: server.stop };
  } catch (error) {
    await server.stop();
    throw error;
  }
}

/** Two pools for requests, one for long work, LISTEN, and what the job engine keeps; and room for psql and backups. */
function connectionsFor({ webProcesses, databasePoolSize }: Config): number {
  return Math.max(60, (webProcesses + 1) * (2 * databasePoolSize + 12) + 20);
}

async function outside(url: string, config: Config): Promise<DatabaseServer> {
  const { host } = await checkServer(url);
  // The configuration has made sure that SECRET_KEY goes with DATABASE_URL.
  const access = { url, socketDir: undefined, secretKey: config.secretKey ?? "" };
  return { access, place: `data on ${host}`, isOurs: false, stop: async () => {} };
}
