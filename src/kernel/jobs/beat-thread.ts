// The thread that beats: tells the database that this process lives, and ends the process when its main thread is stuck.
import { openDatabase } from "../db/index.ts";
import { ALLOWED_MS, type BeatMessage, type BeatOrders, type BeatReport, NEVER, ROUNDS } from "./beats.ts";
import { beat } from "./worker-store.ts";

// The thread's own global: the types know only that of the main thread.
declare const self: Worker;

const BEAT_INTERVAL_MS = 2000;
const WATCH_INTERVAL_MS = 500;
/** Below this a blocked loop is only slow. */
const LEAST_BLOCKED_MS = 5000;

self.onmessage = ({ data }: MessageEvent<BeatOrders>) => {
  const beating = keepBeating(data);
  self.onmessage = ({ data: message }: MessageEvent<BeatMessage>) => {
    if (message === "stop") void beating.stop();
    else beating.carry(message.breakersJson);
  };
};

interface Beating {
  carry(breakersJson: string): void;
  stop(): Promise<void>;
}

function keepBeating({ connection, workerId, shared }: BeatOrders): Beating {
  const db = openDatabase({ ...connection, poolSize: 1, applicationName: "stoa beat" });
  let isBeating = false;
  let breakers = "[]";

  async function giveBeat(): Promise<void> {
    if (isBeating) return;
    isBeating = true;
    try {
      if (!(await beat(db.sql, workerId, breakers))) postMessage("lost" satisfies BeatReport);
    } catch {
      // The database is away; the pool connects again by itself.
    }
    isBeating = false;
  }

  const beats = setInterval(() => void giveBeat(), BEAT_INTERVAL_MS);
  const watch = setInterval(watchMainThread(new Int32Array(shared)), WATCH_INTERVAL_MS);
  postMessage("ready" satisfies BeatReport);
  return {
    carry(breakersJson) {
      breakers = breakersJson;
    },
    async stop() {
      clearInterval(beats);
      clearInterval(watch);
      await db.close();
      // Ends this thread, not the process.
      process.exit(0);
    },
  };
}

/** Counts how long the main thread's loop has not come round, in our own time: a process that is stopped is not blocked. */
function watchMainThread(cells: Int32Array): () => void {
  let seenRounds = -1;
  let blockedMs = 0;
  let lastMs = performance.now();
  return () => {
    const nowMs = performance.now();
    const sinceMs = Math.min(nowMs - lastMs, 2 * WATCH_INTERVAL_MS);
    lastMs = nowMs;
    const rounds = Atomics.load(cells, ROUNDS);
    blockedMs = rounds === seenRounds ? blockedMs + sinceMs : 0;
    seenRounds = rounds;
    const allowedMs = Atomics.load(cells, ALLOWED_MS);
    if (allowedMs === NEVER || blockedMs < Math.max(allowedMs, LEAST_BLOCKED_MS)) return;
    // Nothing softer reaches a thread that does not return; whoever started us starts us again.
    process.kill(process.pid, "SIGKILL");
  };
}
