// The database under the workers: restarted, crashed, its connections cut, and a transaction in it that does not end.
import { createHousekeeping } from "../../src/kernel/jobs/housekeeping.ts";
import { silentLogger } from "../../src/kernel/telemetry/index.ts";
import { openAgain } from "../../src/testing/database.ts";
import type { TestPostgres } from "../../src/testing/postgres.ts";
import { until } from "../../src/testing/until.ts";
import type { Scene } from "./scene.ts";

async function countEnded({ db }: Scene): Promise<number> {
  const [row] = await db.sql<{ count: number }>`SELECT count(*)::int AS count FROM finished_jobs`.catch(
    () => [],
  );
  return row?.count ?? 0;
}

/** So that each blow falls into the middle of the work. */
function ended(scene: Scene, count: number): Promise<unknown> {
  return until(`${count} jobs to end`, async () => (await countEnded(scene)) >= count, {
    withinMs: 150_000,
    everyMs: 20,
  });
}

/** A commit whose answer is lost may have been done: then the handler that writes its end itself is not run again. */
export async function restartPostgres(scene: Scene, server: TestPostgres): Promise<void> {
  await scene.spawn();
  await scene.spawn();
  await scene.submitMany(600, { ms: 20 });
  // BullMQ #1658: what becomes due while the database is away is not missed.
  for (let n = 0; n < 50; n++) {
    await scene.submit({}, undefined, { runAt: new Date(Date.now() + scene.random.between(500, 8000)) });
  }
  for (const [count, signal] of [
    [60, "SIGINT"],
    [200, "SIGKILL"],
    [350, "SIGINT"],
  ] as const) {
    await ended(scene, count);
    process.kill(server.pid() ?? 0, signal);
  }
  await scene.account(150_000);
}

export async function cutAllConnections(scene: Scene): Promise<void> {
  await scene.spawn();
  await scene.spawn();
  await scene.submitMany(600, { ms: 20 });
  // An interruption counts, and three are borne: so many cuts may hit one job.
  for (const count of [50, 250, 450]) {
    await ended(scene, count);
    await scene.db.sql`
      SELECT pg_terminate_backend(pid) FROM pg_stat_activity
      WHERE datname = current_database() AND pid <> pg_backend_pid()`.catch(() => {});
  }
  await scene.account(150_000);
}

const WAVES = 8;
const WAVE_JOBS = 300;
const OLD_S = 3;

/**
 * Dead rows pile up behind it: taking and finishing must go on wave by wave, and somebody must say so. How much slower they
 * become the bench tells: here others work at the same time.
 */
export async function holdTransaction(scene: Scene): Promise<void> {
  await scene.spawn({ concurrency: 16 });
  await scene.spawn({ concurrency: 16 });
  const holder = openAgain(scene.db);
  let isReleased = false;
  const isHeld = Promise.withResolvers<void>();
  const holding = holder.transaction(async (tx) => {
    await tx`SET TRANSACTION ISOLATION LEVEL REPEATABLE READ`;
    await tx`SELECT count(*) FROM jobs`;
    isHeld.resolve();
    // PostgreSQL ends transactions that say nothing.
    while (!isReleased) {
      await tx`SELECT 1`;
      await Bun.sleep(500);
    }
  });
  try {
    await isHeld.promise;
    for (let wave = 1; wave <= WAVES; wave++) {
      await scene.submitMany(WAVE_JOBS, {});
      await ended(scene, wave * WAVE_JOBS);
    }
    await until("the transaction to be old", async () => (await ageOf(scene)) > OLD_S, { withinMs: 10_000 });
    await warns(scene);
    await scene.account(150_000);
  } finally {
    isReleased = true;
    await holding.catch(() => {});
    await holder.close();
  }
}

async function ageOf({ engine }: Scene): Promise<number> {
  const text = await engine.metrics.render();
  return Number(/^stoa_database_oldest_transaction_seconds (.+)$/m.exec(text)?.[1] ?? Number.NaN);
}

async function warns({ db }: Scene): Promise<void> {
  const said: string[] = [];
  const log = { ...silentLogger, warn: (_: object, message: string) => void said.push(message) };
  await createHousekeeping({ db, log, retentionDays: 30, oldTransactionSeconds: OLD_S }).look();
  if (said.length !== 1) throw new Error("nobody warned of an open transaction");
}
