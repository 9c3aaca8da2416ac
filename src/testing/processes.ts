// Processes of this machine, for tests that stop, kill and count them. Linux only.
import { readdirSync, readFileSync, readlinkSync, realpathSync } from "node:fs";

/** All that descend from a process, itself first; only those whose command line has a text, if one is given. */
export function descendants(pid: number, text = ""): number[] {
  const parents = new Map(listAll().map((each) => [each, parentOf(each)]));
  const found = [pid];
  for (const one of found) {
    for (const [child, parent] of parents) if (parent === one) found.push(child);
  }
  return text === "" ? found : found.filter((each) => isRunning(each) && commandOf(each).includes(text));
}

/** The arguments, each ended by a zero byte. */
function commandOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8");
  } catch {
    return "";
  }
}

/** Those at work in a directory or below it, or started with it as an argument, such as PostgreSQL's on a data directory. */
export function processesOn(directory: string): { pid: number; name: string }[] {
  const path = realpathSync(directory);
  return listAll().flatMap((pid) => {
    try {
      if (isZombie(pid)) return [];
      const name = readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0").join(" ").trim();
      return readlinkSync(`/proc/${pid}/cwd`).startsWith(path) || name.includes(path) ? [{ pid, name }] : [];
    } catch {
      return [];
    }
  });
}

export function isRunning(pid: number): boolean {
  try {
    return !isZombie(pid);
  } catch {
    return false;
  }
}

function listAll(): number[] {
  return readdirSync("/proc")
    .map(Number)
    .filter((pid) => pid > 0);
}

/** Ended, and not yet asked for by its parent. */
function isZombie(pid: number): boolean {
  return statOf(pid)[0] === "Z";
}

function parentOf(pid: number): number {
  try {
    return Number(statOf(pid)[1]);
  } catch {
    return 0;
  }
}

/** What follows the name, which may hold spaces: state, parent … (proc(5)). */
function statOf(pid: number): string[] {
  const text = readFileSync(`/proc/${pid}/stat`, "utf8");
  return text.slice(text.lastIndexOf(")") + 2).split(" ");
}
