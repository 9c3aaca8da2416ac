// By the hour: invitations that have expired are deleted, with the addresses in them.
import type { Database } from "../../kernel/db/index.ts";
import type { Part } from "../../kernel/lifecycle/index.ts";
import type { Logger } from "../../kernel/telemetry/index.ts";
import { deleteStale } from "./store/invitations.ts";

export interface HousekeepingDeps {
  readonly db: Database;
  readonly log: Logger;
}

const INTERVAL_MS = 3_600_000;

export function createHousekeeping({ db, log }: HousekeepingDeps): Part {
  let timer: Timer | undefined;
  let working: Promise<void> = Promise.resolve();

  async function keepHouse(): Promise<void> {
    try {
      await db.transaction(deleteStale, { pool: "long" });
    } catch (error) {
      log.warn({ err: error }, "housekeeping of projects failed; it is tried again in an hour");
    }
  }

  return {
    name: "projects",
    async start() {
      if (timer) return;
      timer = setInterval(() => {
        working = keepHouse();
      }, INTERVAL_MS);
      working = keepHouse();
    },
    async stop() {
      clearInterval(timer);
      timer = undefined;
      await working;
    },
  };
}
