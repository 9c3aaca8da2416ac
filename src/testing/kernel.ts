// A kernel on a scratch database, for tests of modules.
import { randomBytes } from "node:crypto";
import type { Clock } from "../kernel/clock/index.ts";
import { readConfig } from "../kernel/config/index.ts";
import { createKernel } from "../kernel/create-kernel.ts";
import type { HttpServer } from "../kernel/http/index.ts";
import { newId } from "../kernel/ids/index.ts";
import type { Kernel } from "../kernel/index.ts";
import { createLifecycle, type Part } from "../kernel/lifecycle/index.ts";
import { type Logger, silentLogger } from "../kernel/telemetry/index.ts";
import { testDataDirectory } from "./data-directory.ts";
import type { TestDatabase } from "./database.ts";
import { LIMITS_OFF } from "./limits.ts";
import { testTextSource } from "./text-source.ts";

export interface TestKernelOptions {
  readonly clock?: Clock;
  readonly log?: Logger;
  /** Settings, as the environment would give them. */
  readonly environment?: Readonly<Record<string, string>>;
  /** 32 bytes in base64; processes of one installation share it. Default a new one. */
  readonly secretKey?: string;
  /** Runs jobs too. */
  readonly works?: boolean;
}

/** Its parts start and stop together; the HTTP server answers `fetch` and does not listen. */
export interface TestKernel extends Kernel, Part {
  readonly db: TestDatabase;
  readonly http: HttpServer;
}

/** Make modules on it, then start it. It leaves the database open. */
export function createTestKernel(db: TestDatabase, options: TestKernelOptions = {}): TestKernel {
  const { log = silentLogger, secretKey = randomBytes(32).toString("base64") } = options;
  const environment = {
    PORT: "0",
    DATA_DIR: testDataDirectory(),
    TEXT_SOURCE_URL: testTextSource(),
    ...LIMITS_OFF,
    ...options.environment,
  };
  const { config } = readConfig(environment);
  const { kernel, parts } = createKernel({
    config,
    log,
    db,
    connection: { url: db.url, socketDir: db.socketDir, poolSize: 2, applicationName: "test" },
    secretKey,
    ...(options.clock ? { clock: options.clock } : {}),
    ...(options.works ? { workerId: newId() } : {}),
  });
  const lifecycle = createLifecycle("test", (part, error) => log.error({ part, err: error }, "stop failed"));
  for (const part of parts) lifecycle.add(part);
  return { ...kernel, db, name: "test", start: lifecycle.start, stop: lifecycle.stop };
}
