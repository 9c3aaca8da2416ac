// The face of telemetry: structured logs and Prometheus metrics.
export { createLogger, type Logger, type LoggerOptions, type ProcessLogger, silentLogger } from "./log.ts";
export { createMetrics, type LabelledValues, type Labels, type Metrics } from "./metrics.ts";
export type { LogOutput } from "./output.ts";
export { createProcessMetrics, type ProcessMetrics } from "./process-metrics.ts";
