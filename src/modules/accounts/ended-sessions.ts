// Which sessions have ended, in memory: every process follows the log of endings, so that no token outlives its session by
// more than a second anywhere.
import type { Bus } from "../../kernel/bus/index.ts";
import { type Clock, pause } from "../../kernel/clock/index.ts";
import type { Database } from "../../kernel/db/index.ts";
import type { Part } from "../../kernel/lifecycle/index.ts";
import type { Logger } from "../../kernel/telemetry/index.ts";
import { readEndings } from "./store/endings.ts";

export interface EndedSessions extends Part {
  has(sessionId: string): boolean;
  /** False when the log could not be read for so long that memory must not be trusted. */
  isFresh(nowMs: number): boolean;
  /** Takes in endings of this process at once and tells the others to look; call it after the commit. */
  announce(...sessionIds: readonly string[]): void;
  /** Called with sessions that have just become known to have ended. */
  onEnded(hear: (sessionIds: ReadonlySet<string>) => void): void;
}

export interface EndedSessionsDeps {
  readonly db: Database;
  readonly bus: Pick<Bus, "publish" | "subscribe">;
  readonly clock: Clock;
  readonly log: Logger;
  /** How long the longest token lasts. */
  readonly tokenSeconds: number;
}

const POLL_MS = 500;
const STALE_MS = 3_000;
/** Clocks of processes and database may differ by so much. */
const MARGIN_SECONDS = 300;
const TOPIC = "accounts.session_ended";

export function createEndedSessions({ db, bus, clock, log, tokenSeconds }: EndedSessionsDeps): EndedSessions {
  const keptSeconds = tokenSeconds + MARGIN_SECONDS;
  /** Session id → when it may be forgotten, in the order of both. */
  const ended = new Map<string, number>();
  const hearers: ((sessionIds: ReadonlySet<string>) => void)[] = [];
  let last = 0;
  let readAt = Number.NEGATIVE_INFINITY;
  let polling: Promise<void> | undefined;
  let running: { readonly stop: () => Promise<void> } | undefined;

  function take(sessionIds: readonly string[]): void {
    const forgetAt = clock.now() + keptSeconds * 1000;
    const fresh = new Set(sessionIds.filter((id) => !ended.has(id)));
    if (fresh.size === 0) return;
    for (const id of fresh) ended.set(id, forgetAt);
    for (const hear of hearers) hear(fresh);
  }

  function forget(): void {
    const now = clock.now();
    for (const [id, forgetAt] of ended) {
      if (forgetAt > now) return;
      ended.delete(id);
    }
  }

  async function read(): Promise<void> {
    const askedAt = clock.now();
    // What ended while the database was away ended our sockets' sessions too, however long ago.
    const awaySeconds = Number.isFinite(readAt) ? Math.max(0, Math.ceil((askedAt - readAt) / 1000)) : 0;
    const { head, sessionIds } = await readEndings(db.sql, last, keptSeconds + awaySeconds);
    take(sessionIds);
    // A restored backup is behind what we have seen: read all of it again.
    const isBehind = head < last;
    last = isBehind ? 0 : head;
    if (isBehind) return read();
    readAt = askedAt;
    forget();
  }

  /** Callers of one moment share a reading. */
  function poll(): Promise<void> {
    polling ??= read().finally(() => {
      polling = undefined;
    });
    return polling;
  }

  async function follow(signal: AbortSignal): Promise<void> {
    let isFailing = false;
    while (!signal.aborted) {
      try {
        await poll();
        isFailing = false;
      } catch (error) {
        if (!isFailing)
          log.warn({ err: error }, "ended sessions cannot be read; tokens are asked of the database");
        isFailing = true;
      }
      await pause(POLL_MS, signal);
    }
  }

  return {
    name: "ended sessions",
    has: (sessionId) => ended.has(sessionId),
    isFresh(nowMs) {
      const ageMs = nowMs - readAt;
      // A clock that was set back shows an age below zero: that says nothing.
      return ageMs >= 0 && ageMs <= STALE_MS;
    },
    announce(...sessionIds) {
      take(sessionIds);
      bus.publish(TOPIC, {});
    },
    onEnded: (hear) => void hearers.push(hear),
    async start() {
      if (running) return;
      const controller = new AbortController();
      const unsubscribe = bus.subscribe(TOPIC, () => void poll().catch(() => {}));
      running = {
        async stop() {
          unsubscribe();
          controller.abort();
          await following;
        },
      };
      // The first reading must succeed: without it an ended session's token would be believed.
      await poll();
      const following = follow(controller.signal);
    },
    async stop() {
      const stopping = running;
      running = undefined;
      await stopping?.stop();
    },
  };
}
