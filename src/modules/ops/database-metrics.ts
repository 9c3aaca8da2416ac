// What is visible of the database from outside its pools: whether it answers, who is connected and busy, its size.
import type { Database } from "../../kernel/db/index.ts";
import { createMetrics, type Metrics } from "../../kernel/telemetry/index.ts";
import { listConnections, readDatabaseSize } from "./store.ts";

/** A scrape waits no longer than this for a database that is away. */
const ANSWER_MS = 1000;

/** Metrics of their own, shown by the process that is asked: each process would count the one database again. */
export function createDatabaseMetrics(db: Database): Metrics {
  const metrics = createMetrics();
  const whileUp =
    <T>(ask: () => Promise<T[]>) =>
    async () =>
      (await answers(db)) ? ask() : [];

  metrics.gauge("stoa_database_up", "1 when the database answers.", [], async () => [
    [{}, (await answers(db)) ? 1 : 0],
  ]);
  metrics.gauge(
    "stoa_database_connections",
    "Connections by program and state.",
    ["application", "state"],
    whileUp(async () =>
      (await listConnections(db.sql)).map(({ application, state, count }) => [{ application, state }, count]),
    ),
  );
  metrics.gauge(
    "stoa_database_size_bytes",
    "Size of the database on disk.",
    [],
    whileUp(async () => [[{}, await readDatabaseSize(db.sql)]]),
  );
  return metrics;
}

async function answers(db: Database): Promise<boolean> {
  try {
    await db.ping(ANSWER_MS);
    return true;
  } catch {
    return false;
  }
}
