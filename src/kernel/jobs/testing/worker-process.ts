// A worker as a process of its own, for tests that kill, stop and continue it. Started by spawnWorker.
import { createBus } from "../../bus/index.ts";
import { openDatabase } from "../../db/index.ts";
import { createLogger, createMetrics } from "../../telemetry/index.ts";
import { createJobs } from "../index.ts";
import { createFaultTask } from "./fault-task.ts";
import type { WorkerOrders } from "./spawn-worker.ts";
import { createTestTasks } from "./tasks.ts";

// Our own parent wrote it.
const orders = JSON.parse(process.argv[2] ?? "{}") as WorkerOrders;
const log = createLogger({ level: orders.logLevel, process: "worker" });
const connection = {
  url: orders.url,
  socketDir: orders.socketDir,
  // As a server has: a handler that holds a connection does not keep the others from writing, early or late.
  poolSize: 3,
  applicationName: "test worker",
};
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
  random: () => 0,
  work: {
    workerId: orders.workerId,
    roles: ["worker"],
    connection,
    concurrency: orders.concurrency,
    graceMs: 5000,
    handlerGraceMs: 500,
  },
});
for (const task of createTestTasks(db)) jobs.register(task);
jobs.register(createFaultTask(db));
await bus.start();
await jobs.start();
process.on("SIGTERM", async () => {
  await jobs.stop();
  await bus.stop();
  await db.close();
  process.exit(0);
});
// The host's clock jumps, forth and back around the right time.
let jumpMs = orders.clockJumpMs;
process.on("SIGUSR2", () => {
  jumpClock(jumpMs);
  jumpMs = -2 * Math.sign(jumpMs) * orders.clockJumpMs;
});
console.log("ready");

function jumpClock(ms: number): void {
  const Before = Date;
  class Jumped extends Before {
    constructor(given: number | string | Date = Before.now() + ms) {
      super(given);
    }
    static override now(): number {
      return Before.now() + ms;
    }
  }
  // What calls it without `new` or with several numbers is not among the engine.
  globalThis.Date = Jumped as DateConstructor;
}
