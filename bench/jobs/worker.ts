// Starts our worker as a process of its own.
import { join } from "node:path";
import { bun } from "../pinning.ts";
import type { Place } from "./database.ts";

export interface WorkerOrders extends Place {
  /** Jobs at once. */
  readonly concurrency: number;
}

/** Ready when it resolves; ended by its disposal, which waits for what it has written. */
export async function startWorker(orders: WorkerOrders): Promise<AsyncDisposable & { readonly pid: number }> {
  const { url, socketDir, concurrency } = orders;
  const told = JSON.stringify({ url, socketDir, concurrency });
  const child = Bun.spawn(bun(join(import.meta.dir, "worker-process.ts"), told), {
    stdout: "pipe",
    stderr: "inherit",
  });
  const { done } = await child.stdout.getReader().read();
  if (done) throw new Error("the worker ended before it was ready");
  return {
    pid: child.pid,
    async [Symbol.asyncDispose]() {
      child.kill("SIGTERM");
      await child.exited;
    },
  };
}
