// The connections of this process: how many each user and address has, which end with a session, and how all end at a stop.
import { pause } from "../../kernel/clock/index.ts";
import { type Caller, CLOSE, type Closing, MAX_STRANGERS_PER_ADDRESS } from "./model.ts";

/** A WebSocket or a stream of server-sent events. */
export interface Closable {
  readonly address: string;
  close(closing: Closing): void;
}

export interface Connections {
  /** One that has not said who it is; returns why it may not stay. */
  addStranger(connection: Closable): Closing | undefined;
  /** One that is known now; returns why it may not stay. */
  admit(connection: Closable, caller: Caller): Closing | undefined;
  remove(connection: Closable): void;
  endSessions(sessionIds: ReadonlySet<string>): void;
  /** Closes all, one after the other over a part of the time, so that clients come back elsewhere one after the other. */
  stop(graceMs: number): Promise<void>;
  isStopping(): boolean;
  count(): number;
}

/** Of the grace time; the rest is for requests under way. */
const SPREAD = 0.6;
/** Fewer connections need less time. */
const SPREAD_MS_EACH = 10;

export function createConnections({ maxPerUser }: { readonly maxPerUser: number }): Connections {
  const all = new Set<Closable>();
  const callers = new Map<Closable, Caller>();
  const bySession = new Map<string, Set<Closable>>();
  const perUser = new Map<string, number>();
  const strangers = new Map<string, number>();
  let stopping = false;

  function forgetStranger({ address }: Closable): void {
    count(strangers, address, -1);
  }

  return {
    addStranger(connection) {
      all.add(connection);
      return count(strangers, connection.address, 1) > MAX_STRANGERS_PER_ADDRESS ? CLOSE.tooMany : undefined;
    },
    admit(connection, caller) {
      if (stopping) return CLOSE.stopping;
      if (!all.has(connection)) all.add(connection);
      else forgetStranger(connection);
      callers.set(connection, caller);
      bySession.set(caller.sessionId, (bySession.get(caller.sessionId) ?? new Set()).add(connection));
      return count(perUser, caller.userId, 1) > maxPerUser ? CLOSE.tooMany : undefined;
    },
    remove(connection) {
      if (!all.delete(connection)) return;
      const caller = callers.get(connection);
      if (!caller) return forgetStranger(connection);
      callers.delete(connection);
      count(perUser, caller.userId, -1);
      const ofSession = bySession.get(caller.sessionId);
      ofSession?.delete(connection);
      if (ofSession?.size === 0) bySession.delete(caller.sessionId);
    },
    endSessions(sessionIds) {
      for (const sessionId of sessionIds) {
        for (const connection of [...(bySession.get(sessionId) ?? [])]) connection.close(CLOSE.sessionEnded);
      }
    },
    async stop(graceMs) {
      stopping = true;
      const open = [...all];
      const spreadMs = Math.min(graceMs * SPREAD, open.length * SPREAD_MS_EACH);
      const startedMs = performance.now();
      for (const [index, connection] of open.entries()) {
        const dueMs = startedMs + (spreadMs * index) / open.length;
        if (dueMs > performance.now()) await pause(dueMs - performance.now());
        connection.close(CLOSE.stopping);
      }
    },
    isStopping: () => stopping,
    count: () => all.size,
  };
}

/** Adds to a count and returns it; a count of nothing is forgotten. */
function count(counts: Map<string, number>, key: string, amount: number): number {
  const next = (counts.get(key) ?? 0) + amount;
  if (next > 0) counts.set(key, next);
  else counts.delete(key);
  return next;
}
