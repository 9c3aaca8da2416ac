// A worker process of our engine with the tasks of the bench. Started by startWorker; works until it is told to stop.
import { createBus } from "../../src/kernel/bus/index.ts";
import { openDatabase } from "../../src/kernel/db/index.ts";
import { newId } from "../../src/kernel/ids/index.ts";
import { createJobs } from "../../src/kernel/jobs/index.ts";
import { createLogger, createMetrics } from "../../src/kernel/telemetry/index.ts";
import { nothing, stamp } from "./tasks.ts";
import type { WorkerOrders } from "./worker.ts";

// Our own parent wrote it.
const { url, socketDir, concurrency } = JSON.parse(process.argv[2] ?? "{}") as WorkerOrders;
const log = createLogger({ level: "warn", process: "worker" });
const connection = { url, socketDir, poolSize: 2, applicationName: "bench worker" };
const db = openDatabase(connection);
const bus = createBus({ db, log });
const jobs = createJobs({
  db,
  bus,
  log,
  metrics: createMetrics(),
  maxRetries: 3,
  timeoutSeconds: 300,
  retentionDays: 30,
  work: { workerId: newId(), roles: ["worker"], connection, concurrency, graceMs: 1000 },
});
jobs.register(nothing);
jobs.register(stamp);
await bus.start();
await jobs.start();
process.on("SIGTERM", async () => {
  await jobs.stop();
  await bus.stop();
  await db.close();
  process.exit(0);
});
console.log("ready");
