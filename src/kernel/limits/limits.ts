// Limits of requests, exact and approximate, and the part that settles the approximate ones with other processes.
import { join } from "node:path";
import type { Clock } from "../clock/index.ts";
import type { Database, MigrationSet } from "../db/index.ts";
import type { Part } from "../lifecycle/index.ts";
import type { Logger } from "../telemetry/index.ts";
import { createEstimate, type Estimate, type Ledger } from "./estimate.ts";
import { createExact, type HitExactly } from "./exact.ts";
import { addCounts, deleteOld } from "./store.ts";

export interface Limits extends Part {
  /** For what must hold over all processes: sign-ins, mails. One statement a request. */
  readonly hit: HitExactly;
  /**
   * For what must cost nothing: counted in memory, settled with the other processes every second. Call it while wiring.
   * @param name goes before its keys in the database; unique.
   */
  estimate(name: string, perMinute: number): Estimate;
}

export interface LimitsDeps {
  readonly db: Database;
  readonly clock: Clock;
  readonly log: Logger;
}

const SETTLE_MS = 1_000;
const SETTLINGS_PER_SWEEP = 60;
const MINUTE_MS = 60_000;

/** Tables of this mechanism. */
export const limitMigrations: MigrationSet = {
  module: "limits",
  directory: join(import.meta.dirname, "migrations"),
};

export function createLimits({ db, clock, log }: LimitsDeps): Limits {
  const ledgers: Ledger[] = [];
  let timer: Timer | undefined;
  let working: Promise<void> | undefined;
  let isFailing = false;
  let settlings = 0;

  async function settle(): Promise<void> {
    const told = ledgers.map((ledger) => ledger.untold());
    const counts = told.flat();
    if (counts.length > 0) {
      const totals = await db.single((tx) => addCounts(tx, counts));
      for (const [index, ledger] of ledgers.entries()) ledger.settle(told[index] ?? [], totals);
    }
    if (++settlings % SETTLINGS_PER_SWEEP !== 0) return;
    for (const ledger of ledgers) ledger.sweep();
    await deleteOld(db.longSql, Math.floor(clock.now() / MINUTE_MS) - 2);
  }

  /** What could not be told is told with the next request of its key: meanwhile each process counts for itself. */
  async function trySettle(): Promise<void> {
    try {
      await settle();
      isFailing = false;
    } catch (error) {
      if (!isFailing) log.warn({ err: error }, "limits cannot be settled; each process counts for itself");
      isFailing = true;
    }
  }

  return {
    name: "limits",
    hit: createExact(db, () => clock.now()),
    estimate(name, perMinute) {
      const estimate = createEstimate({ name: `${name} `, perMinute, nowMs: () => clock.now() });
      ledgers.push(estimate);
      return estimate;
    },
    async start() {
      timer ??= setInterval(() => {
        working ??= trySettle().finally(() => {
          working = undefined;
        });
      }, SETTLE_MS);
    },
    async stop() {
      clearInterval(timer);
      timer = undefined;
      await working;
    },
  };
}
