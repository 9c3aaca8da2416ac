// One run of the postgres program: started in a session of its own, watched, and stopped in three ever rougher ways.
import { type ChildProcess, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import type { Logger } from "../../telemetry/index.ts";
import { commandLine, type Launcher, spawnOptions } from "./launcher.ts";
import { serverArguments } from "./server-settings.ts";

export interface ServerOptions {
  readonly postgres: string;
  readonly launcher: Launcher;
  readonly clusterPath: string;
  readonly socketDir: string;
  readonly settings: Readonly<Record<string, string>>;
  readonly log: Logger;
}

export interface Server {
  readonly pid: number | undefined;
  /** Resolves when it takes connections; recovery after a crash may take its time. Rejects with its last words. */
  readonly ready: Promise<void>;
  /** Settles when it has ended, for whatever reason. */
  readonly exited: Promise<string>;
  /** Fast shutdown: ends sessions and writes a checkpoint. `isHurried`: at once, and the next start recovers. */
  stop(isHurried: boolean): Promise<void>;
}

const FAST_STOP_MS = 20_000;
const IMMEDIATE_STOP_MS = 5_000;

export function spawnServer(options: ServerOptions): Server {
  const settings = serverArguments(options.socketDir, options.settings);
  const command = [options.postgres, "-D", options.clusterPath, ...settings];
  const [program, rest] = commandLine(options.launcher.prefix, command);
  // In a session of its own, so that Ctrl-C in the terminal reaches us and not both.
  const child = spawn(program, rest, {
    ...spawnOptions,
    detached: true,
    stdio: ["ignore", "ignore", "pipe"],
  });
  const exited = new Promise<string>((resolve) => {
    child.once("error", (error) => resolve(error.message));
    child.once("exit", (code, signal) => resolve(signal ? `ended by ${signal}` : `exit code ${code}`));
  });
  let isStopping = false;
  const ready = readLog(child, exited, (line, isGrave) => {
    // While it stops, every session that it ends says so; while it starts, everyone whom it turns away is told.
    const isExpected = isStopping || /the database system is /.test(line);
    options.log[isGrave && !isExpected ? "warn" : "debug"]({ component: "postgres" }, line);
  });
  // Whoever does not wait for it sees `exited`.
  ready.catch(() => {});
  return {
    pid: child.pid,
    ready,
    exited,
    stop(isHurried) {
      isStopping = true;
      return stopServer(child, exited, isHurried);
    },
  };
}

/** PostgreSQL's log joins ours. Its everyday lines are of no interest, those that end a session or more are. */
function readLog(
  child: ChildProcess,
  exited: Promise<string>,
  onLine: (line: string, isGrave: boolean) => void,
): Promise<void> {
  let lastWords = "";
  return new Promise((resolve, reject) => {
    if (child.stderr) {
      createInterface({ input: child.stderr }).on("line", (line) => {
        const isGrave = /^(FATAL|PANIC):/.test(line);
        onLine(line, isGrave);
        if (isGrave || /error/.test(line)) lastWords = line;
        if (line.endsWith("ready to accept connections")) resolve();
      });
    }
    void exited.then((how) => reject(new Error(lastWords || how)));
  });
}

async function stopServer(child: ChildProcess, exited: Promise<string>, isHurried: boolean): Promise<void> {
  if (!isHurried && (await endsWithin(child, "SIGINT", exited, FAST_STOP_MS))) return;
  if (await endsWithin(child, "SIGQUIT", exited, IMMEDIATE_STOP_MS)) return;
  child.kill("SIGKILL");
  await exited;
}

async function endsWithin(
  child: ChildProcess,
  signal: NodeJS.Signals,
  exited: Promise<string>,
  waitMs: number,
): Promise<boolean> {
  child.kill(signal);
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<boolean>((resolve) => {
    timer = setTimeout(resolve, waitMs, false);
  });
  const isEnded = await Promise.race([exited.then(() => true), late]);
  clearTimeout(timer);
  return isEnded;
}
