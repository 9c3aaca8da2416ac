// A kernel on a scratch database, for tests that need modules but not the whole program.
import { randomBytes } from "node:crypto";
import { createBus } from "../kernel/bus/index.ts";
import { type Clock, systemClock } from "../kernel/clock/index.ts";
import { readConfig } from "../kernel/config/index.ts";
import type { Database } from "../kernel/db/index.ts";
import { createEvents } from "../kernel/events/index.ts";
import { createHttp } from "../kernel/http/index.ts";
import { createLifecycle } from "../kernel/lifecycle/index.ts";
import { createSecrets } from "../kernel/secrets/index.ts";
import { createMetrics, type Logger, silentLogger } from "../kernel/telemetry/index.ts";

export interface TestKernelOptions {
  readonly clock?: Clock;
  readonly log?: Logger;
  /** Settings, as the environment would give them. */
  readonly environment?: Readonly<Record<string, string>>;
  /** 32 bytes in base64; two processes of one installation share it. */
  readonly secretKey?: string;
}

export type TestKernel = ReturnType<typeof createTestKernel>;

/** Modules are made on it, then `lifecycle.start()`; `http.fetch` answers. End it with `lifecycle.stop()`. */
export function createTestKernel(db: Database, options: TestKernelOptions = {}) {
  const { clock = systemClock, log = silentLogger } = options;
  const { config } = readConfig({ PORT: "0", ...options.environment });
  const metrics = createMetrics();
  const lifecycle = createLifecycle("test", (part, error) => log.error({ part, err: error }, "stop failed"));
  const events = createEvents({ db, log, retentionDays: config.eventRetentionDays });
  const bus = createBus({ db, log });
  const http = createHttp({ config, db, log, metrics, clock });
  const secrets = createSecrets(options.secretKey ?? randomBytes(32).toString("base64"));
  lifecycle.add(events);
  lifecycle.add(bus);
  return { config, clock, log, metrics, db, secrets, events, bus, http, lifecycle };
}
