// The epoch: changes when the database is not the one that gave the numbers, so that no reader resumes in another history.
import type { Database } from "../db/index.ts";

/**
 * Compares where the log was written with where it is now: cluster, timeline (a recovery starts a new one), database and
 * table (a restored dump makes new ones). Another place gets a new epoch, and positions that go on above the old ones.
 * A data directory copied back while the server was stopped cannot be told from its original.
 */
export async function settleEpoch(db: Database): Promise<{ isNew: boolean }> {
  return db.transaction(async (tx) => {
    const [log] = await tx<{ origin: string; here: string }>`
      SELECT origin, concat_ws('/',
        (SELECT system_identifier FROM pg_control_system()), substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8),
        (SELECT oid FROM pg_database WHERE datname = current_database()), 'event_log'::regclass::oid) AS here
      FROM event_log FOR UPDATE`;
    if (!log || log.origin === log.here) return { isNew: false };
    await tx`
      UPDATE event_log SET epoch = gen_random_uuid(), origin = ${log.here}, xid_offset = greatest(xid_offset,
        (SELECT coalesce(max(last_position), 0) FROM event_heads) + 1 - pg_current_xact_id()::text::bigint)`;
    return { isNew: true };
  });
}
