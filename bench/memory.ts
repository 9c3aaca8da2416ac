// Memory of processes as proportional set size: shared pages are counted once, divided among those who share them.
import { readdirSync, readFileSync } from "node:fs";

export interface ProcessMemory {
  readonly pid: number;
  readonly name: string;
  readonly bytes: number;
}

/** The process and all that descend from it; Linux only. */
export function listDescendants(root: number): number[] {
  const children = new Map<number, number[]>();
  for (const pid of readdirSync("/proc").map(Number).filter(Number.isInteger)) {
    const parent = parentOf(pid);
    if (parent !== undefined) children.set(parent, [...(children.get(parent) ?? []), pid]);
  }
  const found: number[] = [];
  const open = [root];
  for (let pid = open.pop(); pid !== undefined; pid = open.pop()) {
    found.push(pid);
    open.push(...(children.get(pid) ?? []));
  }
  return found;
}

/** A process that ends meanwhile is left out. */
export function measureMemory(pids: readonly number[]): ProcessMemory[] {
  return pids.flatMap((pid) => {
    const rollup = readOptional(`/proc/${pid}/smaps_rollup`);
    const kilobytes = Number(rollup?.match(/^Pss:\s+(\d+) kB/m)?.[1] ?? Number.NaN);
    if (Number.isNaN(kilobytes)) return [];
    return [
      {
        pid,
        name: readOptional(`/proc/${pid}/cmdline`)?.replaceAll("\0", " ").trim() ?? "",
        bytes: kilobytes * 1024,
      },
    ];
  });
}

function parentOf(pid: number): number | undefined {
  // The name in brackets may hold anything; the parent is the second field after it.
  const fields = readOptional(`/proc/${pid}/stat`)
    ?.replace(/^.*\) /s, "")
    .split(" ");
  return fields ? Number(fields[1]) : undefined;
}

function readOptional(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    // Gone, or another user's.
    return undefined;
  }
}
