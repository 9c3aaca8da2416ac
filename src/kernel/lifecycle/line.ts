// A line in which work is done one at a time, with a bound on who waits.

export interface LineOptions {
  /** With the one that is being done. */
  readonly maxWaiting: number;
  /** Thrown to whoever finds the line full. */
  readonly refuse: () => Error;
}

/** Returns how to stand in it: each is done when all before it have ended, however they ended. */
export function createLine({ maxWaiting, refuse }: LineOptions): <T>(work: () => Promise<T>) => Promise<T> {
  let last: Promise<unknown> = Promise.resolve();
  let waiting = 0;
  return async (work) => {
    if (waiting >= maxWaiting) throw refuse();
    waiting++;
    const done = last.then(work);
    last = done.catch(() => undefined);
    try {
      return await done;
    } finally {
      waiting--;
    }
  };
}
