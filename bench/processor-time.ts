// Processor time that a process has used: unlike the time of day it is not longer on a machine that others use too. Linux only.
import { readFileSync } from "node:fs";

/** Linux counts in hundredths of a second for every program (USER_HZ). */
const TICKS_A_SECOND = 100;

export function processorSeconds(pid: number): number {
  // After the name in brackets, which may hold anything: field 3 is the first.
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8")
    .replace(/^.*\) /s, "")
    .split(" ");
  return (Number(fields[11]) + Number(fields[12])) / TICKS_A_SECOND;
}

const AT_REST = { share: 0.1, lookMs: 1000, looks: 2, timeoutMs: 60_000 };

/** Until the whole machine is nearly idle: what was loaded is then written to the disk, and vacuumed. */
export async function untilAtRest(): Promise<void> {
  const deadline = performance.now() + AT_REST.timeoutMs;
  for (let quiet = 0; quiet < AT_REST.looks && performance.now() < deadline; ) {
    const before = machineTicks();
    await Bun.sleep(AT_REST.lookMs);
    const after = machineTicks();
    quiet = (after.busy - before.busy) / (after.all - before.all) < AT_REST.share ? quiet + 1 : 0;
  }
}

function machineTicks(): { readonly busy: number; readonly all: number } {
  const [first = ""] = readFileSync("/proc/stat", "utf8").split("\n");
  // user, nice, system, idle, iowait, …
  const ticks = first.split(/ +/).slice(1).map(Number);
  const all = ticks.reduce((sum, count) => sum + count, 0);
  return { all, busy: all - (ticks[3] ?? 0) };
}
