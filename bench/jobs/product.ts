// The measured server's own queue, filled past the API: a million jobs by hand would take the bench's whole time.
import { type Database, makePartitions, openDatabase } from "../../src/kernel/db/index.ts";
import { findPostgres } from "../bare/database.ts";

export interface ProductQueue extends AsyncDisposable {
  readonly db: Database;
}

/** Less than a statement may take. */
const BATCH = 50_000;
const DAYS = 10;

export async function openProduct(dataDir: string): Promise<ProductQueue> {
  const { socketDir } = await findPostgres(dataDir);
  const url = "postgres://stoa@localhost/postgres";
  const db = openDatabase({ url, socketDir, poolSize: 1, longPoolSize: 1, applicationName: "bench" });
  return { db, [Symbol.asyncDispose]: () => db.close() };
}

/** Jobs that somebody has run in the project, over the last days. Returns the ids of some. */
export async function fillFinished(
  { db }: ProductQueue,
  { count, projectId, userId, sample }: { count: number; projectId: string; userId: string; sample: number },
): Promise<string[]> {
  // One row a day makes housekeeping see that it needs the day's partition.
  await insertFinished(db, { count: DAYS, projectId, userId });
  await makePartitions(db, { table: "finished_jobs", column: "finished_at" });
  for (let made = 0; made < count; made += BATCH)
    await insertFinished(db, { count: BATCH, projectId, userId });
  await db.longSql.unsafe("VACUUM ANALYZE finished_jobs");
  const rows = await db.longSql<{ id: string }>`
    SELECT id FROM finished_jobs WHERE project_id = ${projectId} ORDER BY random() LIMIT ${sample}::int`;
  return rows.map(({ id }) => id);
}

async function insertFinished(
  db: Database,
  { count, projectId, userId }: { count: number; projectId: string; userId: string },
): Promise<void> {
  await db.longSql`
    INSERT INTO finished_jobs (id, project_id, created_by, task, lane, status, input, run_at, timeout_ms, max_attempts,
      attempt, interruptions, errors, result, created_at, started_at, finished_at, for_user, taken)
    SELECT jobs_new_id(), ${projectId}, ${userId}, 'text.reanalyse', 2, 'succeeded', '{}', at, 300000, 4, 1, 0, '[]',
      jsonb_build_object('paragraphs', n), at, at, at, true, 1
    FROM (SELECT n, now() - n % ${DAYS}::int * interval '1 day' - random() * interval '5 seconds' AS at
      FROM generate_series(1, ${count}::int) n) AS made`;
}

/** Due jobs of the server itself, each for a project that is not there: its worker is busy with them. */
export async function fillQueued({ db }: ProductQueue, count: number): Promise<void> {
  for (let made = 0; made < count; made += BATCH) {
    await db.longSql`
      INSERT INTO jobs (id, project_id, task, lane, input, run_at, timeout_ms, max_attempts)
      SELECT jobs_new_id(), p, 'texts.analyse', 3, jsonb_build_object('project_id', p), clock_timestamp(), 300000, 4
      FROM (SELECT gen_random_uuid() AS p FROM generate_series(1, ${BATCH}::int)) AS projects`;
  }
}

/** One more behind them all, that somebody has run. Returns its id. */
export async function addQueued({ db }: ProductQueue, projectId: string, userId: string): Promise<string> {
  const [row] = await db.longSql<{ id: string }>`
    INSERT INTO jobs (id, project_id, created_by, task, lane, input, run_at, timeout_ms, max_attempts, for_user)
    VALUES (jobs_new_id(), ${projectId}, ${userId}, 'text.reanalyse', 3, '{}', clock_timestamp(), 300000, 4, true)
    RETURNING id`;
  return row?.id ?? "";
}

export async function countQueued({ db }: ProductQueue): Promise<number> {
  const [row] = await db.longSql<{
    count: number;
  }>`SELECT count(*)::float8 AS count FROM jobs WHERE lane = 3`;
  return row?.count ?? 0;
}

/** What runs ends by itself. */
export async function emptyQueued({ db }: ProductQueue): Promise<void> {
  await db.longSql`DELETE FROM jobs WHERE lane = 3 AND state = 'waiting'`;
}
