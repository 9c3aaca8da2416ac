// Transactions that wait for a connection: bounded, because a caller that waits for long has gone by the time it is served.

/** Thrown when no connection came free in time: the database is there, but all are at work. */
class NoConnectionError extends Error {
  readonly code = "NO_CONNECTION";
  constructor() {
    super(`no connection was free within ${MAX_WAIT_MS} ms`);
    this.name = "NoConnectionError";
  }
}

const MAX_WAIT_MS = 5_000;
const TICK_MS = 250;

interface Waiter {
  readonly sinceMs: number;
  readonly giveUp: (error: NoConnectionError) => void;
}

export interface WaitingRoom {
  /** Runs `begin`, which calls its argument when it has a connection; rejects when that comes too late, and then nothing runs. */
  enter<T>(begin: (admit: () => void) => Promise<T>): Promise<T>;
}

/** One timer for all, and none while nobody waits. */
export function createWaitingRoom(): WaitingRoom {
  const waiters = new Set<Waiter>();
  let timer: Timer | undefined;

  function tick(): void {
    const oldest = performance.now() - MAX_WAIT_MS;
    for (const waiter of waiters) {
      // They stand in the order of their coming.
      if (waiter.sinceMs > oldest) break;
      waiters.delete(waiter);
      waiter.giveUp(new NoConnectionError());
    }
    if (waiters.size > 0) return;
    clearInterval(timer);
    timer = undefined;
  }

  return {
    enter<T>(begin: (admit: () => void) => Promise<T>): Promise<T> {
      return new Promise((resolve, reject) => {
        const waiter: Waiter = { sinceMs: performance.now(), giveUp: reject };
        waiters.add(waiter);
        timer ??= setInterval(tick, TICK_MS);
        const admit = () => {
          if (!waiters.delete(waiter)) throw new NoConnectionError();
        };
        begin(admit)
          .then(resolve, reject)
          .finally(() => waiters.delete(waiter));
      });
    },
  };
}
