// A subscription: from a position to the present, then live; every event once, in order, or the order to reload.
import { pause } from "../../kernel/clock/index.ts";
import { isDatabaseAway, isDatabaseBusy } from "../../kernel/db/index.ts";
import { Refusal } from "../../kernel/errors/index.ts";
import type { Position } from "../../kernel/events/index.ts";
import type { Feed } from "./feed.ts";
import type { Feeds } from "./feeds.ts";
import { type EventFrame, resetFrame } from "./frames.ts";
import { type Caller, REPLAY_WAITING_BYTES, type Source } from "./model.ts";
import type { Replay } from "./replay.ts";
import type { Turns } from "./turns.ts";

/** Where a subscription's frames go: a WebSocket or a stream of server-sent events. */
export interface Outlet {
  /** From here on: who is online, and what follows. */
  sendSubscribed(from: Position, head: Position): void;
  sendReset(text: string, position: Position): void;
  /** Events of the past. */
  replay(frames: readonly EventFrame[]): void;
  /** From now on it gets what the feed publishes: sockets by the feed's topic, others by `deliver`. */
  goLive(feed: Feed): void;
  deliver?(frames: readonly EventFrame[]): void;
  leave(feed: Feed): void;
  waitingBytes(): number;
  /** Resolves when little waits, or the outlet is closed. */
  drained(): Promise<void>;
  tooSlow(): void;
  withdrawn(source: Source): void;
}

export interface SubscriptionDeps {
  readonly feeds: Feeds;
  readonly replay: Replay;
  readonly turns: Turns;
  /** Throws when the caller may not read the source. */
  readonly allow: (source: Source, caller: Caller) => Promise<void>;
}

const RETRY_MS = 250;

export class Subscription {
  readonly source: Source;
  readonly caller: Caller;
  readonly outlet: Outlet;
  /** It gets events as they are published. */
  isLive = false;
  readonly #deps: SubscriptionDeps;
  #feed: Feed | undefined;
  #isOver = false;

  constructor(source: Source, caller: Caller, outlet: Outlet, deps: SubscriptionDeps) {
    this.source = source;
    this.caller = caller;
    this.outlet = outlet;
    this.#deps = deps;
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  /**
   * Resolves when it is live or over; throws, and is over, when it is refused or the database is away. `prepare` runs once the
   * right is proven, before anything is sent.
   */
  async start(since: Position | undefined, prepare?: () => Promise<void>): Promise<void> {
    try {
      await this.#start(since, prepare);
    } catch (error) {
      this.stop();
      throw error;
    }
  }

  async #start(since: Position | undefined, prepare: (() => Promise<void>) | undefined): Promise<void> {
    const { feeds, allow, turns } = this.#deps;
    await turns.next();
    if (this.#isOver) return;
    const entering = feeds.enter(this.source);
    const feed = await entering.catch((error) => {
      feeds.leave(this.source);
      throw error;
    });
    if (this.#isOver) return feeds.leave(this.source);
    this.#feed = feed;
    // Listening goes before asking: a right that is taken away after the question is heard of as an event.
    feed.subscriptions.add(this);
    await allow(this.source, this.caller);
    await prepare?.();
    // Seen elsewhere, and not yet here.
    if (since && since.epoch === feed.position().epoch && since.seq > feed.position().seq)
      await feed.refresh();
    if (this.#isOver) return;
    const head = feed.position();
    const { generation } = feed;
    const isKnown = since !== undefined && since.epoch === head.epoch && since.seq <= head.seq;
    const from = isKnown ? since : head;
    this.outlet.sendSubscribed(from, head);
    if (since && !isKnown) this.outlet.sendReset(resetFrame(this.source, head), head);
    if (from.seq < head.seq) await this.#deps.turns.next();
    await this.#catchUp(feed, from, generation);
  }

  /** Whether the last event has been sent is asked in the tick in which the subscription goes live: nothing comes between. */
  async #catchUp(feed: Feed, from: Position, generation: number): Promise<void> {
    let seq = from.seq;
    while (!this.#isOver) {
      const head = feed.position();
      if (feed.generation !== generation) return this.#goLiveAfterReset(feed);
      if (seq === head.seq) return this.#goLive(feed);
      const frames = await this.#read(head, seq);
      if (this.#isOver) return;
      if (!frames) return this.#goLiveAfterReset(feed);
      this.outlet.replay(frames);
      seq = frames.at(-1)?.seq ?? seq;
      if (this.outlet.waitingBytes() > REPLAY_WAITING_BYTES) await this.outlet.drained();
      // The last page needs no further turn: whoever has caught up goes live at once.
      if (seq < feed.position().seq) await this.#deps.turns.next();
    }
  }

  async #read(head: Position, after: number): Promise<readonly EventFrame[] | undefined> {
    while (!this.#isOver) {
      try {
        return await this.#deps.replay.read(this.source, head.epoch, after, head.seq);
      } catch (error) {
        if (!isDatabaseAway(error) && !isDatabaseBusy(error)) throw error;
        await pause(RETRY_MS);
      }
    }
    return undefined;
  }

  #goLiveAfterReset(feed: Feed): void {
    const position = feed.position();
    this.outlet.sendReset(resetFrame(this.source, position), position);
    this.#goLive(feed);
  }

  #goLive(feed: Feed): void {
    this.isLive = true;
    this.outlet.goLive(feed);
  }

  /** After a reset: the event that took the right away may be among those that nobody heard. */
  async recheck(): Promise<void> {
    while (!this.#isOver) {
      try {
        return await this.#deps.allow(this.source, this.caller);
      } catch (error) {
        if (error instanceof Refusal) return this.withdraw();
        await pause(RETRY_MS);
      }
    }
  }

  /** The right to read is gone. */
  withdraw(): void {
    if (this.#isOver) return;
    this.stop();
    this.outlet.withdrawn(this.source);
  }

  stop(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    const feed = this.#feed;
    if (!feed) return;
    if (this.isLive) this.outlet.leave(feed);
    this.isLive = false;
    feed.subscriptions.delete(this);
    this.#deps.feeds.leave(this.source);
  }
}
