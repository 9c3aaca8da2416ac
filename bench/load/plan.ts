// What the load process is told and what it answers, and how it is run.
import { join } from "node:path";
import { bun, LOAD_CORE, onCore } from "../pinning.ts";

export interface LoadPlan {
  readonly port: number;
  readonly connections: number;
  readonly durationMs: number;
  /** Whole HTTP/1.1 requests, sent in turn, over and over. */
  readonly requests: readonly string[];
  /** Ends earlier, when each has been sent once. */
  readonly isOnce?: boolean;
}

export interface LoadResult {
  readonly seconds: number;
  /** Answers by status. */
  readonly statuses: Readonly<Record<string, number>>;
  readonly latenciesMs: { readonly p50: number; readonly p99: number; readonly max: number };
}

/** Runs the plan in a process of its own. Throws when any answer had another status. */
export async function runLoad(
  plan: LoadPlan,
  expectedStatus: number,
): Promise<LoadResult & { perSecond: number }> {
  const child = Bun.spawn(onCore(LOAD_CORE, bun(join(import.meta.dir, "generator.ts"))), {
    stdin: Buffer.from(JSON.stringify(plan)),
    stdout: "pipe",
    stderr: "inherit",
  });
  const output = await new Response(child.stdout).text();
  if ((await child.exited) !== 0) throw new Error("the load process failed");
  // Printed by generator.ts as this type.
  const result = JSON.parse(output) as LoadResult;
  const answered = result.statuses[expectedStatus] ?? 0;
  const total = Object.values(result.statuses).reduce((sum, count) => sum + count, 0);
  if (answered !== total)
    throw new Error(`expected ${expectedStatus} only, got ${JSON.stringify(result.statuses)}`);
  return { ...result, perSecond: answered / result.seconds };
}

export interface RequestParts {
  readonly method: "GET" | "POST";
  readonly path: string;
  readonly token: string;
  readonly body?: unknown;
}

/** A whole request as text, as a client that keeps its connection would send it. */
export function toRequest({ method, path, token, body }: RequestParts): string {
  const head = `${method} ${path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${token}\r\nAccept: application/json\r\n`;
  if (body === undefined) return `${head}\r\n`;
  const text = JSON.stringify(body);
  return `${head}Content-Type: application/json\r\nContent-Length: ${Buffer.byteLength(text)}\r\n\r\n${text}`;
}
