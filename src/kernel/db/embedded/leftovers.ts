// PostgreSQL processes that an earlier run has left on our cluster: ended before we start our own.
import { readdirSync, readFileSync, readlinkSync, realpathSync } from "node:fs";
import { readFile, rm } from "node:fs/promises";
import { pause } from "../../clock/index.ts";
import type { Logger } from "../../telemetry/index.ts";
import { removeTemporarySocketDir } from "./socket-directory.ts";

const FAST_MS = 10_000;
const IMMEDIATE_MS = 5_000;
const KILL_MS = 2_000;
const POLL_MS = 10;

/** Call it while holding the data directory's lock. */
export async function endLeftovers(clusterPath: string, log: Logger): Promise<void> {
  const file = await readFile(`${clusterPath}/postmaster.pid`, "utf8").catch(() => undefined);
  if (file === undefined) return;
  const lines = file.split("\n");
  const postmaster = Number(lines[0]);
  const ways = [
    { signal: "SIGINT", waitMs: FAST_MS },
    { signal: "SIGQUIT", waitMs: IMMEDIATE_MS },
    { signal: "SIGKILL", waitMs: KILL_MS },
  ] as const;
  for (const { signal, waitMs } of ways) {
    const pids = listServing(clusterPath, postmaster);
    if (pids.length === 0) break;
    log.warn({ pids, signal }, "stopping a PostgreSQL that an earlier run has left behind");
    // The postmaster ends its own; without one each process is on its own, and SIGINT would only cancel its statement.
    const targets = pids.includes(postmaster) ? [postmaster] : pids;
    for (const pid of targets) send(pid, targets === pids && signal === "SIGINT" ? "SIGTERM" : signal);
    await waitUntilGone(clusterPath, postmaster, waitMs);
  }
  await forgetStranger(clusterPath, postmaster);
  // The fifth line is the directory of its socket.
  await removeTemporarySocketDir(lines[4] ?? "");
}

/** Ids of PostgreSQL's processes on this cluster. A pid in a file proves nothing: it may be anyone's by now. */
function listServing(clusterPath: string, postmaster: number): number[] {
  if (process.platform !== "linux") return isPostmaster(postmaster, clusterPath) ? [postmaster] : [];
  const path = realpathSync(clusterPath);
  return readdirSync("/proc")
    .map(Number)
    .filter((pid) => pid > 0 && servesHere(pid, path));
}

/** PostgreSQL changes into its cluster's directory and stays there. */
function servesHere(pid: number, path: string): boolean {
  try {
    if (readFileSync(`/proc/${pid}/comm`, "utf8").trim() !== "postgres") return false;
    return readlinkSync(`/proc/${pid}/cwd`) === path;
  } catch (error) {
    // ENOENT: it has ended. EACCES: another id's, which root without SYS_PTRACE, as in a container, may not look into.
    return (error as NodeJS.ErrnoException).code === "EACCES" && isStartedOn(pid, path);
  }
}

function isStartedOn(pid: number, path: string): boolean {
  return readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0").includes(path);
}

function isPostmaster(pid: number, clusterPath: string): boolean {
  if (!(pid > 0)) return false;
  const { stdout } = Bun.spawnSync(["ps", "-o", "command=", "-p", String(pid)]);
  const command = stdout.toString();
  return command.includes("postgres") && command.includes(`-D ${clusterPath}`);
}

async function waitUntilGone(clusterPath: string, postmaster: number, waitMs: number): Promise<void> {
  const deadline = Date.now() + waitMs;
  while (Date.now() < deadline && listServing(clusterPath, postmaster).length > 0) await pause(POLL_MS);
}

function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // It has ended meanwhile.
  }
}

/** A pid that is a stranger's by now would keep PostgreSQL from starting. A dead one it finds out by itself. */
async function forgetStranger(clusterPath: string, pid: number): Promise<void> {
  if (isAlive(pid) && listServing(clusterPath, pid).length === 0) {
    await rm(`${clusterPath}/postmaster.pid`, { force: true });
  }
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}
