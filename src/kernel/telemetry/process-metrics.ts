// What each process shows of itself: memory, processor time, when it started, and how late its event loop runs.
import type { Metrics } from "./metrics.ts";

export interface ProcessMetrics {
  readonly name: string;
  start(): Promise<void>;
  stop(): Promise<void>;
}

const LAG_PROBE_MS = 500;
const LAG_BUCKETS_S = [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5];

/** Registers the metrics at once; the event loop is watched from `start` to `stop`. `process` names it on each of them. */
export function createProcessMetrics(deps: { metrics: Metrics; process: string }): ProcessMetrics {
  const { metrics } = deps;
  const labels = { process: deps.process };
  const startedAtSeconds = Math.round(Date.now() / 1000 - process.uptime());
  metrics.gauge("process_resident_memory_bytes", "Resident memory.", ["process"], () => [
    [labels, process.memoryUsage.rss()],
  ]);
  metrics.observedCounter(
    "process_cpu_seconds_total",
    "Processor time, user and system.",
    ["process"],
    () => {
      const { user, system } = process.cpuUsage();
      return [[labels, (user + system) / 1e6]];
    },
  );
  metrics.gauge("process_start_time_seconds", "Unix time at which the process started.", ["process"], () => [
    [labels, startedAtSeconds],
  ]);
  metrics.gauge("stoa_heap_used_bytes", "JavaScript heap in use.", ["process"], () => [
    [labels, process.memoryUsage().heapUsed],
  ]);
  const lag = metrics.histogram(
    "stoa_event_loop_lag_seconds",
    "How late a timer ran: what a request may have waited for the process.",
    ["process"],
    LAG_BUCKETS_S,
  );

  let timer: ReturnType<typeof setInterval> | undefined;
  return {
    name: "process metrics",
    async start() {
      if (timer) return;
      let dueMs = performance.now() + LAG_PROBE_MS;
      timer = setInterval(() => {
        const nowMs = performance.now();
        lag.observe(labels, Math.max(0, nowMs - dueMs) / 1000);
        dueMs = nowMs + LAG_PROBE_MS;
      }, LAG_PROBE_MS);
      // Watching alone must not keep the process alive.
      timer.unref();
    },
    async stop() {
      clearInterval(timer);
      timer = undefined;
    },
  };
}
