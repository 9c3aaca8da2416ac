// Replay: the past of a log in pages that are read once for all who come back, however many they are.
import type { Database } from "../../kernel/db/index.ts";
import type { Events } from "../../kernel/events/index.ts";
import { type EventFrame, eventFrame } from "./frames.ts";
import { logIdOf, type Source } from "./model.ts";

export interface Replay {
  /**
   * Frames after a number, in order, without a gap, at least one and at most a page; `upTo` must have been reached by the log.
   * Undefined when some of them are gone or the epoch is another one.
   */
  read(
    source: Source,
    epoch: string,
    after: number,
    upTo: number,
  ): Promise<readonly EventFrame[] | undefined>;
}

const PAGE = 256;
/** All pages together, in characters. */
const MAX_CACHED_CHARS = 32 * 1024 * 1024;

interface Page {
  readonly epoch: string;
  /** Undefined where the log keeps nothing of the page. */
  readonly firstSeq: number | undefined;
  readonly lastSeq: number;
  readonly frames: readonly EventFrame[];
  readonly chars: number;
}

export function createReplay({
  db,
  events,
}: {
  db: Pick<Database, "sql">;
  events: Pick<Events, "history">;
}): Replay {
  /** The one used last stands last. */
  const pages = new Map<string, Page>();
  const loading = new Map<string, Promise<Page>>();
  let cachedChars = 0;

  function keep(key: string, page: Page): void {
    forget(key);
    pages.set(key, page);
    cachedChars += page.chars;
    for (const oldest of pages.keys()) {
      if (cachedChars <= MAX_CACHED_CHARS) return;
      forget(oldest);
    }
  }

  function forget(key: string): void {
    cachedChars -= pages.get(key)?.chars ?? 0;
    pages.delete(key);
  }

  async function load(source: Source, key: string, base: number): Promise<Page> {
    const { items, epoch } = await events.history(db.sql, logIdOf(source), base, PAGE);
    const frames = items
      .filter((event) => event.seq <= base + PAGE)
      .map((event) => eventFrame(source, event));
    const page: Page = {
      epoch,
      firstSeq: frames[0]?.seq,
      lastSeq: frames.at(-1)?.seq ?? base,
      frames,
      chars: frames.reduce((sum, { text }) => sum + text.length, 0),
    };
    keep(key, page);
    return page;
  }

  function loadOnce(source: Source, key: string, base: number): Promise<Page> {
    const started = loading.get(key);
    if (started) return started;
    const promise = load(source, key, base).finally(() => loading.delete(key));
    loading.set(key, promise);
    return promise;
  }

  return {
    async read(source, epoch, after, upTo) {
      const base = after - (after % PAGE);
      const key = `${logIdOf(source)}:${base}`;
      const needed = Math.min(upTo, base + PAGE);
      let page = pages.get(key);
      // One that was being loaded may have been asked for before the newest event was there: then once more.
      for (let attempt = 0; attempt < 2; attempt++) {
        if (page && page.epoch === epoch && page.lastSeq >= needed) break;
        page = await loadOnce(source, key, base);
      }
      if (!page || page.epoch !== epoch || page.lastSeq < needed) return undefined;
      if (page.firstSeq === undefined || page.firstSeq > after + 1) return undefined;
      pages.delete(key);
      pages.set(key, page);
      const start = after + 1 - page.firstSeq;
      return page.frames.slice(start, needed + 1 - page.firstSeq);
    },
  };
}
