// One role at work in this process: the kernel, the application on it, and the parts that this role starts.

import { type App, createApp } from "../app.ts";
import { publicAddressOf } from "../kernel/config/index.ts";
import { createKernel, kernelMigrations } from "../kernel/create-kernel.ts";
import { type Database, type MigrationSet, migrate, openDatabase } from "../kernel/db/index.ts";
import { createProbeServer } from "../kernel/http/index.ts";
import { createLifecycle, type Part } from "../kernel/lifecycle/index.ts";
import { createLogger, type Logger } from "../kernel/telemetry/index.ts";
import type { Orders } from "./messages.ts";

export interface RuntimeOptions extends Orders {
  readonly metricsOfOthers: () => Promise<object[][]>;
}

export interface Runtime extends Part {
  readonly db: Database;
  readonly log: Logger;
  /** Brings the tables up to date; returns the names of what was applied. Before start, in one process. */
  migrate(): Promise<string[]>;
  /** Where the web role listens. */
  address(): string | undefined;
  /** This process's metrics, for another to render. */
  metrics(): Promise<object[]>;
  /** Brings the tables up to date, then makes the next signing key. In place of start. */
  rotateSigningKey(): Promise<{ readonly id: string; readonly signsFrom: Date }>;
  /** Brings the tables up to date, then holds the text indexes against their paragraphs. In place of start. */
  verifyIndexes(projectId?: string): ReturnType<App["verifyIndexes"]>;
  /** The API description. */
  describe(): Promise<unknown>;
}

/** It serves no requests: jobs do their work on the pool for long work, and idle connections cost 2 MB each. */
const WORKER_POOL_SIZE = 2;

/** Compiling and loading leave some 4 MB behind, which an idle process would keep. */
const TIDY_AFTER_MS = 5_000;

export function createRuntime(options: RuntimeOptions): Runtime {
  const { name, role, config, access, workerId } = options;
  const log = createLogger({ level: config.logLevel, process: name });
  const connection = {
    url: access.url,
    ...(access.socketDir === undefined ? {} : { socketDir: access.socketDir }),
    poolSize:
      role === "worker" ? Math.min(WORKER_POOL_SIZE, config.databasePoolSize) : config.databasePoolSize,
    applicationName: `stoa ${name}`,
  };
  const db = openDatabase(connection, log);
  const { kernel, parts } = createKernel({
    config,
    log,
    db,
    connection,
    secretKey: access.secretKey,
    sharesPort: options.sharesPort,
    showsWhole: options.showsWhole,
    processName: name,
    metricsOfOthers: options.metricsOfOthers,
    ...(role === "worker" ? { workerId, lanes: options.lanes } : {}),
  });
  const app = createApp(kernel);
  const lifecycle = createLifecycle(name, (part, error) =>
    log.error({ err: error, part }, "part did not stop well"),
  );
  for (const part of parts) lifecycle.add(part);
  if (role === "web") lifecycle.add(kernel.http);
  // A child's are told by its parent.
  else if (options.showsWhole && config.workerPort > 0)
    lifecycle.add(createProbeServer({ ...config, port: config.workerPort, log, fetch: kernel.http.fetch }));
  let tidying: Timer | undefined;
  return {
    name,
    db,
    log,
    async start() {
      await lifecycle.start();
      tidying ??= setTimeout(Bun.shrink, TIDY_AFTER_MS);
      tidying.unref();
    },
    async stop() {
      clearTimeout(tidying);
      await lifecycle.stop();
      await db.close();
    },
    migrate: () => migrate(db, migrationsOf(app)),
    address: () => kernel.http.address(),
    metrics: () => kernel.metrics.snapshot(),
    async rotateSigningKey() {
      await migrate(db, migrationsOf(app));
      return app.rotateSigningKey();
    },
    async *verifyIndexes(projectId) {
      await migrate(db, migrationsOf(app));
      yield* app.verifyIndexes(projectId);
    },
    async describe() {
      const { url } = publicAddressOf(config);
      const answer = await kernel.http.fetch(new Request(`${url}/openapi.json`));
      return answer.json();
    },
  };
}

function migrationsOf(app: { readonly migrations: readonly MigrationSet[] }): MigrationSet[] {
  return [...kernelMigrations, ...app.migrations];
}
