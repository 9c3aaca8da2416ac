// The face of the database: connections, transactions, migrations, and what a failure means.
export { type DatabaseOptions, openDatabase } from "./database.ts";
export { type EmbeddedOptions, type EmbeddedPostgres, startEmbedded } from "./embedded/embedded.ts";
export { findRunningEmbedded } from "./embedded/running.ts";
export { isDatabaseAway, isDatabaseBusy, violatedUnique } from "./failure.ts";
export { findMissingMigrations, type MigrationSet, migrate } from "./migrations.ts";
export { checkServer } from "./outside.ts";
export { type DailyTable, dropPartitions, makePartitions } from "./partitions.ts";
export type { Database, Query, Sql, TransactionOptions, Tx } from "./sql.ts";
