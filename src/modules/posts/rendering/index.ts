// Rendering beside the main thread: one text at a time, each with a deadline, and the latest results remembered.
import { Worker } from "node:worker_threads";
import { createLine } from "../../../kernel/lifecycle/index.ts";
import { postErrors } from "../errors.ts";

export interface Renderer {
  readonly name: string;
  /** Safe HTML of a Markdown text; `key` names the text, so that its result can be given again. */
  render(key: string, markdown: string): Promise<string>;
  start(): Promise<void>;
  /** Ends the thread; what waits is refused. */
  stop(): Promise<void>;
}

export interface RendererOptions {
  readonly deadlineMs?: number;
  readonly maxWaiting?: number;
}

/** A megabyte of prose takes two seconds, the worst known texts of that size eight. */
const DEADLINE_MS = 10_000;
const MAX_WAITING = 20;
/** UTF-16 units of results that are remembered. */
const MAX_REMEMBERED_UNITS = 4_000_000;

/** The thread is started by the first text that comes. */
export function createRenderer(options: RendererOptions = {}): Renderer {
  const { deadlineMs = DEADLINE_MS, maxWaiting = MAX_WAITING } = options;
  const memory = createMemory();
  const inLine = createLine({
    maxWaiting,
    refuse: () => postErrors.RENDERING_BUSY({ retryAfterSeconds: 5 }),
  });
  let worker: Worker | undefined;
  let isStopped = false;

  async function renderNow(markdown: string): Promise<string> {
    if (isStopped) throw postErrors.RENDERING_BUSY();
    worker ??= new Worker(new URL("./thread.ts", import.meta.url));
    const thread = worker;
    return new Promise((resolve, reject) => {
      const fail = (refusal: Error) => {
        // It cannot be told to stop: it is ended, and the next text gets another.
        worker = undefined;
        void thread.terminate();
        settle(() => reject(refusal));
      };
      const timer = setTimeout(() => fail(postErrors.POST_NOT_RENDERED()), deadlineMs);
      const onMessage = (html: string) => settle(() => resolve(html));
      const onError = (cause: Error) => fail(postErrors.POST_NOT_RENDERED({ cause }));
      const onExit = () => fail(postErrors.RENDERING_BUSY());
      function settle(how: () => void): void {
        clearTimeout(timer);
        thread.off("message", onMessage).off("error", onError).off("exit", onExit);
        how();
      }
      thread.on("message", onMessage).on("error", onError).on("exit", onExit);
      thread.postMessage(markdown);
    });
  }

  return {
    name: "rendering of posts",
    async render(key, markdown) {
      const known = memory.find(key);
      if (known !== undefined) return known;
      const html = await inLine(() => renderNow(markdown));
      memory.keep(key, html);
      return html;
    },
    async start() {
      isStopped = false;
    },
    async stop() {
      isStopped = true;
      await worker?.terminate();
      worker = undefined;
    },
  };
}

/** The results asked for last, up to a bound. */
function createMemory() {
  const results = new Map<string, string>();
  let units = 0;

  function drop(key: string): void {
    units -= results.get(key)?.length ?? 0;
    results.delete(key);
  }

  return {
    find(key: string): string | undefined {
      const html = results.get(key);
      if (html === undefined) return undefined;
      // A Map keeps the order of insertion: the one asked for last goes to the end.
      results.delete(key);
      results.set(key, html);
      return html;
    },
    keep(key: string, html: string): void {
      drop(key);
      results.set(key, html);
      units += html.length;
      for (const oldest of results.keys()) {
        if (units <= MAX_REMEMBERED_UNITS) return;
        drop(oldest);
      }
    },
  };
}
