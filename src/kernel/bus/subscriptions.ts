// Who hears which topic within this process.
import type { Logger } from "../telemetry/index.ts";

export type OnMessage = (message: unknown) => void;

export interface Subscriptions {
  add(topic: string, onMessage: OnMessage): () => void;
  deliver(topic: string, message: unknown): void;
}

export function createSubscriptions(log: Logger): Subscriptions {
  const byTopic = new Map<string, Set<{ readonly onMessage: OnMessage }>>();
  return {
    add(topic, onMessage) {
      const subscription = { onMessage };
      const all = byTopic.get(topic) ?? new Set();
      byTopic.set(topic, all.add(subscription));
      return () => {
        all.delete(subscription);
        if (all.size === 0 && byTopic.get(topic) === all) byTopic.delete(topic);
      };
    },
    deliver(topic, message) {
      for (const { onMessage } of [...(byTopic.get(topic) ?? [])]) {
        try {
          onMessage(message);
        } catch (error) {
          log.error({ err: error, topic }, "a subscriber of the bus threw");
        }
      }
    },
  };
}
