// Starts a worker process for a test and ends it with the test.
import { fileURLToPath } from "node:url";
import type { TestDatabase } from "../../../testing/database.ts";
import { newId } from "../../ids/index.ts";

export interface WorkerOrders {
  readonly url: string;
  readonly socketDir: string;
  readonly workerId: string;
  readonly concurrency: number;
  readonly logLevel: string;
  readonly clockJumpMs: number;
}

export interface WorkerProcess {
  readonly workerId: string;
  readonly pid: number;
  /** SIGUSR2: its clock jumps. */
  signal(signal: "SIGKILL" | "SIGSTOP" | "SIGCONT" | "SIGTERM" | "SIGUSR2"): void;
  /** Code or signal it ended with. */
  readonly exited: Promise<number | string>;
}

const SCRIPT = fileURLToPath(new URL("./worker-process.ts", import.meta.url));

export interface SpawnOptions {
  readonly concurrency?: number;
  /** Shows its log, for looking into a failure. */
  readonly logLevel?: string;
  /** Where it finds the database, when not where the test does. */
  readonly socketDir?: string;
  /** How far its clock jumps with SIGUSR2, with the next twice as far back. */
  readonly clockJumpMs?: number;
}

export async function spawnWorker(db: TestDatabase, options: SpawnOptions = {}): Promise<WorkerProcess> {
  const workerId = newId();
  const orders: WorkerOrders = {
    url: db.url,
    socketDir: options.socketDir ?? db.socketDir,
    workerId,
    concurrency: options.concurrency ?? 4,
    logLevel: options.logLevel ?? "silent",
    clockJumpMs: options.clockJumpMs ?? 0,
  };
  const child = Bun.spawn([process.execPath, "--no-env-file", SCRIPT, JSON.stringify(orders)], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const reader = child.stdout.getReader();
  const decoder = new TextDecoder();
  for (let text = ""; !text.includes("ready"); ) {
    const { value, done } = await reader.read();
    if (done) throw new Error("the worker process ended before it was ready");
    text += decoder.decode(value);
  }
  void show(reader, decoder);
  return {
    workerId,
    pid: child.pid,
    signal: (signal) => child.kill(signal),
    exited: child.exited.then(() => child.signalCode ?? child.exitCode ?? 0),
  };
}

async function show(
  reader: { read(): Promise<{ value?: Uint8Array; done: boolean }> },
  decoder: TextDecoder,
) {
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    process.stdout.write(decoder.decode(value));
  }
}
