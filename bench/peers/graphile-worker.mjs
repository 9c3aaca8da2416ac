// graphile-worker as its documentation makes it fastest: fetches 500 jobs at a time, and batches how they ended.
import { Logger, makeWorkerUtils, run } from "graphile-worker";
import pg from "pg";
import { forAWhile } from "./for-a-while.mjs";

const { what, socketDir, database, connections, concurrency, bulk, enqueueMs, drained } = JSON.parse(
  process.argv[2],
);
const pool = new pg.Pool({ host: socketDir, user: "stoa", database, max: connections });
// It asks for these.
pool.on("error", () => {});
pool.on("connect", (client) => client.on("error", () => {}));
const silent = new Logger(() => () => {});
const utils = await makeWorkerUtils({ pgPool: pool, logger: silent });
await utils.migrate();

console.log(JSON.stringify(what === "drain" ? await drain() : await enqueue()));
await utils.release();
await pool.end();
process.exit(0);

async function enqueue() {
  const single = await forAWhile(enqueueMs, connections * 4, () =>
    utils.addJob("nothing", { n: 1 }).then(() => 1),
  );
  const jobs = Array.from({ length: bulk }, (_, n) => ({ identifier: "nothing", payload: { n } }));
  const many = await forAWhile(enqueueMs, 2, () => utils.addJobs(jobs).then(() => bulk));
  await pool.query("TRUNCATE graphile_worker._private_jobs");
  return { singlePerSecond: single, bulkPerSecond: many };
}

async function drain() {
  for (let made = 0; made < drained; made += bulk) {
    await utils.addJobs(Array.from({ length: bulk }, (_, n) => ({ identifier: "nothing", payload: { n } })));
  }
  let startedMs;
  const runner = await run({
    pgPool: pool,
    taskList: {
      nothing: async () => {
        startedMs ??= performance.now();
      },
    },
    preset: {
      worker: {
        concurrentJobs: concurrency,
        logger: silent,
        localQueue: { size: 500 },
        completeJobBatchDelay: 0,
        failJobBatchDelay: 0,
      },
    },
    noHandleSignals: true,
  });
  // A job that has succeeded is deleted: when none is left, all ends are written.
  for (;;) {
    const { rows } = await pool.query("SELECT EXISTS (SELECT FROM graphile_worker._private_jobs) AS is_left");
    if (!rows[0].is_left) break;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  const seconds = (performance.now() - startedMs) / 1000;
  await runner.stop();
  return { drainedPerSecond: drained / seconds };
}
