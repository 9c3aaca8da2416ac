// What was handed in and deleted, by the word by which it can be found: what a search must, may and must not show at a moment.

export interface Moment {
  /** Acknowledged, and nobody has begun to delete it. */
  readonly there: ReadonlySet<string>;
  /** Whose deletion is acknowledged. */
  readonly gone: ReadonlySet<string>;
}

interface Group {
  /** Sent, acknowledged or not. */
  sent: number;
  readonly there: Set<string>;
  readonly leaving: Set<string>;
  readonly gone: Set<string>;
}

export class Ledger {
  readonly #groups = new Map<string, Group>();

  #of(word: string): Group {
    const group = this.#groups.get(word) ?? {
      sent: 0,
      there: new Set(),
      leaving: new Set(),
      gone: new Set(),
    };
    this.#groups.set(word, group);
    return group;
  }

  send(word: string): void {
    this.#of(word).sent++;
  }

  acknowledge(word: string, id: string): void {
    this.#of(word).there.add(id);
  }

  leave(word: string, id: string): void {
    this.#of(word).there.delete(id);
    this.#of(word).leaving.add(id);
  }

  bury(word: string, id: string): void {
    this.#of(word).gone.add(id);
  }

  now(word: string): Moment {
    const { there, gone } = this.#of(word);
    return { there: new Set(there), gone: new Set(gone) };
  }

  sent(word: string): number {
    return this.#of(word).sent;
  }

  /** Also those that are gone. */
  leaving(word: string): ReadonlySet<string> {
    return new Set(this.#of(word).leaving);
  }

  count(): { there: number; gone: number } {
    const groups = [...this.#groups.values()];
    return {
      there: groups.reduce((sum, { there }) => sum + there.size, 0),
      gone: groups.reduce((sum, { gone }) => sum + gone.size, 0),
    };
  }
}
