// What the editors are told and what they answer, and how they are run: in a process of their own, on the load's core.
import { join } from "node:path";
import { bun, LOAD_CORE, onCore } from "../pinning.ts";

export type Dialect = "stoa" | "hocuspocus";

export interface EditingPlan {
  readonly dialect: Dialect;
  readonly port: number;
  readonly token: string;
  /** Posts, or names of the peer's documents. */
  readonly documents: readonly string[];
  /** In each of them. */
  readonly editors: number;
  readonly keysPerSecond: number;
  readonly durationMs: number;
}

export interface HistoryPlan {
  readonly dialect: Dialect;
  readonly port: number;
  readonly token: string;
  readonly document: string;
  /** Written with pauses and corrections, and sent in parts. */
  readonly keystrokes: number;
}

export interface EditingResult {
  readonly typed: number;
  /** From the key to another editor of the same document. */
  readonly echoed: number;
  readonly latenciesMs: { readonly p50: number; readonly p99: number; readonly max: number };
  readonly ended: number;
}

export interface HistoryResult {
  readonly characters: number;
  readonly sentBytes: number;
}

export interface OpeningResult {
  readonly openedMs: number;
  readonly characters: number;
  readonly receivedBytes: number;
}

export type Task =
  | ({ readonly does: "edit" } & EditingPlan)
  | ({ readonly does: "write" } & HistoryPlan)
  | ({ readonly does: "open" } & Omit<HistoryPlan, "keystrokes">);

export function edit(plan: EditingPlan): Promise<EditingResult> {
  return run({ does: "edit", ...plan });
}

export function write(plan: HistoryPlan): Promise<HistoryResult> {
  return run({ does: "write", ...plan });
}

export function openDocument(plan: Omit<HistoryPlan, "keystrokes">): Promise<OpeningResult> {
  return run({ does: "open", ...plan });
}

async function run<Result>(task: Task): Promise<Result> {
  const child = Bun.spawn(onCore(LOAD_CORE, bun(join(import.meta.dir, "crowd.ts"))), {
    stdin: Buffer.from(JSON.stringify(task)),
    stdout: "pipe",
    stderr: "inherit",
  });
  const output = await new Response(child.stdout).text();
  if ((await child.exited) !== 0) throw new Error("the editors failed");
  // Printed by crowd.ts for this task, on one line.
  return JSON.parse(output) as Result;
}
