// Wiring of ops: probes, metrics, the front page.
import { findMissingMigrations, type MigrationSet } from "../../kernel/db/index.ts";
import type { Kernel } from "../../kernel/index.ts";
import { createDatabaseMetrics } from "./database-metrics.ts";
import { opsRoutes } from "./http.ts";
import type { Check } from "./readiness.ts";

export type OpsDeps = Pick<Kernel, "http" | "db" | "log" | "metrics" | "metricsOfOthers">;

/** A database that takes longer for SELECT 1 serves nobody. */
const DATABASE_ANSWER_MS = 2000;

/** `migrations` are those of the kernel and of every module. */
export function createOps(deps: OpsDeps, migrations: readonly MigrationSet[]): void {
  const { http, db, log, metrics, metricsOfOthers } = deps;
  const ofDatabase = createDatabaseMetrics(db);
  http.mount(
    opsRoutes({
      log,
      checks: [
        { name: "database", check: () => db.ping(DATABASE_ANSWER_MS) },
        migrationCheck(deps, migrations),
        {
          name: "server",
          async check() {
            if (http.isStopping()) throw new Error("the server is stopping");
          },
        },
      ],
      renderMetrics: async () => metrics.render([...(await metricsOfOthers()), await ofDatabase.snapshot()]),
    }),
  );
}

/** Tables that are up to date stay so: nothing is asked after the first yes. */
function migrationCheck({ db }: Pick<OpsDeps, "db">, migrations: readonly MigrationSet[]): Check {
  let isUpToDate = false;
  return {
    name: "migrations",
    async check() {
      if (isUpToDate) return;
      const missing = await findMissingMigrations(db.sql, migrations);
      if (missing.length > 0) throw new Error(`not applied: ${missing.join(", ")}`);
      isUpToDate = true;
    },
  };
}
