// The command start: runs until a signal, then stops everything and ends with 0.
import { readFileSync } from "node:fs";
import { type Config, loadConfig } from "../kernel/config/index.ts";
import { StartError } from "../kernel/errors/index.ts";
import { PRIORITIES, type Priority } from "../kernel/jobs/index.ts";
import { createLogger } from "../kernel/telemetry/index.ts";
import type { Command, Role } from "./command-line.ts";
import { createServer, type Server } from "./server.ts";

/** On top of the grace time, for closing what is closed and the database's checkpoint. */
const CLOSING_MS = 30_000;
/** npm passes on the Ctrl-C that the terminal has sent to both of us: what comes this soon is the same signal. */
const ECHO_MS = 1_000;
const SIGNALS = { SIGINT: 2, SIGTERM: 15, SIGHUP: 1 } as const;

export type StartOptions = Pick<Extract<Command, { command: "start" }>, "role" | "lanes">;

export async function start({ role, lanes: words }: StartOptions): Promise<void> {
  const lanes = words === undefined ? undefined : parseLanes(words);
  const { config } = loadConfig();
  const log = createLogger({ level: config.logLevel, process: "main" });
  const server = createServer({ config, log, role, lanes });
  let stoppingSince: number | undefined;

  for (const signal of ["SIGINT", "SIGTERM", ...(isHangUpIgnored() ? [] : ["SIGHUP" as const])] as const) {
    process.on(signal, () => {
      if (stoppingSince === undefined) {
        stoppingSince = performance.now();
        void stop(signal);
      } else if (performance.now() - stoppingSince > ECHO_MS) void abandon(server, 128 + SIGNALS[signal]);
    });
  }
  for (const kind of ["uncaughtException", "unhandledRejection"] as const) {
    process.on(kind, (error: unknown) => {
      log.error({ err: error, kind }, "this process met an error it does not know and ends");
      void abandon(server, 1);
    });
  }

  async function stop(signal: string): Promise<void> {
    log.info({ signal }, "stopping");
    const late = setTimeout(() => void abandon(server, 1), config.shutdownGraceSeconds * 1000 + CLOSING_MS);
    await server.stop();
    clearTimeout(late);
    log.info({}, "stopped");
    process.exit(0);
  }

  try {
    const found = await server.start();
    if (found) announce(found, config, role);
  } catch (error) {
    await server.stop();
    throw error;
  }
}

function parseLanes(words: string): readonly Priority[] {
  const wanted = words.split(",");
  const wrong = wanted.find((word) => !PRIORITIES.some((lane) => lane === word));
  if (wrong === undefined) return PRIORITIES.filter((lane) => wanted.includes(lane));
  const names = `${PRIORITIES.slice(0, -1).join(", ")} and ${PRIORITIES.at(-1)}`;
  throw new StartError(
    `--lanes takes some of ${names}, with commas, not ${JSON.stringify(wrong.slice(0, 40))}.`,
  );
}

/** Whoever starts us with nohup wants us to outlive the terminal; a handler would undo that. Linux tells, others do not. */
function isHangUpIgnored(): boolean {
  try {
    const mask = readFileSync("/proc/self/status", "utf8").match(/^SigIgn:\t([0-9a-f]+)$/m)?.[1] ?? "0";
    return (BigInt(`0x${mask}`) & 1n) === 1n;
  } catch {
    return false;
  }
}

async function abandon(server: Server, exitCode: number): Promise<void> {
  await server.abandon().catch(() => {});
  process.exit(exitCode);
}

function announce(
  found: { readonly address: string | undefined; readonly place: string },
  config: Config,
  role: Role | undefined,
): void {
  if (found.address === undefined) {
    process.stdout.write(`Stoa's worker is ready · ${found.place}\n`);
    return;
  }
  const address =
    config.publicUrl ?? found.address.replace(/\/\/(?:127\.0\.0\.1|0\.0\.0\.0|\[::1?\]):/, "//localhost:");
  const without = role === "web" ? " · without a worker" : "";
  process.stdout.write(`Stoa is ready at ${address} · API: ${address}/docs · ${found.place}${without}\n`);
}
