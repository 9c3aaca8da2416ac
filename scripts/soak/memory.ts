// Memory of the server's own processes over time, and whether it stays where it is.
import { readFileSync } from "node:fs";

export interface Sample {
  readonly atMs: number;
  /** Resident bytes by process. */
  readonly bytes: ReadonlyMap<string, number>;
}

/** Resident set size of a process; undefined when it has ended. Linux only. */
export function residentBytes(pid: number): number | undefined {
  try {
    const kilobytes = readFileSync(`/proc/${pid}/status`, "utf8").match(/^VmRSS:\s+(\d+) kB/m)?.[1];
    return kilobytes === undefined ? undefined : Number(kilobytes) * 1024;
  } catch {
    return undefined;
  }
}

/** What a run may still gain between the third and the last quarter of its time, when all caches have long been filled. */
const ALLOWED_SHARE = 0.06;
const ALLOWED_BYTES = 6 * 2 ** 20;

export interface Verdict {
  readonly name: string;
  readonly thirdMib: number;
  readonly lastMib: number;
  readonly isFlat: boolean;
}

/** Compares the medians of the third and the last quarter of the samples, process by process. */
export function judge(samples: readonly Sample[]): Verdict[] {
  const names = [...new Set(samples.flatMap((sample) => [...sample.bytes.keys()]))];
  return names.map((name) => {
    const values = samples.flatMap((sample) => sample.bytes.get(name) ?? []);
    const third = median(values.slice(Math.floor(values.length * 0.5), Math.floor(values.length * 0.75)));
    const last = median(values.slice(Math.floor(values.length * 0.75)));
    const isFlat = last - third <= Math.max(ALLOWED_BYTES, third * ALLOWED_SHARE);
    return { name, thirdMib: toMib(third), lastMib: toMib(last), isFlat };
  });
}

export function toMib(bytes: number): number {
  return Math.round((bytes / 2 ** 20) * 10) / 10;
}

function median(values: readonly number[]): number {
  return values.toSorted((one, other) => one - other)[Math.floor(values.length / 2)] ?? 0;
}
