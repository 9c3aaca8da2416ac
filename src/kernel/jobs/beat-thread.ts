// The thread that beats: tells the database that this process lives, and ends the process when its main thread is stuck.
import { openDatabase } from "../db/index.ts";
import { ALLOWED_MS, BEAT_INTERVAL_MS, type BeatOrders, type BeatReport, NEVER, ROUNDS } from "./beats.ts";
import { beat } from "./worker-store.ts";

// The thread's own global: bun-types describes the one of the main thread.
declare const self: Worker;

const WATCH_MS = 500;
/** Below this a blocked loop is only slow. */
const LEAST_BLOCKED_MS = 5000;

self.onmessage = ({ data }: MessageEvent<BeatOrders | "stop">) => {
  if (data !== "stop") keepBeating(data);
};

function keepBeating({ connection, workerId, shared }: BeatOrders): void {
  const db = openDatabase({ ...connection, poolSize: 1, applicationName: "stoa beat" });
  let steadySinceMs: number | undefined;
  let beatAtMs = Number.NEGATIVE_INFINITY;

  async function giveBeat(): Promise<BeatReport> {
    try {
      const isAlive = await beat(db.sql, workerId);
      const nowMs = performance.now();
      // A gap, too, is a miss: we were stopped, and others may have judged us.
      if (nowMs - beatAtMs > 3 * BEAT_INTERVAL_MS) steadySinceMs = undefined;
      beatAtMs = nowMs;
      steadySinceMs = isAlive ? (steadySinceMs ?? nowMs) : undefined;
      return steadySinceMs === undefined
        ? { kind: "lost" }
        : { kind: "beat", steadyMs: nowMs - steadySinceMs };
    } catch {
      // The pool connects again by itself.
      steadySinceMs = undefined;
      return { kind: "missed" };
    }
  }

  let beating = Promise.resolve();
  let isBeating = false;
  const beats = setInterval(() => {
    if (isBeating) return;
    isBeating = true;
    beating = giveBeat().then((report) => {
      isBeating = false;
      postMessage(report);
    });
  }, BEAT_INTERVAL_MS);
  const watch = setInterval(watchMainThread(new Int32Array(shared)), WATCH_MS);

  self.onmessage = async () => {
    clearInterval(beats);
    clearInterval(watch);
    await beating;
    await db.close();
    process.exit(0);
  };
}

/** Counts how long the main thread's loop has not come round, in our own time: a process that is stopped is not blocked. */
function watchMainThread(cells: Int32Array): () => void {
  let seenRounds = -1;
  let blockedMs = 0;
  let lastMs = performance.now();
  return () => {
    const nowMs = performance.now();
    const sinceMs = Math.min(nowMs - lastMs, 2 * WATCH_MS);
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
