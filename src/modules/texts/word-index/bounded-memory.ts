// What a process remembers: bounded in bytes, the least recently used goes first. The newest stays however large it is: without
// it every question about a very large project would begin from nothing.

export interface BoundedMemory<Value> {
  get(key: string): Value | undefined;
  /** Call it again when the value has grown. */
  set(key: string, value: Value, bytes: number): void;
  delete(key: string): void;
}

/** Cost of an entry besides its value: the key, the map's slot. */
const ENTRY_BYTES = 160;

export function createBoundedMemory<Value>(maxBytes: number): BoundedMemory<Value> {
  // A Map lists its keys in the order they were put in: taking one out and in again makes it the newest.
  const entries = new Map<string, { value: Value; bytes: number }>();
  let total = 0;

  function remove(key: string): void {
    const entry = entries.get(key);
    if (!entry) return;
    entries.delete(key);
    total -= entry.bytes;
  }

  return {
    get(key) {
      const entry = entries.get(key);
      if (!entry) return undefined;
      entries.delete(key);
      entries.set(key, entry);
      return entry.value;
    },
    set(key, value, bytes) {
      remove(key);
      entries.set(key, { value, bytes: bytes + ENTRY_BYTES });
      total += bytes + ENTRY_BYTES;
      for (const oldest of entries.keys()) {
        if (total <= maxBytes || oldest === key) break;
        remove(oldest);
      }
    },
    delete: remove,
  };
}
