// Starts the real program, as a user would, and sees what it prints and how it ends.
import { type ChildProcess, spawn } from "node:child_process";
import { cpSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { LIMITS_OFF } from "./limits.ts";
import { descendants } from "./processes.ts";
import { until } from "./until.ts";

export interface Program {
  readonly pid: number;
  stdout(): string;
  stderr(): string;
  kill(signal: NodeJS.Signals): void;
  /** Exit code, or the signal that ended it. */
  readonly ended: Promise<number | NodeJS.Signals>;
}

export interface ProgramOptions {
  /** Beside what a shell has anyway; PORT is 0 unless told. */
  readonly environment?: Readonly<Record<string, string>>;
  /** Default a directory without a .env. */
  readonly directory?: string;
  /** A program that runs it, such as nohup. */
  readonly through?: string;
}

const MAIN = join(import.meta.dir, "../main.ts");

/** Runs the program with these words on its command line. */
export function runProgram(words: readonly string[], options: ProgramOptions = {}): Program {
  const { PATH = "", HOME = "" } = process.env;
  const command = [process.execPath, "--no-env-file", MAIN, ...words];
  const [program = "", ...rest] = options.through === undefined ? command : [options.through, ...command];
  const child = spawn(program, rest, {
    cwd: options.directory ?? tmpdir(),
    env: { PATH, HOME, PORT: "0", ...options.environment },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const texts = { stdout: collect(child.stdout), stderr: collect(child.stderr) };
  return {
    pid: child.pid ?? 0,
    ...texts,
    kill: (signal) => void child.kill(signal),
    ended: new Promise((resolve) => child.once("close", (code, signal) => resolve(code ?? signal ?? 0))),
  };
}

function collect(stream: ChildProcess["stdout"]): () => string {
  let text = "";
  stream?.setEncoding("utf8").on("data", (more: string) => {
    text += more;
  });
  return () => text;
}

export interface RunningServer extends Program {
  /** Such as http://localhost:8000. */
  readonly address: string;
  readonly dataDir: string;
  /** The line that says where it is. */
  readonly readyLine: string;
  /** Process ids of its children in a role. */
  children(role: "web" | "worker"): number[];
}

export interface ServerOptions extends ProgramOptions {
  /** Default a new one: a copy of one that was migrated, which is quicker than making it, or none yet when `isEmpty`. */
  readonly dataDir?: string;
  readonly isEmpty?: boolean;
  readonly words?: readonly string[];
}

/** Less than a test may take, for a sentence that says what was missing. */
const READY_WITHIN_MS = 45_000;
let template: Promise<string> | undefined;

/** Call it in afterAll. */
export async function removeTemplate(): Promise<void> {
  if (template) rmSync(join(await template, ".."), { recursive: true, force: true });
  template = undefined;
}

async function makeTemplate(): Promise<string> {
  const directory = mkdtempSync(join(tmpdir(), "stoa-template-"));
  const dataDir = join(directory, "data");
  const program = runProgram(["migrate"], { environment: { DATA_DIR: dataDir } });
  if ((await program.ended) !== 0) throw new Error(`migrate: ${program.stderr()}`);
  return dataDir;
}

/** Starts the server and waits until it says that it is ready. */
export async function startServer(options: ServerOptions = {}): Promise<RunningServer> {
  const dataDir = options.dataDir ?? join(mkdtempSync(join(tmpdir(), "stoa-process-")), "data");
  if (options.dataDir === undefined && !options.isEmpty) {
    template ??= makeTemplate();
    cpSync(await template, dataDir, { recursive: true });
  }
  const environment = { DATA_DIR: dataDir, ...LIMITS_OFF, ...options.environment };
  const program = runProgram(["start", ...(options.words ?? [])], { ...options, environment });
  let hasEnded = false;
  void program.ended.then(() => {
    hasEnded = true;
  });
  const readyLine = await until(
    "the ready line",
    () => {
      const line = program.stdout().match(/^Stoa.* is ready.*$/m)?.[0];
      if (line === undefined && hasEnded) throw new Error(`it ended: ${program.stderr()}${program.stdout()}`);
      return line;
    },
    { withinMs: READY_WITHIN_MS },
  );
  return {
    ...program,
    address: readyLine.match(/https?:\/\/\S+/)?.[0] ?? "",
    dataDir,
    readyLine,
    children: (role) => childrenOf(program.pid, role),
  };
}

function childrenOf(pid: number, role: string): number[] {
  return descendants(pid, `--role\0${role}\0`).filter((each) => each !== pid);
}

/** Stops what may still run and removes its data. */
export async function removeServer(server: RunningServer): Promise<void> {
  server.kill("SIGTERM");
  const timer = setTimeout(() => server.kill("SIGKILL"), 15_000);
  await server.ended;
  clearTimeout(timer);
  rmSync(join(server.dataDir, ".."), { recursive: true, force: true });
}
