// Reading pages and feeds beside the main thread: one at a time, each with a deadline, the thread gone when it is done.
import { Worker } from "node:worker_threads";
import { createLine } from "../../../kernel/lifecycle/index.ts";
import { textErrors } from "../errors.ts";
import type { ThreadAnswer, ThreadOrder } from "./thread.ts";

export interface PageReader {
  readonly name: string;
  /** Its paragraphs. Throws SOURCE_NOT_READ, or SOURCE_BUSY where too many wait. */
  read(order: ThreadOrder): Promise<readonly string[]>;
  start(): Promise<void>;
  /** What waits is refused. */
  stop(): Promise<void>;
}

/** A megabyte of HTML takes a second or two. */
const DEADLINE_MS = 8_000;
const MAX_WAITING = 10;

export function createPageReader(deadlineMs = DEADLINE_MS): PageReader {
  const inLine = createLine({
    maxWaiting: MAX_WAITING,
    refuse: () => textErrors.SOURCE_BUSY({ retryAfterSeconds: 5 }),
  });
  let running: Worker | undefined;
  let isStopped = false;

  async function readNow(order: ThreadOrder): Promise<readonly string[]> {
    if (isStopped) throw textErrors.SOURCE_BUSY();
    const { promise, resolve, reject } = Promise.withResolvers<ThreadAnswer>();
    // A thread for each: its libraries and its documents take some 60 MB, which go with it.
    const thread = new Worker(new URL("./thread.ts", import.meta.url));
    running = thread;
    const timer = setTimeout(() => reject(textErrors.SOURCE_NOT_READ()), deadlineMs);
    thread.on("message", resolve);
    thread.on("error", (cause) => reject(textErrors.SOURCE_NOT_READ({ cause })));
    thread.on("exit", () => reject(textErrors.SOURCE_BUSY()));
    thread.postMessage(order);
    try {
      const answer = await promise;
      if ("problem" in answer) throw textErrors.SOURCE_NOT_READ({ cause: new Error(answer.problem) });
      return answer.paragraphs;
    } finally {
      clearTimeout(timer);
      running = undefined;
      await thread.terminate();
    }
  }

  return {
    name: "reading of pages",
    read: (order) => inLine(() => readNow(order)),
    async start() {
      isStopped = false;
    },
    async stop() {
      isStopped = true;
      await running?.terminate();
    },
  };
}
