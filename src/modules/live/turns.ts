// Turns: subscriptions and the pages of their replays wait for theirs, a few in each round of the event loop, so that a thousand who
// come back do not hold up the rest.

export interface Turns {
  /** Resolves when it is one's turn. */
  next(): Promise<void>;
}

/** Pages or beginnings in a round: about two milliseconds. */
const A_ROUND = 4;

export function createTurns(): Turns {
  const waiting: (() => void)[] = [];
  let isScheduled = false;

  function run(): void {
    for (const resolve of waiting.splice(0, A_ROUND)) resolve();
    isScheduled = waiting.length > 0;
    if (isScheduled) setImmediate(run);
  }

  return {
    next() {
      return new Promise((resolve) => {
        waiting.push(resolve);
        if (isScheduled) return;
        isScheduled = true;
        setImmediate(run);
      });
    },
  };
}
