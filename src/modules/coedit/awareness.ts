// Who is in a document and where: entries of the clients here and on other processes, each only its own connection's to change.
import { type AwarenessEntry, awarenessFrame } from "./frames.ts";
import { MAX_STATE_BYTES } from "./model.ts";

/** Whose entry it is. */
export interface Owner {
  readonly processId: string;
  readonly connectionId: string;
  readonly userId: string;
}

/** What processes tell each other of an entry. */
export type EntryNote = readonly [
  clientId: number,
  clock: number,
  state: unknown,
  connectionId: string,
  userId: string,
];

export interface AwarenessDeps {
  readonly processId: string;
  /** To all connections of the document on this process, its sender among them: y-websocket wants to hear something. */
  readonly send: (frame: Uint8Array) => void;
  /** To the other processes. */
  readonly tell: (note: EntryNote) => void;
}

interface Known extends AwarenessEntry {
  readonly owner: Owner;
  readonly heardMs: number;
}

export const GONE = "null";
/** Screens show no more. */
const SEND_EVERY_MS = 50;
/** y-websocket renews its entry every 15 s, and forgets those of others after 30. */
const FORGOTTEN_MS = 45_000;

export class AwarenessBook {
  readonly #deps: AwarenessDeps;
  readonly #known = new Map<number, Known>();
  /** By connection id: the one client that it speaks for. */
  readonly #bound = new Map<string, number>();
  #changed = new Map<number, AwarenessEntry>();
  /** Changed here: the others are told. */
  readonly #ours = new Set<number>();
  #sentMs = 0;
  #timer: Timer | undefined;

  constructor(deps: AwarenessDeps) {
    this.#deps = deps;
  }

  /** What a connection of this process says. What it says of others is passed over: plain clients repeat what they hear. */
  hear(owner: Owner, entries: readonly AwarenessEntry[]): void {
    const bound = this.#bound.get(owner.connectionId) ?? this.#bind(owner, entries);
    for (const entry of entries) {
      if (entry.clientId !== bound) continue;
      const state = stamped(entry.state, owner.userId);
      if (state === undefined || !this.#take({ ...entry, state }, owner)) continue;
      this.#ours.add(entry.clientId);
      this.#schedule();
    }
  }

  hearNote(processId: string, [clientId, clock, state, connectionId, userId]: EntryNote): void {
    const owner = { processId, connectionId, userId };
    if (!this.#mayTake(clientId, owner)) return;
    if (this.#take({ clientId, clock, state: JSON.stringify(state) }, owner)) this.#schedule();
  }

  /** All that are there, for one who has just come. */
  frame(): Uint8Array | undefined {
    return this.#known.size > 0 ? awarenessFrame([...this.#known.values()]) : undefined;
  }

  /** Those of this process, for a process that has just come. */
  notes(): EntryNote[] {
    return [...this.#known.values()]
      .filter(({ owner }) => owner.processId === this.#deps.processId)
      .map(toNote);
  }

  leave(connectionId: string): void {
    this.#bound.delete(connectionId);
    this.#remove(({ owner }) => owner.connectionId === connectionId);
  }

  processGone(processId: string): void {
    this.#remove(({ owner }) => owner.processId === processId);
  }

  forgetSilent(nowMs: number): void {
    this.#remove(({ heardMs }) => nowMs - heardMs > FORGOTTEN_MS);
  }

  /** Plain clients hang up when they hear nothing for 30 s. */
  keepAlive(nowMs: number, everyMs: number): void {
    if (nowMs - this.#sentMs < everyMs) return;
    this.#sentMs = nowMs;
    this.#deps.send(awarenessFrame([]));
  }

  stop(): void {
    clearTimeout(this.#timer);
  }

  /** The first client that it tells of alone, unless that is another's; a user's new connection goes before his old one. */
  #bind(owner: Owner, entries: readonly AwarenessEntry[]): number | undefined {
    const [entry] = entries;
    if (!entry || entries.length > 1 || !this.#mayTake(entry.clientId, owner)) return undefined;
    const before = this.#known.get(entry.clientId);
    if (before && before.owner.connectionId !== owner.connectionId) {
      this.#bound.delete(before.owner.connectionId);
      // What has gone by the old connection may come with the same clock by the new one.
      this.#known.delete(entry.clientId);
    }
    this.#bound.set(owner.connectionId, entry.clientId);
    return entry.clientId;
  }

  #mayTake(clientId: number, owner: Owner): boolean {
    const known = this.#known.get(clientId);
    return known === undefined || known.owner.userId === owner.userId;
  }

  #take(entry: AwarenessEntry, owner: Owner): boolean {
    const { clientId, clock, state } = entry;
    const known = this.#known.get(clientId);
    const isNewer = !known || clock > known.clock || (clock === known.clock && state !== known.state);
    if (!isNewer || (!known && state === GONE)) return false;
    if (state === GONE) this.#known.delete(clientId);
    else this.#known.set(clientId, { clientId, clock, state, owner, heardMs: performance.now() });
    this.#changed.set(clientId, { clientId, clock, state });
    if (state === GONE && owner.processId === this.#deps.processId) {
      this.#deps.tell(toNote({ clientId, clock, state, owner }));
    }
    return true;
  }

  #remove(isMeant: (known: Known) => boolean): void {
    for (const known of [...this.#known.values()].filter(isMeant)) {
      this.#take({ ...known, state: GONE }, known.owner);
      this.#schedule();
    }
  }

  #schedule(): void {
    const restMs = this.#sentMs + SEND_EVERY_MS - performance.now();
    if (restMs <= 0 && !this.#timer) this.#send();
    else this.#timer ??= setTimeout(() => this.#send(), Math.max(0, restMs));
  }

  #send(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const changed = this.#changed;
    if (changed.size === 0) return;
    this.#changed = new Map();
    this.#sentMs = performance.now();
    this.#deps.send(awarenessFrame([...changed.values()]));
    for (const clientId of this.#ours) {
      const known = this.#known.get(clientId);
      if (known) this.#deps.tell(toNote(known));
    }
    this.#ours.clear();
  }
}

function toNote({ clientId, clock, state, owner }: Omit<Known, "heardMs">): EntryNote {
  return [clientId, clock, JSON.parse(state), owner.connectionId, owner.userId];
}

/** With the server's own word for who it is; undefined for what is too large or no state. */
function stamped(text: string, userId: string): string | undefined {
  if (Buffer.byteLength(text) > MAX_STATE_BYTES) return undefined;
  try {
    const state: unknown = JSON.parse(text);
    if (state === null) return GONE;
    return typeof state === "object" && !Array.isArray(state)
      ? JSON.stringify({ ...state, user_id: userId })
      : undefined;
  } catch {
    return undefined;
  }
}
