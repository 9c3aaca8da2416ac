// What the crowd is told and what it answers, and how it is run: in a process of its own, on the load's core.
import { join } from "node:path";
import { bun, LOAD_CORE, onCore } from "../pinning.ts";
import type { DIALECTS } from "./dialect.ts";

export interface Crowd {
  readonly count: number;
  /** Each connection takes the next; none: connected and idle. */
  readonly projectIds: readonly string[];
  readonly since?: string;
}

export interface LivePlan {
  /** Default ours. */
  readonly dialect?: keyof typeof DIALECTS;
  readonly port: number;
  readonly token: string;
  readonly crowd: Crowd;
  /** Comes when the crowd stands, at once; resolves when all of it has this many events. */
  readonly returning?: Crowd & { readonly events: number };
  /** Projects that are written to in turn. */
  readonly writeTo: readonly string[];
  /** Undefined: as fast as `writers` can, each waiting for its answer. */
  readonly writesPerSecond?: number;
  readonly writers: number;
  readonly durationMs: number;
  /** How long it stands afterwards, so that the server can be measured. */
  readonly restMs?: number;
}

export interface LiveResult {
  readonly connectedMs: number;
  readonly written: number;
  readonly seconds: number;
  readonly deliveries: number;
  /** From before the write to the event, over a part of the crowd. */
  readonly latenciesMs: { readonly p50: number; readonly p99: number; readonly max: number };
  readonly frameBytes: number;
  readonly ended: number;
  readonly returnedMs: number;
}

/** `whileResting` is called when the crowd has nothing more to do. */
export async function runCrowd(plan: LivePlan, whileResting?: () => void): Promise<LiveResult> {
  const child = Bun.spawn(onCore(LOAD_CORE, bun(join(import.meta.dir, "crowd.ts"))), {
    stdin: Buffer.from(JSON.stringify(plan)),
    stdout: "pipe",
    stderr: "inherit",
  });
  let output = "";
  for await (const chunk of child.stdout) {
    const before = output.length;
    output += new TextDecoder().decode(chunk);
    if (before === 0) whileResting?.();
  }
  if ((await child.exited) !== 0) throw new Error("the crowd failed");
  // Printed by crowd.ts as this type, on one line.
  return JSON.parse(output) as LiveResult;
}

/** Throws unless every subscriber got every event. */
export function complete(result: LiveResult, subscribersOfEach: number): LiveResult {
  const expected = result.written * subscribersOfEach;
  if (result.deliveries !== expected || result.ended > 0)
    throw new Error(
      `${expected} deliveries were due, ${result.deliveries} came, ${result.ended} connections ended`,
    );
  return result;
}
