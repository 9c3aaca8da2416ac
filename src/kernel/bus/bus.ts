// What a bus offers, whichever engine carries it.
import type { Part } from "../lifecycle/index.ts";

export interface Bus extends Part {
  /**
   * Sends to every process, this one included; batched per tick, never inside a transaction. The message is JSON of at most
   * 4 KiB; a larger one throws. Messages of one process arrive in the order they were sent, or not at all.
   */
  publish(topic: string, message: unknown): void;
  /** Returns how to stop hearing it. */
  subscribe(topic: string, onMessage: (message: unknown) => void): () => void;
}

/** Longest message, as JSON in UTF-8. */
export const MAX_MESSAGE_BYTES = 4096;
