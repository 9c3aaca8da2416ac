// One server process of a chaos run: started, killed, stopped, frozen.
import { closeSync, openSync } from "node:fs";
import { join } from "node:path";
import { LIMITS_OFF } from "../../src/testing/limits.ts";

export interface ChaosServer {
  readonly port: number;
  start(): Promise<void>;
  /** kill -9. */
  kill(): Promise<void>;
  /** SIGTERM, and waits for the end. */
  stop(): Promise<void>;
  /** SIGSTOP and SIGCONT: alive and doing nothing. */
  freeze(): void;
  thaw(): void;
}

export interface ChaosServerOptions {
  /** Repository whose src/main.ts is run. */
  readonly root: string;
  readonly directory: string;
  readonly databaseUrl: string;
  readonly secretKey: string;
  readonly port: number;
}

const READY_MS = 60_000;

export function makeServer(options: ChaosServerOptions): ChaosServer {
  const { root, directory, databaseUrl, secretKey, port } = options;
  let child: Bun.Subprocess | undefined;

  async function end(signal: "SIGKILL" | "SIGTERM"): Promise<void> {
    child?.kill(signal);
    await child?.exited;
  }

  return {
    port,
    async start() {
      const log = openSync(join(directory, `server-${port}.log`), "a");
      child = Bun.spawn(
        [process.execPath, "--no-env-file", join(root, "src/main.ts"), "start", "--role", "web"],
        {
          cwd: root,
          env: {
            PATH: process.env.PATH,
            HOME: process.env.HOME,
            PORT: String(port),
            DATABASE_URL: databaseUrl,
            SECRET_KEY: secretKey,
            DATA_DIR: join(directory, `data-${port}`),
            LOG_LEVEL: "warn",
            ...LIMITS_OFF,
            LIVE_CONNECTIONS_PER_USER: "10000",
            SHUTDOWN_GRACE_SECONDS: "5",
          },
          stdout: log,
          stderr: log,
        },
      );
      closeSync(log);
      await untilReady(port, child);
    },
    kill: () => end("SIGKILL"),
    stop: () => end("SIGTERM"),
    freeze: () => child?.kill("SIGSTOP"),
    thaw: () => child?.kill("SIGCONT"),
  };
}

/** Any answer will do: that of an unknown address needs no database. Gives up without a word; chaos may have killed it again. */
async function untilReady(port: number, child: Bun.Subprocess): Promise<void> {
  const deadline = performance.now() + READY_MS;
  while (performance.now() < deadline && child.exitCode === null && child.signalCode === null) {
    const answer = await fetch(`http://127.0.0.1:${port}/api/v1/ready`).catch(() => undefined);
    if (answer) return;
    await Bun.sleep(25);
  }
}
