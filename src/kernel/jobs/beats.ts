// The worker's sign of life, given by a thread of its own so that a busy handler does not look dead; it also watches this one.
import type { DatabaseOptions } from "../db/index.ts";

/** What the thread is told when it starts. */
export interface BeatOrders {
  readonly connection: DatabaseOptions;
  readonly workerId: string;
  /** Int32Array of two: how often the main thread's loop came round, and for how many more ms it may be blocked. */
  readonly shared: SharedArrayBuffer;
}

/** `lost`: our row is gone, so others have taken us for dead. `beat`: when the database has answered, and since when it does. */
export type BeatReport =
  | { readonly kind: "beat"; readonly steadyMs: number }
  | { readonly kind: "missed" }
  | { readonly kind: "lost" };

export const ROUNDS = 0;
export const ALLOWED_MS = 1;
/** Nothing runs that could be to blame. */
export const NEVER = -1;
export const BEAT_INTERVAL_MS = 2000;
/** A worker that has not beaten for this long is dead to the others. */
export const LEASE_MS = 10_000;

export interface Beats {
  /** The loop may be blocked this long from now before the process is killed; undefined: for ever. */
  allow(ms: number | undefined): void;
  /** Whether we have beaten without a miss for longer than a lease: only then may we judge others. */
  isSteady(): boolean;
  stop(): Promise<void>;
}

const ROUND_MS = 250;

export function startBeats(
  orders: Pick<BeatOrders, "connection" | "workerId">,
  hooks: { readonly onLost: () => void; readonly onRound: () => void },
): Beats {
  const shared = new SharedArrayBuffer(8);
  const cells = new Int32Array(shared);
  cells[ALLOWED_MS] = NEVER;
  let steadyMs = 0;
  const thread = new Worker(new URL("./beat-thread.ts", import.meta.url).href, { smol: true, ref: false });
  const stopped = new Promise((resolve) => thread.addEventListener("close", resolve, { once: true }));
  thread.addEventListener("message", ({ data }: MessageEvent<BeatReport>) => {
    steadyMs = data.kind === "beat" ? data.steadyMs : 0;
    if (data.kind === "lost") hooks.onLost();
  });
  thread.postMessage({ ...orders, shared } satisfies BeatOrders);
  const rounds = setInterval(() => {
    Atomics.add(cells, ROUNDS, 1);
    hooks.onRound();
  }, ROUND_MS);

  return {
    allow(ms) {
      Atomics.store(cells, ALLOWED_MS, ms === undefined ? NEVER : Math.max(0, Math.ceil(ms)));
    },
    isSteady: () => steadyMs > LEASE_MS,
    async stop() {
      clearInterval(rounds);
      thread.postMessage("stop");
      await stopped;
    },
  };
}
