// A worker process of our engine with the tasks of the bench. Started by startWorker; works until it is told to stop.
import { newId } from "../../src/kernel/ids/index.ts";
import { runWorker } from "../../src/kernel/jobs/testing/run-worker.ts";
import { createLogger } from "../../src/kernel/telemetry/index.ts";
import { nothing, stamp } from "./tasks.ts";
import type { WorkerOrders } from "./worker.ts";

// Our own parent wrote it.
const { url, socketDir, concurrency } = JSON.parse(process.argv[2] ?? "{}") as WorkerOrders;
const connection = { url, socketDir, poolSize: 2, applicationName: "bench worker" };
await runWorker({
  log: createLogger({ level: "warn", process: "worker" }),
  work: { workerId: newId(), roles: ["worker"], connection, concurrency, graceMs: 1000 },
  register(jobs) {
    jobs.register(nothing);
    jobs.register(stamp);
  },
});
