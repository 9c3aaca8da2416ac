// What was used lately, by key, in bounded memory: two generations, of which the older goes when the younger is full.

export interface Recent<T> {
  /** Finding counts as use. */
  get(key: string): T | undefined;
  set(key: string, value: T): void;
  /** What is not used between two turns is forgotten. */
  turn(): void;
}

/**
 * Not one map whose oldest entry goes: looking for it costs more the more have gone before it, and a flood would then be
 * paid by us.
 * @param max entries at most.
 */
export function createRecent<T>(max: number): Recent<T> {
  let young = new Map<string, T>();
  let old = new Map<string, T>();

  function turn(): void {
    old = young;
    young = new Map();
  }

  function set(key: string, value: T): void {
    if (young.size >= max / 2) turn();
    young.set(key, value);
  }

  return {
    get(key) {
      const found = young.get(key);
      if (found !== undefined) return found;
      const older = old.get(key);
      if (older !== undefined) {
        old.delete(key);
        set(key, older);
      }
      return older;
    },
    set,
    turn,
  };
}
