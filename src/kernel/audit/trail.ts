// The audit trail at work: recording, reading, and by the hour its days.
import { fileURLToPath } from "node:url";
import { pause } from "../clock/index.ts";
import {
  type DailyTable,
  type Database,
  dropPartitions,
  type MigrationSet,
  makePartitions,
} from "../db/index.ts";
import { newId } from "../ids/index.ts";
import type { Part } from "../lifecycle/index.ts";
import type { Logger } from "../telemetry/index.ts";
import type { Audit, AuditEntry } from "./audit.ts";
import { eraseEntries, insertEntry, insertEntryWhere, listEntries, type Span } from "./store.ts";

export const auditMigrations: MigrationSet = {
  module: "audit",
  directory: fileURLToPath(new URL("./migrations", import.meta.url)),
};

export interface AuditOptions {
  readonly db: Database;
  readonly log: Logger;
  readonly retentionDays: number;
}

const ENTRIES: DailyTable = { table: "audit_entries", column: "at" };
const DAY_MS = 86_400_000;
const HOUSEKEEPING_INTERVAL_MS = 3_600_000;
/** After the answer has gone: what a request takes must not tell whether something is recorded of it. */
const AFTER_ANSWER_MS = 100;
/** More come at once only in a flood, of which the access log has every line. */
const MAX_WAITING = 1_000;

export function createAudit({ db, log, retentionDays }: AuditOptions): Audit & Part {
  let timer: Timer | undefined;
  let waiting: AuditEntry[] = [];
  let writing: Promise<void> | undefined;
  const hurry = new AbortController();

  /** One statement at a time, so that a flood of refusals takes no connection from those who are served. */
  async function writeWaiting(): Promise<void> {
    await pause(AFTER_ANSWER_MS, hurry.signal);
    while (waiting.length > 0) {
      const entries = waiting;
      waiting = [];
      for (const entry of entries) {
        await db
          .single((tx) => insertEntry(tx, newId(), entry))
          .catch((error: unknown) => log.warn({ err: error, action: entry.action }, "not audited"));
      }
    }
    writing = undefined;
  }

  async function keepHouse(): Promise<void> {
    try {
      await makePartitions(db, ENTRIES);
      const dropped = await dropPartitions(db, ENTRIES, { days: retentionDays });
      if (dropped.length > 0) log.info({ partitions: dropped }, "old audit entries dropped");
    } catch (error) {
      // Recording goes on meanwhile, into the default partition; the next hour tries again.
      log.warn({ err: error }, "housekeeping of the audit trail failed");
    }
  }

  /** A day more on both sides: the database's clock is another, and what is old is dropped by the hour. */
  function span(): Span {
    const nowMs = Date.now();
    return { oldestMs: nowMs - (retentionDays + 2) * DAY_MS, nowMs: nowMs + DAY_MS };
  }

  return {
    name: "audit",
    record: (tx, entry) => insertEntry(tx, newId(), entry),
    recordWhere: (tx, entry, condition) => insertEntryWhere(tx, newId(), entry, condition),
    recordLater(entry) {
      if (waiting.length >= MAX_WAITING) return log.warn({ action: entry.action }, "too much to audit");
      waiting.push(entry);
      writing ??= writeWaiting();
    },
    list: (sql, filter, page) => listEntries(sql, filter, page, span()),
    erase: (tx, projectId, limit) => eraseEntries(tx, projectId, limit, span()),
    async start() {
      if (timer) return;
      timer = setInterval(() => void keepHouse(), HOUSEKEEPING_INTERVAL_MS);
      await keepHouse();
    },
    async stop() {
      clearInterval(timer);
      timer = undefined;
      hurry.abort();
      await writing;
    },
  };
}
