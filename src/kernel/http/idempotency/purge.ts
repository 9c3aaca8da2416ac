// Removes Idempotency-Keys that have ended, every hour, in batches that hold no lock for long.
import type { Database } from "../../db/index.ts";
import type { Logger } from "../../telemetry/index.ts";
import { purgeKeys } from "./store.ts";

const HOUR_MS = 3_600_000;

export interface Purge {
  start(): void;
  stop(): Promise<void>;
}

/** Removes all that has ended by now; returns how many. Several processes may do it at once. */
export async function purgeIdempotencyKeys(db: Database, signal?: AbortSignal): Promise<number> {
  let total = 0;
  while (!signal?.aborted) {
    const removed = await db.single(purgeKeys, { pool: "long" });
    total += removed;
    if (removed === 0) break;
  }
  return total;
}

export function createPurge(deps: { db: Database; log: Logger }): Purge {
  let timer: ReturnType<typeof setInterval> | undefined;
  let running: Promise<void> = Promise.resolve();
  let aborter = new AbortController();

  async function run(signal: AbortSignal): Promise<void> {
    try {
      await purgeIdempotencyKeys(deps.db, signal);
    } catch (error) {
      deps.log.warn({ err: error }, "ended Idempotency-Keys were not removed; the next hour tries again");
    }
  }

  return {
    start() {
      if (timer) return;
      aborter = new AbortController();
      const { signal } = aborter;
      timer = setInterval(() => {
        running = run(signal);
      }, HOUR_MS);
      timer.unref();
    },
    async stop() {
      clearInterval(timer);
      timer = undefined;
      aborter.abort();
      await running;
    },
  };
}
