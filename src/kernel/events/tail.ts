// The tail: follows the logs that somebody in this process wants, each once, however many want it.
import { pause } from "../clock/index.ts";
import type { Database } from "../db/index.ts";
import type { Part } from "../lifecycle/index.ts";
import type { Logger } from "../telemetry/index.ts";
import type { Hints } from "./hints.ts";
import type { StoredEvent } from "./log.ts";
import { type Growth, readGrowth, readPosition } from "./tail-store.ts";

/** Where a log stands: the epoch and the newest number. */
export interface Position {
  readonly epoch: string;
  readonly seq: number;
}

export type TailNews =
  | { readonly type: "events"; readonly events: readonly StoredEvent[] }
  /** Numbers mean other events now, or some were dropped unread: whoever follows must reload and goes on from here. */
  | { readonly type: "reset"; readonly position: Position };

export interface Following {
  /** What has been heard so far. It rises in the same tick in which the events are heard. */
  position(): Position;
  /** Resolves once the tail has looked at the log after this call. */
  refresh(): Promise<void>;
  stop(): void;
}

export interface Tail {
  /**
   * Calls `hear` with every event after the position, in order, each once. Hints make it quick, polling makes it sure; a lost
   * database delays it. Rejects when the database is away at the start.
   */
  follow(logId: string, hear: (news: TailNews) => void): Promise<Following>;
}

export interface TailDeps {
  readonly db: Pick<Database, "sql">;
  readonly log: Logger;
  readonly hints: Pick<Hints, "hear">;
}

/** How late an event is when its hint was lost. */
const POLL_MS = 100;
/** Polling takes a tenth of a connection at most, however many logs are followed … */
const POLL_REST = 10;
/** … but one slow look, of a database in trouble for a moment, must not make all of them late. */
const MAX_POLL_MS = 1_000;
const RETRY_MS = 250;
/** Dates have milliseconds, PostgreSQL's times microseconds. */
const ROUNDING_MS = 1_000;

interface FollowedLog {
  readonly id: string;
  readonly hearers: Set<(news: TailNews) => void>;
  readonly ready: Promise<void>;
  epoch: string;
  seq: number;
  /** Time of the newest event as PostgreSQL writes it: later events are not older, so older partitions are not looked at. */
  at: string;
}

export function createTail({ db, log, hints }: TailDeps): Tail & Part {
  const logs = new Map<string, FollowedLog>();
  const due = new Set<FollowedLog>();
  let reading: Promise<void> | undefined;
  let running:
    | { readonly abort: AbortController; readonly unhear: () => void; done: Promise<void> }
    | undefined;
  let isFailing = false;

  function open(id: string): FollowedLog {
    const position = readPosition(db.sql, id);
    const ready = position.then((found) => void Object.assign(followed, found));
    const followed: FollowedLog = { id, hearers: new Set(), ready, epoch: "", seq: 0, at: "-infinity" };
    logs.set(id, followed);
    return followed;
  }

  function tell(followed: FollowedLog, news: TailNews): void {
    for (const hear of [...followed.hearers]) {
      try {
        hear(news);
      } catch (error) {
        log.error({ err: error }, "a follower of a log threw");
      }
    }
  }

  function take(asked: readonly FollowedLog[], { epoch, logs: grown }: Growth): void {
    const byId = new Map(asked.map((followed) => [followed.id, followed]));
    for (const each of grown) {
      const followed = byId.get(each.logId);
      // Nobody wants it any more, or somebody wants it anew, from another position.
      if (!followed || logs.get(each.logId) !== followed) continue;
      const { events } = each;
      const last = events.at(-1);
      const isUnbroken = followed.epoch === epoch && events[0]?.seq === followed.seq + 1;
      if (isUnbroken && last) {
        followed.seq = last.seq;
        followed.at = new Date(last.at.getTime() - ROUNDING_MS).toISOString();
        tell(followed, { type: "events", events });
        if (last.seq < each.headSeq) due.add(followed);
      } else if (followed.epoch !== epoch || each.headSeq !== followed.seq) {
        Object.assign(followed, { epoch, seq: each.headSeq, at: "-infinity" });
        tell(followed, { type: "reset", position: { epoch, seq: each.headSeq } });
      }
    }
  }

  /** Looks at what is due; what becomes due meanwhile is looked at in the next round. */
  async function read(): Promise<void> {
    while (due.size > 0 && running) {
      const asked = [...due].filter((each) => each.epoch !== "");
      due.clear();
      if (asked.length === 0) return;
      take(asked, await readGrowth(db.sql, asked));
    }
  }

  function startReading(): Promise<void> {
    reading ??= read().finally(() => {
      reading = undefined;
    });
    return reading;
  }

  async function look(): Promise<void> {
    try {
      await startReading();
      isFailing = false;
    } catch (error) {
      if (!isFailing) log.warn({ err: error }, "the event log cannot be read; live events wait");
      isFailing = true;
    }
  }

  async function poll(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const startedMs = performance.now();
      for (const each of logs.values()) due.add(each);
      await look();
      const tookMs = performance.now() - startedMs;
      await pause(
        isFailing ? RETRY_MS : Math.min(MAX_POLL_MS, Math.max(POLL_MS, tookMs * POLL_REST)),
        signal,
      );
    }
  }

  return {
    name: "tail of the event log",
    async follow(logId, hear) {
      const followed = logs.get(logId) ?? open(logId);
      // Its own entry, so that one function may follow twice.
      const hearer = (news: TailNews) => hear(news);
      followed.hearers.add(hearer);
      const stop = () => {
        followed.hearers.delete(hearer);
        if (followed.hearers.size > 0 || logs.get(logId) !== followed) return;
        logs.delete(logId);
        due.delete(followed);
      };
      try {
        await followed.ready;
      } catch (error) {
        stop();
        if (logs.get(logId) === followed) logs.delete(logId);
        throw error;
      }
      return {
        position: () => ({ epoch: followed.epoch, seq: followed.seq }),
        async refresh() {
          // A reading under way may have asked before this call.
          await reading?.catch(() => {});
          due.add(followed);
          await startReading();
        },
        stop,
      };
    },
    async start() {
      if (running) return;
      const abort = new AbortController();
      const unhear = hints.hear((logId, seq) => {
        const followed = logs.get(logId);
        if (!followed || followed.epoch === "" || (seq > 0 && seq <= followed.seq)) return;
        due.add(followed);
        if (!isFailing) void look();
      });
      running = { abort, unhear, done: Promise.resolve() };
      running.done = poll(abort.signal);
    },
    async stop() {
      const stopping = running;
      running = undefined;
      stopping?.unhear();
      stopping?.abort.abort();
      await stopping?.done;
    },
  };
}
