// The bus on PostgreSQL's NOTIFY: one channel, many messages a notification, sent between transactions and never within one.
import { randomUUID } from "node:crypto";
import type { Database } from "../db/index.ts";
import type { Logger } from "../telemetry/index.ts";
import { type Bus, MAX_MESSAGE_BYTES } from "./bus.ts";
import { createSubscriptions } from "./subscriptions.ts";

const CHANNEL = "stoa_bus";
/** PostgreSQL refuses payloads of 8000 bytes and more; the rest is for the brackets, sender and number of a chunk. */
const MAX_CHUNK_BYTES = 7900;
/** While the database is away messages pile up; past this the oldest go, as any message may. */
const MAX_QUEUED = 10_000;

type Envelope = [topic: string, message: unknown];

export function createPostgresBus({ db, log }: { db: Database; log: Logger }): Bus {
  const subscriptions = createSubscriptions(log);
  const sender = randomUUID().slice(0, 8);
  let queue: string[] = [];
  let chunkNumber = 0;
  let sending: Promise<void> | undefined;
  let unlisten: Promise<() => Promise<void>> | undefined;

  function receive(payload: string): void {
    try {
      // Our own chunks: only `takeChunks` writes to this channel.
      const [, ...envelopes] = JSON.parse(payload) as [string, ...Envelope[]];
      for (const [topic, message] of envelopes) subscriptions.deliver(topic, message);
    } catch (error) {
      log.warn({ err: error }, "something else than the bus has written to its channel");
    }
  }

  /** PostgreSQL drops a notification equal to an earlier one of its transaction, hence sender and number. */
  function takeChunks(): string[] {
    const chunks: string[] = [];
    let chunk: string[] = [];
    let bytes = 0;
    const close = () => chunks.push(`["${sender}${++chunkNumber}",${chunk.join(",")}]`);
    for (const envelope of queue) {
      const size = Buffer.byteLength(envelope) + 1;
      if (bytes + size > MAX_CHUNK_BYTES) {
        close();
        chunk = [];
        bytes = 0;
      }
      chunk.push(envelope);
      bytes += size;
    }
    if (chunk.length > 0) close();
    queue = [];
    return chunks;
  }

  async function send(): Promise<void> {
    // What is published within this tick goes along; what comes while we send goes with the next round.
    await new Promise((resolve) => setImmediate(resolve));
    while (queue.length > 0) {
      try {
        await db.sql`SELECT pg_notify(${CHANNEL}, chunk) FROM unnest(${takeChunks()}::text[]) AS chunk`;
      } catch (error) {
        log.debug({ err: error }, "messages of the bus were lost");
      }
    }
    // Here and not in a callback: nothing can be queued between the last look and this line.
    sending = undefined;
  }

  return {
    name: "bus",
    publish(topic, message) {
      const text = JSON.stringify(message ?? null);
      if (Buffer.byteLength(text) > MAX_MESSAGE_BYTES) {
        throw new RangeError(`a message on ${topic} is larger than ${MAX_MESSAGE_BYTES} bytes`);
      }
      if (queue.length >= MAX_QUEUED) queue.shift();
      queue.push(`[${JSON.stringify(topic)},${text}]`);
      sending ??= send();
    },
    subscribe: subscriptions.add,
    async start() {
      unlisten ??= db.listen(CHANNEL, receive);
      await unlisten;
    },
    async stop() {
      await sending;
      const listening = unlisten;
      unlisten = undefined;
      await (await listening)?.();
    },
  };
}
