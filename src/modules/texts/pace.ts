// How soon a project is analysed: at once, but where small batches come one after the other, twice a second, many at a time.
import type { Clock } from "../../kernel/clock/index.ts";
import { createBoundedMemory } from "./bounded-memory.ts";

export interface Pace {
  /** Milliseconds that the analysis of a batch just handed in should wait for more of its kind. */
  delayMs(projectId: string, paragraphs: number): number;
  /** Wakes the workers when that time is over; else they would find out by their own polling. */
  wake(delayMs: number): void;
}

/** A run costs a worker some 5 ms however little there is to do: 100 projects with 50 posts a second would take all it has. */
const WAIT_MS = 500;
/** A project that had nothing for so long is quiet. */
const QUIET_MS = 1_000;
/** So many at once are worth a run of their own. */
const LARGE_BATCH = 100;
/** Some 10,000 projects. */
const REMEMBERED_BYTES = 2_000_000;
const TIME_BYTES = 40;

export function createPace(clock: Clock, wake: () => void): Pace {
  const lastMs = createBoundedMemory<number>(REMEMBERED_BYTES);
  let timer: ReturnType<typeof setTimeout> | undefined;

  return {
    delayMs(projectId, paragraphs) {
      const now = clock.now();
      const last = lastMs.get(projectId);
      lastMs.set(projectId, now, TIME_BYTES);
      const isBusy = last !== undefined && now - last < QUIET_MS;
      return isBusy && paragraphs < LARGE_BATCH ? WAIT_MS : 0;
    },
    wake(delayMs) {
      if (delayMs === 0) return wake();
      // One for all projects: the hint is about a lane, and a late one costs half a second.
      timer ??= setTimeout(() => {
        timer = undefined;
        wake();
      }, delayMs).unref();
    },
  };
}
