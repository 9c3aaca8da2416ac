// A thread of documents as the gateway sees it: the shelf's functions, each answered later. Started by the first order.
import { Worker } from "node:worker_threads";
import type { Answer, Order } from "./orders.ts";
import type { Shelf } from "./shelf.ts";

export type { Offered, Outcome, Stored, Verdict } from "./shelf.ts";

type Later<F> = F extends (...given: infer G) => infer R ? (...given: G) => Promise<R> : never;

/** An order that fails rejects; when the thread dies all documents on it are gone, and what it was doing rejects. */
export type Documents = { readonly [Name in keyof Shelf]: Later<Shelf[Name]> };

export interface DocumentThread extends Documents {
  /** How often a new thread had to be started: documents of an earlier one are not in it. */
  generation(): number;
  /** Ends the thread; the next order starts another. */
  stop(): Promise<void>;
}

interface Waiting {
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: Error) => void;
  readonly askedMs: number;
}

/** The largest document loads in a second or two; what takes longer hangs. */
const DEADLINE_MS = 30_000;
const NAMES: readonly (keyof Shelf)[] = [
  "load",
  "drop",
  "edit",
  "take",
  "diff",
  "vector",
  "text",
  "propose",
  "condense",
  "seed",
];

export function createDocumentThread(deadlineMs = DEADLINE_MS): DocumentThread {
  const waiting = new Map<number, Waiting>();
  let worker: Worker | undefined;
  let generation = 0;
  let lastId = 0;
  let orders: Order[] = [];
  let isWatched = false;

  function start(): Worker {
    generation++;
    const started = new Worker(new URL("./thread.ts", import.meta.url));
    started.on("message", (answers: readonly Answer[]) => answers.forEach(settle));
    started.on("error", () => lose(started));
    started.on("exit", () => lose(started));
    // Alone it keeps no process alive.
    started.unref();
    return started;
  }

  function settle(answer: Answer): void {
    const asked = waiting.get(answer.id);
    waiting.delete(answer.id);
    if ("failure" in answer) asked?.reject(new Error(answer.failure));
    else asked?.resolve(answer.result);
  }

  function lose(lost: Worker): void {
    if (worker !== lost) return;
    worker = undefined;
    orders = [];
    for (const { reject } of waiting.values()) reject(new Error("the thread of documents has ended"));
    waiting.clear();
  }

  async function end(): Promise<void> {
    const ending = worker;
    if (!ending) return;
    lose(ending);
    await ending.terminate();
  }

  /** Ends a thread that hangs. The orders stand in their order, the oldest first. */
  function look(): void {
    const [oldest] = waiting.values();
    const restMs = oldest && oldest.askedMs + deadlineMs - performance.now();
    isWatched = restMs !== undefined;
    if (restMs !== undefined) setTimeout(look, Math.max(1, restMs)).unref();
    if (restMs !== undefined && restMs <= 0) void end();
  }

  function flush(): void {
    const sent = orders;
    orders = [];
    if (sent.length > 0) worker?.postMessage(sent);
  }

  function ask(does: keyof Shelf, given: readonly unknown[]): Promise<unknown> {
    worker ??= start();
    const id = ++lastId;
    // What is ordered in one round of the loop goes over together.
    if (orders.length === 0) setImmediate(flush);
    orders.push({ id, does, given });
    // One timer for all: a timer of its own would cost as much as a small order.
    if (!isWatched) setTimeout(look, deadlineMs).unref();
    isWatched = true;
    return new Promise((resolve, reject) => {
      waiting.set(id, { resolve, reject, askedMs: performance.now() });
    });
  }

  const functions = NAMES.map((name) => [name, (...given: readonly unknown[]) => ask(name, given)]);
  return {
    // One function for each name of the shelf, with its own arguments and result.
    ...(Object.fromEntries(functions) as unknown as Documents),
    generation: () => generation,
    stop: end,
  };
}
