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

/**
 * What a run may still gain between the third and the last quarter of its time. Of what a process holds the same load gives 8 % more
 * or less from one minute to the next, by when the allocator gives pages back.
 */
const ALLOWED_SHARE = 0.12;

export interface Verdict {
  readonly name: string;
  readonly thirdMib: number;
  readonly lastMib: number;
  readonly isFlat: boolean;
}

/** Compares the least of the third and of the last quarter of the samples, process by process. */
export function judge(samples: readonly Sample[]): Verdict[] {
  const names = [...new Set(samples.flatMap((sample) => [...sample.bytes.keys()]))];
  return names.map((name) => {
    const values = samples.flatMap((sample) => sample.bytes.get(name) ?? []);
    const third = Math.min(
      ...values.slice(Math.floor(values.length * 0.5), Math.floor(values.length * 0.75)),
    );
    const last = Math.min(...values.slice(Math.floor(values.length * 0.75)));
    const isFlat = last - third <= third * ALLOWED_SHARE;
    return { name, thirdMib: toMib(third), lastMib: toMib(last), isFlat };
  });
}

export function toMib(bytes: number): number {
  return Math.round((bytes / 2 ** 20) * 10) / 10;
}
