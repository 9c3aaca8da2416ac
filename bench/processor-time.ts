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
