// Puts the kernel together for one process: the mechanisms on one database, and in which order they start.
import { join } from "node:path";
import { auditMigrations, createAudit } from "./audit/index.ts";
import { createBus } from "./bus/index.ts";
import { createCache } from "./cache/index.ts";
import { type Clock, systemClock } from "./clock/index.ts";
import { type Config, publicAddressOf } from "./config/index.ts";
import type { Database, DatabaseOptions, MigrationSet } from "./db/index.ts";
import { createEvents, eventMigrations } from "./events/index.ts";
import { createByteStore, createFiles, fileMigrations } from "./files/index.ts";
import { createHttp, type HttpServer, httpMigrations } from "./http/index.ts";
import type { Kernel } from "./index.ts";
import { createJobs, jobMigrations, type Priority, type WorkOptions } from "./jobs/index.ts";
import { createLifecycle, type Part } from "./lifecycle/index.ts";
import { createLimits, limitMigrations } from "./limits/index.ts";
import { createMail, mailMigrations } from "./mail/index.ts";
import { createOutbound, type Outbound } from "./outbound/index.ts";
import { createSecrets } from "./secrets/index.ts";
import { createMetrics, createProcessMetrics, type Logger } from "./telemetry/index.ts";

export interface KernelOptions {
  readonly config: Config;
  readonly log: Logger;
  readonly db: Database;
  /** How `db` was opened: the worker keeps connections of its own. */
  readonly connection: DatabaseOptions;
  /** 32 bytes in base64. */
  readonly secretKey: string;
  /** Default the system's. */
  readonly clock?: Clock;
  /** Runs jobs under this id; left out where jobs are only handed in. */
  readonly workerId?: string;
  /** Of the worker; default all. */
  readonly lanes?: readonly Priority[] | undefined;
  /** Several processes listen on one port. */
  readonly sharesPort?: boolean;
  /** Whether this process shows the figures of the whole database; one of each start does. Default true. */
  readonly showsWhole?: boolean;
  /** Name of this process in its own metrics; default `stoa`. */
  readonly processName?: string;
  /** Metrics of the other processes of this start; default none. */
  readonly metricsOfOthers?: () => Promise<object[][]>;
}

export interface AssembledKernel {
  readonly kernel: Kernel & { readonly http: HttpServer };
  /** In the order of their start; the HTTP server is none of them and comes last. */
  readonly parts: readonly Part[];
}

/** Tables of the mechanisms, before those of the modules. */
export const kernelMigrations: readonly MigrationSet[] = [
  httpMigrations,
  eventMigrations,
  auditMigrations,
  fileMigrations,
  jobMigrations,
  mailMigrations,
  limitMigrations,
];

const BYTES_PER_MB = 1_048_576;

/** Does nothing but put together: no connection is opened before the first statement or start. */
export function createKernel(options: KernelOptions): AssembledKernel {
  const { config, log, db, clock = systemClock, showsWhole = true } = options;
  const metrics = createMetrics();
  const processMetrics = createProcessMetrics({ metrics, process: options.processName ?? "stoa" });
  const bus = createBus({ db, log });
  const cache = createCache({
    log,
    maxMemoryBytes: config.cacheMemoryMegabytes * 1024 * 1024,
    redisUrl: config.redisUrl,
  });
  const events = createEvents({ db, log, bus, retentionDays: config.eventRetentionDays });
  const audit = createAudit({ db, log, retentionDays: config.auditRetentionDays });
  const outbound = createOutbound({ config, metrics });
  const files = createFiles({
    db,
    log,
    bytes: createByteStore({ directory: join(config.dataDir, "files") }),
    maxBytes: config.fileMaxMb * BYTES_PER_MB,
    maxTotalBytes:
      config.projectFilesMaxMb === 0 ? Number.MAX_SAFE_INTEGER : config.projectFilesMaxMb * BYTES_PER_MB,
    address: `${publicAddressOf(config).url}/api/v1/files`,
    keepsHouse: showsWhole,
  });
  const jobs = createJobs({
    db,
    bus,
    log,
    metrics,
    maxRetries: config.maxJobRetries,
    timeoutSeconds: config.jobTimeoutSeconds,
    retentionDays: config.jobRetentionDays,
    files,
    showsQueue: showsWhole,
    projectConcurrency: config.jobProjectConcurrency || undefined,
    onAnnounced: events.hintNow,
    ...(options.workerId === undefined ? {} : { work: workOptions(options, options.workerId, outbound) }),
  });
  const secrets = createSecrets(options.secretKey);
  const mail = createMail({
    db,
    secrets,
    jobs,
    log,
    smtpUrl: config.smtpUrl,
    from: config.mailFrom,
    outboxDirectory: join(config.dataDir, "outbox"),
  });
  const limits = createLimits({ db, clock, log });
  const http = createHttp({
    config,
    db,
    log,
    metrics,
    limits,
    cursorKey: secrets.derive("cursors of lists"),
    reusePort: options.sharesPort ?? false,
  });
  const lifecycle = createLifecycle("modules", (part, error) =>
    log.error({ err: error, part }, "a part did not stop well"),
  );
  const kernel = {
    config,
    clock,
    log,
    metrics,
    db,
    secrets,
    events,
    audit,
    bus,
    files,
    cache,
    jobs,
    mail,
    limits,
    outbound,
    http,
    lifecycle,
    metricsOfOthers: options.metricsOfOthers ?? (async () => []),
  };
  return { kernel, parts: [processMetrics, bus, cache, events, audit, files, limits, lifecycle, mail, jobs] };
}

function workOptions(
  { config, connection, lanes }: KernelOptions,
  workerId: string,
  { breakers }: Outbound,
): WorkOptions {
  return {
    workerId,
    roles: ["worker"],
    connection,
    concurrency: config.workerConcurrency,
    graceMs: config.shutdownGraceSeconds * 1000,
    breakers: breakers.states,
    ...(lanes ? { lanes } : {}),
  };
}
