// One PostgreSQL for a test process, the embedded one in a temporary directory, and scratch databases on it.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type EmbeddedPostgres, startEmbedded } from "../kernel/db/index.ts";
import { silentLogger } from "../kernel/telemetry/index.ts";

export interface TestPostgres extends Pick<EmbeddedPostgres, "socketDir" | "pid"> {
  stop(): Promise<void>;
}

let shared: Promise<TestPostgres> | undefined;

/** The process's PostgreSQL, started at the first call. The preload stops it. */
export function testPostgres(): Promise<TestPostgres> {
  shared ??= startTestPostgres();
  return shared;
}

export async function stopTestPostgres(): Promise<void> {
  await (await shared)?.stop();
}

export function testUrl(database: string): string {
  return `postgres://stoa@localhost/${database}`;
}

/** A server of one's own, for tests that kill it: it comes back by itself. */
export async function startTestPostgres(): Promise<TestPostgres> {
  const dataDir = await mkdtemp(join(tmpdir(), "stoa-test-"));
  const settings = { fsync: "off", max_connections: "200" };
  const server = await startEmbedded({ dataDir, log: silentLogger, settings });
  return {
    socketDir: server.socketDir,
    pid: server.pid,
    async stop() {
      await server.stop({ isHurried: true });
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}
