// Hints that a log has grown: gathered for a moment, sent over the bus after the commit, never inside a transaction.
import type { Bus } from "../bus/index.ts";

/** That a log has reached a number; 0 when the number is not known. */
export type Hint = readonly [logId: string, seq: number];

export interface Hints {
  /** Call it after the commit. */
  give(logId: string, seq: number): void;
  /** Hears of this process at once, of the others by the bus, which may lose some. Returns how to stop. */
  hear(onHint: (logId: string, seq: number) => void): () => void;
}

const TOPIC = "events.appended";
/** The first of a quiet time goes at once; a busy log must not cost a message an event. */
const GATHER_MS = 5;
/** 100 of them stay below what the bus takes as one message. */
const MAX_HINTS = 64;

export function createHints(bus: Pick<Bus, "publish" | "subscribe"> | undefined): Hints {
  const gathered = new Map<string, number>();
  const hearers = new Set<(logId: string, seq: number) => void>();
  let isWaiting = false;

  function flush(): void {
    const hints: Hint[] = [...gathered];
    gathered.clear();
    isWaiting = hints.length > 0;
    if (isWaiting) setTimeout(flush, GATHER_MS).unref();
    for (let start = 0; start < hints.length; start += MAX_HINTS) {
      bus?.publish(TOPIC, hints.slice(start, start + MAX_HINTS));
    }
  }

  return {
    give(logId, seq) {
      for (const hear of hearers) hear(logId, seq);
      if (!bus) return;
      gathered.set(logId, Math.max(seq, gathered.get(logId) ?? 0));
      if (isWaiting) return;
      isWaiting = true;
      setImmediate(flush);
    },
    hear(onHint) {
      hearers.add(onHint);
      const unsubscribe = bus?.subscribe(TOPIC, (message) => {
        // Only `flush` above writes to this topic.
        for (const [logId, seq] of message as readonly Hint[]) onHint(logId, seq);
      });
      return () => {
        hearers.delete(onHint);
        unsubscribe?.();
      };
    },
  };
}
