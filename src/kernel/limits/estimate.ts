// A limit a minute that costs no round trip: counted in memory, and what other processes have counted is heard of by the second.
import { createRecent } from "./recent.ts";
import type { Count, Total } from "./store.ts";
import { refusal, type Verdict } from "./verdict.ts";

export interface Estimate {
  /** Counts a request and says whether it may pass. One that is refused does not count. */
  hit(key: string): Verdict;
  /** What hit would say if it were refused; undefined when it would let the request pass. Counts nothing. */
  exhausted(key: string): Verdict | undefined;
}

/** The side that settles. */
export interface Ledger {
  /** What has not been told yet of keys worth telling, and keys that were just told; what the database took is handed to `settle`. */
  untold(): Count[];
  settle(told: readonly Count[], totals: readonly Total[]): void;
  /** Called once a minute: forgets keys that were quiet since the last time. */
  sweep(): void;
}

export interface EstimateOptions {
  /** Goes before its keys in the database. */
  readonly name: string;
  readonly perMinute: number;
  readonly nowMs: () => number;
}

interface Entry {
  readonly key: string;
  minute: number;
  /** Counted by this process in this minute, and how much of it the database knows. */
  own: number;
  told: number;
  others: number;
  /** Of all processes in the minute before. */
  previous: number;
  isListed: boolean;
  /** Settlings that found nothing new to tell. */
  quiet: number;
}

const MINUTE_MS = 60_000;
/** About 200 bytes each: 20 MB when full. What gives way is heard of again with the next settling, if it was told. */
const MAX_KEYS = 100_000;
/** A statement takes no more keys than this; the others come a second later. */
const MAX_UNTOLD = 5_000;
/** Keys below this share of the limit are not told, so that a flood of addresses that ask once reaches no database. */
const TOLD_SHARE = 0.05;
/** So often a key that is quiet here is still asked for: other processes may have told theirs after us. */
const QUIET_SETTLINGS = 3;

export function createEstimate({ name, perMinute, nowMs }: EstimateOptions): Estimate & Ledger {
  const entries = createRecent<Entry>(MAX_KEYS);
  const toldFrom = Math.max(1, perMinute * TOLD_SHARE);
  let listed: Entry[] = [];
  /** Of a minute that ended before it was told. */
  let late: Count[] = [];

  function entryOf(key: string, minute: number): Entry {
    const known = entries.get(key);
    if (known) {
      if (known.minute !== minute) roll(known, minute);
      return known;
    }
    const entry = { key, minute, own: 0, told: 0, others: 0, previous: 0, isListed: false, quiet: 0 };
    entries.set(key, entry);
    return entry;
  }

  function roll(entry: Entry, minute: number): void {
    if (entry.isListed && entry.own > entry.told && late.length < MAX_UNTOLD)
      late.push({ key: name + entry.key, minute: entry.minute, n: entry.own - entry.told });
    entry.previous = minute === entry.minute + 1 ? entry.own + entry.others : 0;
    entry.minute = minute;
    entry.own = entry.told = entry.others = 0;
  }

  /**
   * The minute before counts by the part of it that is still within 60 seconds, rounded down: so there is no moment at which
   * twice the limit passes, as there is with minutes alone.
   */
  function used(entry: Entry, passedMs: number): number {
    return Math.floor(entry.previous * (1 - passedMs / MINUTE_MS)) + entry.own + entry.others;
  }

  /** Milliseconds until `used` falls below the limit. */
  function waitMs(entry: Entry, passedMs: number): number {
    const current = entry.own + entry.others;
    const [start, before, room] =
      current < perMinute ? [0, entry.previous, perMinute - current] : [MINUTE_MS, current, perMinute];
    return start + MINUTE_MS * Math.max(0, 1 - room / before) + 1 - passedMs;
  }

  return {
    hit(key) {
      const now = nowMs();
      const minute = Math.floor(now / MINUTE_MS);
      const passedMs = now - minute * MINUTE_MS;
      const entry = entryOf(key, minute);
      const before = used(entry, passedMs);
      if (before >= perMinute) return refusal(perMinute, waitMs(entry, passedMs), now);
      entry.own++;
      if (!entry.isListed && entry.own >= toldFrom) {
        entry.isListed = true;
        entry.quiet = 0;
        listed.push(entry);
      }
      return {
        isAllowed: true,
        limit: perMinute,
        remaining: perMinute - before - 1,
        resetsAt: (minute + 1) * 60,
        retryAfterSeconds: 0,
      };
    },
    exhausted(key) {
      const entry = entries.get(key);
      if (!entry) return undefined;
      const now = nowMs();
      const minute = Math.floor(now / MINUTE_MS);
      if (entry.minute !== minute) roll(entry, minute);
      const passedMs = now - minute * MINUTE_MS;
      return used(entry, passedMs) < perMinute ? undefined : refusal(perMinute, waitMs(entry, passedMs), now);
    },
    untold() {
      const counts = late;
      late = [];
      const rest = listed.splice(MAX_UNTOLD);
      for (const entry of listed) {
        const current = entries.get(entry.key);
        // One that gave way and is counted anew since: a statement must not hold a key twice.
        if (current !== undefined && current !== entry) continue;
        const n = entry.own - entry.told;
        entry.quiet = n > 0 ? 0 : entry.quiet + 1;
        entry.isListed = current !== undefined && entry.quiet < QUIET_SETTLINGS;
        if (entry.isListed) rest.push(entry);
        counts.push({ key: name + entry.key, minute: entry.minute, n });
      }
      listed = rest;
      return counts;
    },
    settle(told, totals) {
      const find = (key: string) => (key.startsWith(name) ? entries.get(key.slice(name.length)) : undefined);
      for (const { key, minute, n } of told) {
        const entry = find(key);
        if (entry?.minute === minute) entry.told += n;
      }
      for (const { key, minute, n, previous } of totals) {
        const entry = find(key);
        if (entry?.minute !== minute) continue;
        entry.others = Math.max(0, n - entry.told);
        entry.previous = Math.max(entry.previous, previous);
      }
    },
    sweep: () => entries.turn(),
  };
}
