// What a process remembers: bounded in bytes, the least recently used goes first. The newest stays however large it is: without
// it every question about a very large project would begin from nothing.

export interface BoundedMemory<Value> {
  get(key: string): Value | undefined;
  /**
   * Call it again when the value has grown.
   * @param group what is forgotten together, see deleteGroup.
   */
  set(key: string, value: Value, bytes: number, group?: string): void;
  delete(key: string): void;
  deleteGroup(group: string): void;
}

/** Cost of an entry besides its value: the key, the map's slot. */
const ENTRY_BYTES = 160;

export function createBoundedMemory<Value>(maxBytes: number): BoundedMemory<Value> {
  // A Map lists its keys in the order they were put in: taking one out and in again makes it the newest.
  const entries = new Map<string, { value: Value; bytes: number; group: string | undefined }>();
  const groups = new Map<string, Set<string>>();
  let total = 0;

  function remove(key: string): void {
    const entry = entries.get(key);
    if (!entry) return;
    entries.delete(key);
    total -= entry.bytes;
    if (entry.group === undefined) return;
    const group = groups.get(entry.group);
    group?.delete(key);
    if (group?.size === 0) groups.delete(entry.group);
  }

  return {
    get(key) {
      const entry = entries.get(key);
      if (!entry) return undefined;
      entries.delete(key);
      entries.set(key, entry);
      return entry.value;
    },
    set(key, value, bytes, group) {
      remove(key);
      entries.set(key, { value, bytes: bytes + ENTRY_BYTES, group });
      if (group !== undefined) {
        const keys = groups.get(group);
        if (keys) keys.add(key);
        else groups.set(group, new Set([key]));
      }
      total += bytes + ENTRY_BYTES;
      for (const oldest of entries.keys()) {
        if (total <= maxBytes || oldest === key) break;
        remove(oldest);
      }
    },
    delete: remove,
    deleteGroup(group) {
      for (const key of groups.get(group) ?? []) remove(key);
    },
  };
}
