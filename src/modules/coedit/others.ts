// The other processes as this one knows them: which documents each has open and where each has people who may write.

interface Other {
  heardMs: number;
  readonly openIds: Set<string>;
  readonly editedIds: Set<string>;
}

export interface Opened {
  /** Where somebody may write. */
  readonly edited: readonly string[];
  readonly read: readonly string[];
  /** Not the first part. */
  readonly isMore: boolean;
}

/** A process that says nothing for so long is dead, and its clients are not here. */
const DEAD_MS = 10_000;

export class Others {
  readonly #known = new Map<string, Other>();

  /** Somewhere else it is open. What is open there since a moment this process may learn late. */
  haveOpen(postId: string): boolean {
    for (const { openIds } of this.#known.values()) if (openIds.has(postId)) return true;
    return false;
  }

  edit(postId: string): boolean {
    for (const { editedIds } of this.#known.values()) if (editedIds.has(postId)) return true;
    return false;
  }

  hear(processId: string): void {
    this.#get(processId).heardMs = performance.now();
  }

  opened(processId: string, postId: string): void {
    this.#get(processId).openIds.add(postId);
  }

  left(processId: string, postId: string): void {
    const other = this.#get(processId);
    other.openIds.delete(postId);
    other.editedIds.delete(postId);
  }

  /** All that it has open, in one part or several. */
  told(processId: string, { edited, read, isMore }: Opened): void {
    const { openIds, editedIds } = this.#get(processId);
    if (!isMore) {
      openIds.clear();
      editedIds.clear();
    }
    for (const id of edited) {
      openIds.add(id);
      editedIds.add(id);
    }
    for (const id of read) openIds.add(id);
  }

  /** Gives those that have died since the last time, and forgets them. */
  bury(nowMs: number): string[] {
    const dead = [...this.#known].flatMap(([id, { heardMs }]) => (nowMs - heardMs > DEAD_MS ? [id] : []));
    for (const id of dead) this.#known.delete(id);
    return dead;
  }

  #get(processId: string): Other {
    const known = this.#known.get(processId) ?? {
      heardMs: performance.now(),
      openIds: new Set(),
      editedIds: new Set(),
    };
    this.#known.set(processId, known);
    return known;
  }
}
