// How soon a project is analysed: at once, but where small batches come one after the other, after a while, many at a time.
import type { Clock } from "../../kernel/clock/index.ts";

export interface Pace {
  /**
   * Milliseconds that the analysis of a batch just handed in should wait for more of its kind.
   * @param isPart of a text whose rest is on its way, and whose last part will not wait.
   */
  delayMs(projectId: string, paragraphs: number, isPart?: boolean): number;
  /** Wakes the workers when that time is over; else they would find out by their own polling. */
  wake(delayMs: number): void;
}

/** A run costs some 2 ms of a core however little there is to do: so the runs of all busy projects take a fifth of one. */
const WAIT_PER_PROJECT_MS = 20;
const MIN_WAIT_MS = 250;
const MAX_WAIT_MS = 2_000;
/** A project that had nothing in this second nor in the one before is quiet. */
const SECOND_MS = 1_000;
/** So many at once are worth a run of their own. */
const LARGE_BATCH = 100;

export function createPace(clock: Clock, wake: () => void): Pace {
  let startMs = 0;
  let current = new Set<string>();
  let previous = new Set<string>();
  let lastDueMs = 0;
  let timer: ReturnType<typeof setTimeout> | undefined;

  /** One timer for all projects: it goes off when the last of those is due that there were when it was set. */
  function setTimer(): void {
    if (timer) return;
    timer = setTimeout(() => {
      timer = undefined;
      wake();
      if (clock.now() < lastDueMs) setTimer();
    }, lastDueMs - clock.now());
    timer.unref();
  }

  function turn(): void {
    const now = clock.now();
    if (now - startMs < SECOND_MS) return;
    previous = now - startMs < 2 * SECOND_MS ? current : new Set();
    current = new Set();
    startMs = now;
  }

  return {
    delayMs(projectId, paragraphs, isPart = false) {
      turn();
      const isBusy = current.has(projectId) || previous.has(projectId);
      current.add(projectId);
      if (isPart) return MIN_WAIT_MS;
      if (!isBusy || paragraphs >= LARGE_BATCH) return 0;
      const wait = WAIT_PER_PROJECT_MS * Math.max(current.size, previous.size);
      return Math.min(MAX_WAIT_MS, Math.max(MIN_WAIT_MS, wait));
    },
    wake(delayMs) {
      if (delayMs === 0) return wake();
      lastDueMs = Math.max(lastDueMs, clock.now() + delayMs);
      setTimer();
    },
  };
}
