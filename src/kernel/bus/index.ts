// The bus: small messages between processes that may be lost. Whoever hears one must also poll.

export interface Bus {
  /** Sends to every process, this one included; batched per tick, at most 4 KiB, never inside a transaction. */
  publish(topic: string, message: unknown): void;
  /** Returns how to stop hearing it. */
  subscribe(topic: string, onMessage: (message: unknown) => void): () => void;
  start(): Promise<void>;
  stop(): Promise<void>;
}
