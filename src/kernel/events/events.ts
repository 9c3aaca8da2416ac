// The event log at work: appending, reading, and its housekeeping by the hour.
import { fileURLToPath } from "node:url";
import type { Bus } from "../bus/index.ts";
import { pause } from "../clock/index.ts";
import {
  type DailyTable,
  type Database,
  dropPartitions,
  type MigrationSet,
  makePartitions,
  type Tx,
} from "../db/index.ts";
import { newId } from "../ids/index.ts";
import type { Logger } from "../telemetry/index.ts";
import { settleEpoch } from "./epoch.ts";
import { createHints } from "./hints.ts";
import type { BulkPosition, Events, NewEvent } from "./log.ts";
import { personalStreamId } from "./personal-stream.ts";
import {
  appendEvent,
  eraseEvents,
  findCursor,
  insertHeads,
  raiseFloors,
  readAfter,
  readHistory,
  upsertCursor,
} from "./store.ts";
import { createTail } from "./tail.ts";

export const eventMigrations: MigrationSet = {
  module: "events",
  directory: fileURLToPath(new URL("./migrations", import.meta.url)),
};

export interface EventsOptions {
  readonly db: Database;
  readonly log: Logger;
  /** Carries hints to other processes; without it they find new events by polling. */
  readonly bus?: Pick<Bus, "publish" | "subscribe">;
  readonly retentionDays: number;
}

const EVENTS: DailyTable = { table: "events", column: "at" };
const HOUSEKEEPING_INTERVAL_MS = 3_600_000;
const FLOOR_PAGE = 1000;
/** Some heads were in use just now. */
const BUSY_PAUSE_MS = 50;
const FIRST_ID = "00000000-0000-0000-0000-000000000000";

export function createEvents({ db, log, bus, retentionDays }: EventsOptions): Events {
  const hints = createHints(bus);
  const tail = createTail({ db, log, hints });
  let timer: Timer | undefined;

  function hint(tx: Tx, projectId: string, seq = 0): void {
    tx.afterCommit(() => hints.give(projectId, seq));
  }

  async function append(tx: Tx, event: NewEvent): Promise<number> {
    const seq = await appendEvent(tx, newId(), event);
    hint(tx, event.projectId, seq);
    return seq;
  }

  async function keepHouse(): Promise<void> {
    try {
      await makePartitions(db, EVENTS);
      const beforeDrop = (partition: string) => raiseAllFloors(db, partition);
      const dropped = await dropPartitions(db, EVENTS, { days: retentionDays, beforeDrop });
      if (dropped.length > 0) log.info({ partitions: dropped }, "old events dropped");
    } catch (error) {
      // Appending goes on meanwhile, into the default partition; the next hour tries again.
      log.warn({ err: error }, "housekeeping of the event log failed");
    }
  }

  return {
    name: "events",
    append,
    async appendPersonal(tx, userId, event) {
      const projectId = personalStreamId(userId);
      await insertHeads(tx, [projectId]);
      return append(tx, { ...event, projectId });
    },
    openPersonal: (tx, userIds) => insertHeads(tx, userIds.map(personalStreamId)),
    hint,
    hintNow: (projectId) => hints.give(projectId, 0),
    tail,
    open: (tx, projectId) => insertHeads(tx, [projectId]),
    history: (sql, projectId, since, limit) => readHistory(sql, { projectId, since, limit }, Date.now()),
    async readAll(sql, after, limit) {
      const found = await readAfter(sql, parsePosition(after), limit);
      const last = found.at(-1);
      const position = last ? `${last.position}:${last.event.projectId}:${last.event.seq}` : (after ?? "");
      return { items: found.map(({ event }) => event), position };
    },
    saveCursor: upsertCursor,
    loadCursor: findCursor,
    erase: eraseEvents,
    async start() {
      if (timer) return;
      timer = setInterval(() => void keepHouse(), HOUSEKEEPING_INTERVAL_MS);
      const { isNew } = await settleEpoch(db);
      if (isNew) log.info({}, "the event log has a new epoch");
      await keepHouse();
      await tail.start();
    },
    async stop() {
      clearInterval(timer);
      timer = undefined;
      await tail.stop();
    },
  };
}

/** Before the drop, not with it: a floor that is too high for a moment costs a reload, one that is too low loses events. */
async function raiseAllFloors(db: Database, partition: string): Promise<void> {
  for (let after: string | null = FIRST_ID; after !== null; ) {
    const from: string = after;
    const page = await db.single((tx) => raiseFloors(tx, partition, from, FLOOR_PAGE), { pool: "long" });
    if (page.left === 0) after = page.last;
    else await pause(BUSY_PAUSE_MS);
  }
}

function parsePosition(text: BulkPosition | undefined): { position: string; projectId: string; seq: string } {
  const [position = "0", projectId = FIRST_ID, seq = "0"] = text ? text.split(":") : [];
  return { position, projectId, seq };
}
