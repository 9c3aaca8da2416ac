// By the hour: signing keys are renewed and read anew, and sessions that are long over are deleted.
import type { Database } from "../../kernel/db/index.ts";
import type { Part } from "../../kernel/lifecycle/index.ts";
import type { Logger } from "../../kernel/telemetry/index.ts";
import type { SessionLife } from "./model.ts";
import type { SigningKeys } from "./signing-keys.ts";
import { deleteOldAttempts } from "./store/attempts.ts";
import { deleteOldLinks } from "./store/links.ts";
import { deleteOldSessions } from "./store/sessions.ts";

export interface HousekeepingDeps {
  readonly db: Database;
  readonly log: Logger;
  readonly keys: Pick<SigningKeys, "refresh">;
  readonly life: SessionLife;
}

const INTERVAL_MS = 3_600_000;

export function createHousekeeping({ db, log, keys, life }: HousekeepingDeps): Part {
  let timer: Timer | undefined;
  let working: Promise<void> = Promise.resolve();

  async function keepHouse(): Promise<void> {
    try {
      await keys.refresh();
      await db.transaction((tx) => deleteOldSessions(tx, life), { pool: "long" });
      await db.transaction(deleteOldLinks, { pool: "long" });
      await db.transaction(deleteOldAttempts, { pool: "long" });
    } catch (error) {
      log.warn({ err: error }, "housekeeping of accounts failed; it is tried again in an hour");
    }
  }

  return {
    name: "accounts",
    async start() {
      if (timer) return;
      timer = setInterval(() => {
        working = keepHouse();
      }, INTERVAL_MS);
      // Without keys nobody can sign in: what goes wrong here stops the start.
      await keys.refresh();
    },
    async stop() {
      clearInterval(timer);
      timer = undefined;
      await working;
    },
  };
}
