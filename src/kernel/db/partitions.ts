// Daily partitions of a table: made ahead, its strays moved out of the default one, dropped whole when they are old.
import type { Database, Tx } from "./sql.ts";

/** A table partitioned by range on a timestamptz column, with a partition `<table>_default` that catches what has no day. */
export interface DailyTable {
  readonly table: string;
  readonly column: string;
}

export interface RetentionOptions {
  /** Days are whole and in UTC: one is dropped when its last moment is this many days ago. */
  readonly days: number;
  /** Runs before each drop, over the partition's name. */
  readonly beforeDrop?: (partition: string) => Promise<void>;
}

const DAYS_AHEAD = 3;
/** Less than the statements of requests wait, and than deadlock_timeout, so that it is housekeeping that gives way. */
const LOCK_TIMEOUT_MS = 250;

/** Makes what is missing from today to three days ahead, and a partition for each day that strays have. */
export async function makePartitions(db: Database, daily: DailyTable): Promise<void> {
  const { table, column } = daily;
  const days = await db.longSql.unsafe<{ day: string }>(
    `WITH wanted AS (
       SELECT (now() AT TIME ZONE 'UTC')::date + n AS day FROM generate_series(0, ${DAYS_AHEAD}) n
       UNION SELECT (${column} AT TIME ZONE 'UTC')::date FROM ${table}_default)
     SELECT to_char(day, 'YYYY-MM-DD') AS day FROM wanted
     WHERE to_regclass('${table}_' || to_char(day, 'YYYYMMDD')) IS NULL ORDER BY day`,
  );
  for (const { day } of days) {
    await db.transaction((tx) => makePartition(tx, daily, day), { pool: "long" });
  }
}

async function makePartition(tx: Tx, { table, column }: DailyTable, day: string): Promise<void> {
  const name = partitionName(table, day);
  await lockForHousekeeping(tx, table);
  const [found] = await tx<{ is_there: boolean }>`SELECT to_regclass(${name}) IS NOT NULL AS is_there`;
  if (found?.is_there) return;
  const from = `'${day} 00:00:00+00'::timestamptz`;
  const to = `${from} + interval '24 hours'`;
  // ATTACH locks the parent less than CREATE … PARTITION OF does: appending to other days goes on.
  await tx.unsafe(`LOCK TABLE ${table}_default IN ACCESS EXCLUSIVE MODE`);
  await tx.unsafe(`CREATE TABLE ${name} (LIKE ${table} INCLUDING ALL)`);
  await tx.unsafe(
    `WITH strays AS (DELETE FROM ${table}_default WHERE ${column} >= ${from} AND ${column} < ${to} RETURNING *)
     INSERT INTO ${name} SELECT * FROM strays`,
  );
  await tx.unsafe(`ALTER TABLE ${table} ATTACH PARTITION ${name} FOR VALUES FROM (${from}) TO (${to})`);
}

/** Drops the days that are past their time and returns their names. */
export async function dropPartitions(
  db: Database,
  { table }: DailyTable,
  { days, beforeDrop }: RetentionOptions,
): Promise<string[]> {
  const old = await db.longSql<{ name: string }>`
    SELECT c.relname AS name FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
    WHERE i.inhparent = ${table}::text::regclass AND c.relname ~ '_[0-9]{8}$'
      AND to_date(right(c.relname, 8), 'YYYYMMDD') + 1 <= (now() AT TIME ZONE 'UTC')::date - ${days}::int
    ORDER BY c.relname`;
  for (const { name } of old) {
    await beforeDrop?.(name);
    await db.transaction(
      async (tx) => {
        await lockForHousekeeping(tx, table);
        await tx.unsafe(`DROP TABLE IF EXISTS ${name}`);
      },
      { pool: "long" },
    );
  }
  return old.map(({ name }) => name);
}

/** One process at a time, and none that waits long: whoever needs the table after us waits behind our wait. */
async function lockForHousekeeping(tx: Tx, table: string): Promise<void> {
  await tx`SELECT pg_advisory_xact_lock(hashtext(${`partitions of ${table}`}))`;
  await tx.unsafe(`SET LOCAL lock_timeout = ${LOCK_TIMEOUT_MS}`);
}

function partitionName(table: string, day: string): string {
  return `${table}_${day.replaceAll("-", "")}`;
}
