// Of the finished jobs: days made ahead and dropped when they are old. And an eye on transactions that keep vacuum away.
import { type DailyTable, type Database, dropPartitions, makePartitions } from "../db/index.ts";
import type { Part } from "../lifecycle/index.ts";
import type { Logger } from "../telemetry/index.ts";

export interface HousekeepingOptions {
  readonly db: Database;
  readonly log: Logger;
  readonly retentionDays: number;
  /** From what age on a transaction is warned of; default 600. */
  readonly oldTransactionSeconds?: number;
}

const DAILY: readonly DailyTable[] = [
  { table: "finished_jobs", column: "finished_at" },
  { table: "job_log_lines", column: "at" },
];
const INTERVAL_MS = 3_600_000;
const LOOK_INTERVAL_MS = 60_000;
/** The hot table grows dead rows as long as one transaction may still see them: past this, claims become slow. */
const OLD_TRANSACTION_S = 600;

export interface Housekeeping extends Part {
  /** Of those that keep dead rows alive. */
  oldestTransactionSeconds(): Promise<number>;
  /** Warns of a transaction that is open for too long. */
  look(): Promise<void>;
}

export function createHousekeeping(options: HousekeepingOptions): Housekeeping {
  const { db, log, retentionDays, oldTransactionSeconds = OLD_TRANSACTION_S } = options;
  let timers: Timer[] = [];

  async function keepHouse(): Promise<void> {
    try {
      for (const table of DAILY) {
        await makePartitions(db, table);
        const dropped = await dropPartitions(db, table, { days: retentionDays });
        if (dropped.length > 0) log.info({ partitions: dropped }, "old jobs dropped");
      }
    } catch (error) {
      // Jobs go on finishing meanwhile, into the default partition; the next hour tries again.
      log.warn({ err: error }, "housekeeping of the finished jobs failed");
    }
  }

  async function look(): Promise<void> {
    // The database is away: nothing to warn of that others do not see.
    const seconds = await oldestTransactionSeconds(db).catch(() => 0);
    if (seconds > oldTransactionSeconds) {
      log.warn(
        { seconds: Math.round(seconds) },
        "a transaction is open for so long that the job queue becomes slow",
      );
    }
  }

  return {
    name: "jobs housekeeping",
    oldestTransactionSeconds: () => oldestTransactionSeconds(db),
    look,
    async start() {
      if (timers.length > 0) return;
      timers = [
        setInterval(() => void keepHouse(), INTERVAL_MS),
        setInterval(() => void look(), LOOK_INTERVAL_MS),
      ];
      await keepHouse();
    },
    async stop() {
      for (const timer of timers) clearInterval(timer);
      timers = [];
    },
  };
}

/** With a snapshot or an id of its own. */
async function oldestTransactionSeconds(db: Database): Promise<number> {
  const [row] = await db.sql<{ seconds: number }>`
    SELECT coalesce(extract(epoch FROM max(clock_timestamp() - xact_start)), 0)::float8 AS seconds FROM pg_stat_activity
    WHERE datname = current_database() AND (backend_xmin IS NOT NULL OR backend_xid IS NOT NULL)
      AND backend_type = 'client backend'`;
  return row?.seconds ?? 0;
}
