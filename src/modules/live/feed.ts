// A feed: one log as this process sends it on, encoded once for all its subscribers.
import type { Following, Position, StoredEvent, TailNews } from "../../kernel/events/index.ts";
import { type EventFrame, eventFrame, resetFrame } from "./frames.ts";
import { logIdOf, MAX_WAITING_BYTES, type Source } from "./model.ts";
import type { Subscription } from "./subscription.ts";

export interface FeedDeps {
  /** Sends to every socket that has joined the topic. */
  readonly publish: (topic: string, text: string) => void;
  /** Who may not read on after an event: one user, all, or nobody. */
  readonly withdrawnBy: (event: StoredEvent) => { readonly userId: string } | "everyone" | undefined;
  readonly countDeliveries: (count: number) => void;
}

/** After a batch the sockets' buffers are filled in the event loop's next round. */
const SLOW_CHECK_MS = 20;
/**
 * A packet costs the same whether it carries one event or ten: the more subscribers, the longer a feed gathers between two
 * sendings. The first after a quiet time goes at once.
 */
const REST_MS_EACH = 0.015;
const MAX_REST_MS = 20;

export class Feed {
  readonly source: Source;
  /** Events, for sockets that have caught up. */
  readonly topic: string;
  readonly subscriptions = new Set<Subscription>();
  /** Rises with each reset: what was being replayed then is worth nothing. */
  generation = 0;
  readonly #deps: FeedDeps;
  #following: Following | undefined;
  #position: Position = { epoch: "", seq: 0 };
  #waiting: StoredEvent[] = [];
  #restUntilMs = 0;
  #flushTimer: Timer | undefined;
  #slowCheck: Timer | undefined;

  constructor(source: Source, deps: FeedDeps) {
    this.source = source;
    this.topic = `events:${logIdOf(source)}`;
    this.#deps = deps;
  }

  follow(following: Following): void {
    this.#following = following;
    this.#position = following.position();
  }

  /** What every subscriber that has caught up has been sent. */
  position(): Position {
    return this.#position;
  }

  /** Sends what the log has now, without a pause. */
  async refresh(): Promise<void> {
    await this.#following?.refresh();
    this.#flush();
  }

  hear(news: TailNews): void {
    if (news.type === "events") {
      this.#waiting.push(...news.events);
      const restMs = this.#restUntilMs - performance.now();
      if (restMs <= 0) this.#flush();
      else this.#flushTimer ??= setTimeout(() => this.#flush(), restMs);
    } else {
      this.#flush();
      this.#reset(news.position);
    }
  }

  stop(): void {
    clearTimeout(this.#slowCheck);
    clearTimeout(this.#flushTimer);
    this.#following?.stop();
  }

  #flush(): void {
    clearTimeout(this.#flushTimer);
    this.#flushTimer = undefined;
    const events = this.#waiting;
    if (events.length === 0) return;
    this.#waiting = [];
    this.#restUntilMs = performance.now() + Math.min(MAX_REST_MS, this.subscriptions.size * REST_MS_EACH);
    this.#position = { epoch: this.#position.epoch, seq: events.at(-1)?.seq ?? this.#position.seq };
    this.#send(events);
  }

  #send(events: readonly StoredEvent[]): void {
    let frames: EventFrame[] = [];
    for (const event of events) {
      const withdrawn = this.source.kind === "project" ? this.#deps.withdrawnBy(event) : undefined;
      if (typeof withdrawn === "object") {
        // Whoever was removed sees what happened before, and not the removal nor what comes after.
        this.#publish(frames);
        frames = [];
        this.#withdraw(({ caller }) => caller.userId === withdrawn.userId);
      }
      frames.push(eventFrame(this.source, event));
      if (withdrawn === "everyone") {
        this.#publish(frames);
        frames = [];
        this.#withdraw(() => true);
      }
    }
    this.#publish(frames);
  }

  #publish(frames: readonly EventFrame[]): void {
    if (frames.length === 0) return;
    for (const { text } of frames) this.#deps.publish(this.topic, text);
    let live = 0;
    for (const subscription of this.subscriptions) {
      if (!subscription.isLive) continue;
      live++;
      subscription.outlet.deliver?.(frames);
    }
    this.#deps.countDeliveries(live * frames.length);
    this.#slowCheck ??= setTimeout(() => this.#closeSlow(), SLOW_CHECK_MS);
  }

  #reset(position: Position): void {
    this.generation++;
    this.#position = position;
    const text = resetFrame(this.source, position);
    for (const subscription of this.subscriptions) {
      if (subscription.isLive) subscription.outlet.sendReset(text, position);
      void subscription.recheck();
    }
  }

  #withdraw(isMeant: (subscription: Subscription) => boolean): void {
    for (const subscription of [...this.subscriptions].filter(isMeant)) subscription.withdraw();
  }

  #closeSlow(): void {
    this.#slowCheck = undefined;
    for (const { outlet } of [...this.subscriptions]) {
      if (outlet.waitingBytes() > MAX_WAITING_BYTES) outlet.tooSlow();
    }
  }
}
