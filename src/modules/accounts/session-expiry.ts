// Ends sessions whose time is over: what hangs on them, live connections too, hears of it as of any other end.
import type { Database } from "../../kernel/db/index.ts";
import type { Part } from "../../kernel/lifecycle/index.ts";
import type { Logger } from "../../kernel/telemetry/index.ts";
import type { EndedSessions } from "./ended-sessions.ts";
import type { SessionLife } from "./model.ts";
import { endAgedSessions } from "./store/sessions.ts";

export interface SessionExpiryDeps {
  readonly db: Database;
  readonly log: Logger;
  readonly ended: Pick<EndedSessions, "announce">;
  readonly life: SessionLife;
}

const INTERVAL_MS = 10_000;
/** In one statement, which holds the head of the log of endings. */
const BATCH = 500;

export function createSessionExpiry({ db, log, ended, life }: SessionExpiryDeps): Part {
  let timer: Timer | undefined;
  let working: Promise<void> | undefined;

  async function endBatch(): Promise<number> {
    return db.single(async (tx) => {
      const sessionIds = await endAgedSessions(tx, life, BATCH);
      if (sessionIds.length > 0) tx.afterCommit(() => ended.announce(...sessionIds));
      return sessionIds.length;
    });
  }

  async function endAll(): Promise<void> {
    try {
      while (timer && (await endBatch()) === BATCH);
    } catch (error) {
      log.warn({ err: error }, "sessions that are over by age were not ended; it is tried again");
    }
  }

  function work(): void {
    // The one before may still run: the database may be slow.
    working ??= endAll().finally(() => {
      working = undefined;
    });
  }

  return {
    name: "session expiry",
    async start() {
      if (timer) return;
      timer = setInterval(work, INTERVAL_MS);
      work();
    },
    async stop() {
      clearInterval(timer);
      timer = undefined;
      await working;
    },
  };
}
