// The face of telemetry: structured logs and Prometheus metrics.
export { createLogger, type Logger, silentLogger } from "./log.ts";
export { createMetrics, type Metrics } from "./metrics.ts";
