// Who wants to know when the counts of a project have changed, such as caches of what is made from them.

export interface Counted {
  notify(projectId: string): void;
  listen(onCounted: (projectId: string) => void): void;
}

/** Told in the process in which they changed, after the commit; a crash in between loses it. */
export function createCounted(): Counted {
  const listeners: ((projectId: string) => void)[] = [];
  return {
    notify(projectId) {
      for (const listener of listeners) listener(projectId);
    },
    listen: (onCounted) => void listeners.push(onCounted),
  };
}
