// The worker's sign of life, given by a thread of its own so that a busy handler does not look dead; it also watches this one.
import type { DatabaseOptions } from "../db/index.ts";
import type { Logger } from "../telemetry/index.ts";

/** What the thread is told when it starts. */
export interface BeatOrders {
  readonly connection: DatabaseOptions;
  readonly workerId: string;
  /** Int32Array of two: how often the main thread's loop came round, and for how many more ms it may be blocked. */
  readonly shared: SharedArrayBuffer;
}

/** While it beats: an end, or what the next beats carry. */
export type BeatMessage = "stop" | { readonly breakersJson: string };

/** `lost`: our row is gone, and so others have taken us for dead. */
export type BeatReport = "ready" | "lost";

export const ROUNDS = 0;
export const ALLOWED_MS = 1;
/** Nothing runs that could be to blame. */
export const NEVER = -1;

export interface Beats {
  /** Resolves when the thread is at work: on a busy machine that may take seconds, and only then may others count on us. */
  readonly ready: Promise<void>;
  /** The loop may be blocked this long from now before the process is killed; undefined: for ever. */
  allow(ms: number | undefined): void;
  /** What the next beats carry. */
  tell(breakersJson: string): void;
  stop(): Promise<void>;
}

export interface BeatsOptions extends Pick<BeatOrders, "connection" | "workerId"> {
  readonly log: Logger;
  readonly onLost: () => void;
  /** Several times a second, as long as the loop comes round. */
  readonly onRound: () => void;
}

const ROUND_MS = 250;
const RESTART_MS = 1000;

export function startBeats({ connection, workerId, log, onLost, onRound }: BeatsOptions): Beats {
  const shared = new SharedArrayBuffer(8);
  const cells = new Int32Array(shared);
  cells[ALLOWED_MS] = NEVER;
  const ready = Promise.withResolvers<void>();
  let isStopping = false;
  let told = "[]";
  let thread = startThread();
  const rounds = setInterval(() => {
    Atomics.add(cells, ROUNDS, 1);
    onRound();
  }, ROUND_MS);

  function startThread() {
    const worker = new Worker(new URL("./beat-thread.ts", import.meta.url).href, { smol: true, ref: false });
    const closed = Promise.withResolvers<void>();
    worker.addEventListener("message", ({ data }: MessageEvent<BeatReport>) => {
      if (data === "ready") ready.resolve();
      else onLost();
    });
    worker.addEventListener("error", ({ message }) =>
      log.error({ reason: message }, "the beat thread failed"),
    );
    worker.addEventListener("close", () => {
      closed.resolve();
      // Without it others would take us for dead. Not at once, lest a thread that cannot start keeps us busy.
      setTimeout(restart, RESTART_MS).unref();
    });
    worker.postMessage({ connection, workerId, shared } satisfies BeatOrders);
    if (told !== "[]") worker.postMessage({ breakersJson: told } satisfies BeatMessage);
    return { worker, closed: closed.promise };
  }

  function restart(): void {
    if (!isStopping) thread = startThread();
  }

  return {
    ready: ready.promise,
    allow(ms) {
      Atomics.store(cells, ALLOWED_MS, ms === undefined ? NEVER : Math.max(0, Math.ceil(ms)));
    },
    tell(breakersJson) {
      if (breakersJson === told) return;
      told = breakersJson;
      thread.worker.postMessage({ breakersJson } satisfies BeatMessage);
    },
    async stop() {
      isStopping = true;
      clearInterval(rounds);
      thread.worker.postMessage("stop" satisfies BeatMessage);
      await thread.closed;
    },
  };
}
