// The feeds of this process: one a log, kept while somebody wants it.
import type { Tail } from "../../kernel/events/index.ts";
import { Feed, type FeedDeps } from "./feed.ts";
import { logIdOf, type Source } from "./model.ts";

export interface Feeds {
  /** The feed, once it knows where its log stands. Rejects when the database is away. Leave it when done, also after that. */
  enter(source: Source): Promise<Feed>;
  leave(source: Source): void;
  count(): number;
}

interface Entry {
  readonly ready: Promise<Feed>;
  users: number;
}

export function createFeeds({ tail, ...deps }: FeedDeps & { readonly tail: Tail }): Feeds {
  const entries = new Map<string, Entry>();

  async function open(source: Source): Promise<Feed> {
    const feed = new Feed(source, deps);
    feed.follow(await tail.follow(logIdOf(source), (news) => feed.hear(news)));
    return feed;
  }

  return {
    enter(source) {
      const logId = logIdOf(source);
      const entry = entries.get(logId) ?? { ready: open(source), users: 0 };
      entries.set(logId, entry);
      entry.users++;
      return entry.ready;
    },
    leave(source) {
      const logId = logIdOf(source);
      const entry = entries.get(logId);
      if (!entry || --entry.users > 0) return;
      entries.delete(logId);
      // One that never opened has nothing to stop.
      void entry.ready.then((feed) => feed.stop()).catch(() => {});
    },
    count: () => entries.size,
  };
}
