// The measured server: started on an empty data directory with default settings but without limits, stopped and removed afterwards.
import { closeSync, openSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { LIMITS_OFF } from "../src/testing/limits.ts";
import { bun, pin, WEB_CORE } from "./pinning.ts";

export interface Stoa extends AsyncDisposable {
  readonly port: number;
  readonly pid: number;
  readonly dataDir: string;
  /** From the start of the process to its first /ready. */
  readonly readyAfterMs: number;
}

const READY_TIMEOUT_MS = 30_000;
const MAIN = join(import.meta.dir, "../src/main.ts");

/** The web process is bound to one core; PostgreSQL and the worker run where there is room. */
export async function startStoa(): Promise<Stoa> {
  const dataDir = await mkdtemp(join(tmpdir(), "stoa-bench-"));
  const port = freePort();
  const logPath = join(dataDir, "bench.log");
  const log = openSync(logPath, "w");
  const startedMs = performance.now();
  const child = Bun.spawn(bun(MAIN, "start"), {
    env: {
      PATH: process.env.PATH,
      HOME: process.env.HOME,
      PORT: String(port),
      ...LIMITS_OFF,
      LIVE_CONNECTIONS_PER_USER: "20000",
      DATA_DIR: dataDir,
    },
    stdout: log,
    stderr: log,
  });
  closeSync(log);
  const stop = async () => {
    process.off("SIGINT", giveUp).off("SIGTERM", giveUp);
    child.kill("SIGTERM");
    await child.exited;
    await rm(dataDir, { recursive: true, force: true });
  };
  const giveUp = () => void stop().then(() => process.exit(130));
  process.once("SIGINT", giveUp).once("SIGTERM", giveUp);
  try {
    await untilReady(port, () => child.exitCode !== null);
  } catch (error) {
    console.error(await Bun.file(logPath).text());
    await stop();
    throw error;
  }
  const readyAfterMs = performance.now() - startedMs;
  pin(child.pid, WEB_CORE);
  return { port, pid: child.pid, dataDir, readyAfterMs, [Symbol.asyncDispose]: stop };
}

function freePort(): number {
  const listener = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data() {} } });
  listener.stop(true);
  return listener.port;
}

async function untilReady(port: number, hasEnded: () => boolean): Promise<void> {
  const deadline = performance.now() + READY_TIMEOUT_MS;
  while (performance.now() < deadline) {
    const answer = await fetch(`http://127.0.0.1:${port}/ready`).catch(() => undefined);
    if (answer?.ok) return;
    if (hasEnded()) throw new Error("the server ended before it was ready");
    await Bun.sleep(10);
  }
  throw new Error(`the server was not ready within ${READY_TIMEOUT_MS} ms`);
}
