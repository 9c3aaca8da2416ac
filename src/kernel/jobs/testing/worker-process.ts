// A worker as a process of its own, for tests that kill, stop and continue it. Started by spawnWorker.
import { createLogger } from "../../telemetry/index.ts";
import { createFaultTask } from "./fault-task.ts";
import { runWorker } from "./run-worker.ts";
import type { WorkerOrders } from "./spawn-worker.ts";
import { createTestTasks } from "./tasks.ts";

// Our own parent wrote it.
const { url, socketDir, workerId, concurrency, logLevel, clockJumpMs } = JSON.parse(
  process.argv[2] ?? "{}",
) as WorkerOrders;
// The host's clock jumps, forth and back around the right time.
let jumpMs = clockJumpMs;
process.on("SIGUSR2", () => {
  jumpClock(jumpMs);
  jumpMs = -2 * Math.sign(jumpMs) * clockJumpMs;
});
await runWorker({
  log: createLogger({ level: logLevel, process: "worker" }),
  work: {
    workerId,
    roles: ["worker"],
    // As a server has: a handler that holds a connection does not keep the others from writing, early or late.
    connection: { url, socketDir, poolSize: 3, applicationName: "test worker" },
    concurrency,
    graceMs: 5000,
    handlerGraceMs: 500,
  },
  register(jobs, db) {
    for (const task of createTestTasks(db)) jobs.register(task);
    jobs.register(createFaultTask(db));
  },
  random: () => 0,
});

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
