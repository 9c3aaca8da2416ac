// By the hour: signing keys are renewed, and sessions and codes that are long over are deleted. By the minute: keys are read.
import type { Database } from "../../kernel/db/index.ts";
import type { Part } from "../../kernel/lifecycle/index.ts";
import type { Logger } from "../../kernel/telemetry/index.ts";
import type { SessionLife } from "./model.ts";
import type { SigningKeys } from "./signing-keys.ts";
import { deleteOldAttempts } from "./store/attempts.ts";
import { deleteOldLinks } from "./store/links.ts";
import { deleteOldSessions } from "./store/sessions.ts";
import { deleteOldCodes } from "./store/sign-in-codes.ts";

export interface HousekeepingDeps {
  readonly db: Database;
  readonly log: Logger;
  readonly keys: Pick<SigningKeys, "refresh" | "read">;
  readonly life: SessionLife;
}

const INTERVAL_MS = 3_600_000;
/** A new key signs a quarter of an hour after it was made at the soonest: in that time it is read many times. */
const KEY_INTERVAL_MS = 60_000;

export function createHousekeeping({ db, log, keys, life }: HousekeepingDeps): Part {
  let timer: Timer | undefined;
  let keyTimer: Timer | undefined;
  let working: Promise<void> = Promise.resolve();
  let reading: Promise<void> = Promise.resolve();

  async function readKeys(): Promise<void> {
    try {
      await keys.read();
    } catch (error) {
      log.warn({ err: error }, "the signing keys cannot be read; it is tried again in a minute");
    }
  }

  async function keepHouse(): Promise<void> {
    try {
      await keys.refresh();
      await db.transaction((tx) => deleteOldSessions(tx, life), { pool: "long" });
      await db.single((tx) => deleteOldCodes(tx), { pool: "long" });
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
      keyTimer = setInterval(() => {
        reading = readKeys();
      }, KEY_INTERVAL_MS);
      // Without keys nobody can sign in: what goes wrong here stops the start.
      await keys.refresh();
    },
    async stop() {
      clearInterval(timer);
      clearInterval(keyTimer);
      timer = undefined;
      await Promise.all([working, reading]);
    },
  };
}
