// All that one start is responsible for: the database, this process's role, and its children; started in order, stopped together.

import type { Config } from "../kernel/config/index.ts";
import { newId } from "../kernel/ids/index.ts";
import { type Priority, releaseAllWorkers, releaseWorker } from "../kernel/jobs/index.ts";
import type { Logger } from "../kernel/telemetry/index.ts";
import { type Child, createChild } from "./child.ts";
import type { Role } from "./command-line.ts";
import { type DatabaseServer, reachDatabase } from "./database-server.ts";
import type { Orders } from "./messages.ts";
import { refusePortInUse, toStartError } from "./port.ts";
import type { Runtime } from "./runtime.ts";

export interface ServerOptions {
  readonly config: Config;
  readonly log: Logger;
  /** Undefined: HTTP here and jobs in a child. */
  readonly role: Role | undefined;
  /** Of the worker; undefined: all. */
  readonly lanes: readonly Priority[] | undefined;
}

export interface Server {
  /** Resolves when all is up, with where to find it; with undefined when it was stopped meanwhile. */
  start(): Promise<{ readonly address: string | undefined; readonly place: string } | undefined>;
  /** Finishes what is held within the grace time. Safe to call twice, also while it starts. */
  stop(): Promise<void>;
  /** At once: children are killed, the embedded database recovers at its next start. */
  abandon(): Promise<void>;
}

export function createServer({ config, log, role, lanes }: ServerOptions): Server {
  const graceMs = config.shutdownGraceSeconds * 1000;
  const children: Child[] = [];
  let database: DatabaseServer | undefined;
  let runtime: Runtime | undefined;
  let starting: Promise<unknown> | undefined;
  let stopped: Promise<void> | undefined;

  async function startAll() {
    // The modules load while PostgreSQL starts.
    const [reached, { createRuntime }] = await Promise.all([reach(), import("./runtime.ts")]);
    if (stopped) return undefined;
    const here = createRuntime({
      ...ordersFor(role === "worker" ? "worker" : "web", reached),
      metricsOfOthers,
    });
    runtime = here;
    const applied = await here.migrate();
    if (applied.length > 0) log.info({ migrations: applied }, "the database's tables are up to date");
    // A worker that was killed with its parent would else count as alive until its beat is missed.
    if (reached.isOurs) await releaseAllWorkers(here.db);
    if (stopped) return undefined;
    if (sharesPort()) await refusePortInUse(config);
    await here.start().catch((error) => {
      const probes = { host: config.host, port: config.workerPort, variable: "WORKER_PORT" };
      throw toStartError(error, role === "worker" ? probes : config);
    });
    if (stopped) return undefined;
    for (const child of createChildren(reached, here)) {
      children.push(child);
      await child.start();
    }
    return { address: here.address(), place: reached.place };
  }

  async function reach(): Promise<DatabaseServer> {
    database = await reachDatabase(config, log);
    return database;
  }

  function sharesPort(): boolean {
    return config.webProcesses > 1 && role !== "worker";
  }

  function createChildren(reached: DatabaseServer, here: Runtime): Child[] {
    // With port 0 the first has taken a free one, which the others share.
    const port = Number(new URL(here.address() ?? "http://localhost").port) || config.port;
    const create = (name: string, childRole: Role) =>
      createChild({
        name,
        log,
        graceMs,
        orders: () => ({
          ...ordersFor(childRole, reached),
          name,
          config: { ...config, port },
          showsWhole: false,
        }),
        onDeath: (orders) => handOn(orders, here),
        metricsOfOthers: () => gatherMetrics(name),
      });
    const webs = role === "worker" ? 0 : config.webProcesses - 1;
    return [
      ...Array.from({ length: webs }, (_, index) => create(`web-${index + 2}`, "web")),
      ...(role === undefined ? [create("worker", "worker")] : []),
    ];
  }

  function ordersFor(childRole: Role, reached: DatabaseServer): Orders {
    const { access } = reached;
    return {
      name: childRole,
      role: childRole,
      workerId: newId(),
      lanes,
      config,
      access,
      sharesPort: sharesPort(),
      showsWhole: true,
    };
  }

  async function handOn(orders: Orders, here: Runtime): Promise<void> {
    if (orders.role !== "worker") return;
    await releaseWorker(here.db, orders.workerId).catch((error) => {
      log.warn({ err: error }, "a dead worker's jobs wait until its beat is missed");
    });
  }

  function metricsOfOthers(): Promise<object[][]> {
    return gatherMetrics(undefined);
  }

  /** Of this process and the children, without the one that asks; without a name this process asks. */
  async function gatherMetrics(asking: string | undefined): Promise<object[][]> {
    const others = children.filter((child) => child.name !== asking);
    const own = asking === undefined || !runtime ? [] : [await runtime.metrics()];
    return [...own, ...(await Promise.all(others.map((child) => child.metrics()))).flat()];
  }

  async function stopAll(): Promise<void> {
    await Promise.all([runtime?.stop(), ...children.map((child) => child.stop())]);
    await starting?.catch(() => {});
    // What was started between the two.
    await Promise.all([runtime?.stop(), ...children.map((child) => child.stop())]);
    await database?.stop();
  }

  return {
    start() {
      const started = startAll().catch((error) => {
        // Stopped in the middle, it fails on what is closed already.
        if (stopped) return undefined;
        throw error;
      });
      starting = started;
      return started;
    },
    stop() {
      stopped ??= stopAll();
      return stopped;
    },
    async abandon() {
      for (const child of children) child.kill();
      await database?.stop({ isHurried: true });
    },
  };
}
