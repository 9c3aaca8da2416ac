// LISTEN over a connection of its own, made again soon after it was lost.
import type { SQL } from "bun";
import { pause } from "../clock/index.ts";
import { closePool } from "./pool.ts";

type OnMessage = (payload: string) => void;

interface Subscription {
  readonly channel: string;
  readonly onMessage: OnMessage;
  readonly onReady: (() => void) | undefined;
}

export interface Listener {
  listen(channel: string, onMessage: OnMessage, onReady?: () => void): Promise<() => Promise<void>>;
  close(): Promise<void>;
}

/** Bun's client waits up to 32 s between its own attempts: too long for those who are woken by it. */
const FIRST_RETRY_MS = 100;
const MAX_RETRY_MS = 2_000;

/** @param open a client for one connection; it is told when that has ended. */
export function createListener(open: (onClose: () => void) => SQL): Listener {
  const subscriptions = new Map<Subscription, () => Promise<void>>();
  const closing = new AbortController();
  let client: SQL | undefined;
  let restarting: Promise<void> | undefined;

  function connect(): SQL {
    if (client) return client;
    const opened = open(() => {
      if (opened === client && !closing.signal.aborted) restarting ??= restart();
    });
    client = opened;
    return opened;
  }

  async function subscribe(subscription: Subscription): Promise<void> {
    const { channel, onMessage, onReady } = subscription;
    const handle = await connect().listen(channel, onMessage, onReady);
    subscriptions.set(subscription, () => handle.unlisten());
  }

  async function restart(): Promise<void> {
    for (let waitMs = FIRST_RETRY_MS; !closing.signal.aborted; waitMs = Math.min(waitMs * 2, MAX_RETRY_MS)) {
      const lost = client;
      client = undefined;
      if (lost) await closePool(lost, 0);
      await pause(waitMs, closing.signal);
      if (closing.signal.aborted || subscriptions.size === 0) break;
      try {
        for (const subscription of [...subscriptions.keys()]) await subscribe(subscription);
        break;
      } catch {
        // Still away: the next round tries again.
      }
    }
    restarting = undefined;
  }

  return {
    async listen(channel, onMessage, onReady) {
      const subscription = { channel, onMessage, onReady };
      await restarting;
      await subscribe(subscription);
      return async () => {
        const unlisten = subscriptions.get(subscription);
        subscriptions.delete(subscription);
        await restarting;
        // With the connection lost there is nothing to end.
        await unlisten?.().catch(() => {});
      };
    },
    async close() {
      closing.abort();
      await restarting;
      if (client) await closePool(client, 0);
    },
  };
}
