// Numbered SQL files of the kernel and the modules, each applied once, in order, under a lock.
import { createHash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { StartError } from "../errors/index.ts";
import type { Database, Sql, Tx } from "./sql.ts";

/** A module's migrations: `directory` holds files such as 0001_posts.sql. Order of modules is order of application. */
export interface MigrationSet {
  readonly module: string;
  readonly directory: string;
}

interface Migration {
  readonly name: string;
  readonly text: string;
  readonly checksum: string;
}

/** Any number; it only has to be the same in every process. */
const MIGRATION_LOCK = 7_305_001;

/** Applies what is missing and returns its names. Two processes at once: the second waits and finds nothing to do. */
export async function migrate(db: Database, sets: readonly MigrationSet[]): Promise<string[]> {
  try {
    return await applyMissing(db, sets);
  } catch (error) {
    throw isForbidden(error) ? new StartError(FORBIDDEN, error) : error;
  }
}

/** Since PostgreSQL 15 only its owner may make tables in the schema public. */
const FORBIDDEN =
  "The user of DATABASE_URL may not make tables: make it the owner of the database, or GRANT CREATE ON SCHEMA public to it.";

function isForbidden(error: unknown): boolean {
  return error instanceof Error && "errno" in error && error.errno === "42501";
}

async function applyMissing(db: Database, sets: readonly MigrationSet[]): Promise<string[]> {
  const migrations = (await Promise.all(sets.map(readSet))).flat();
  return db.transaction(
    async (tx) => {
      await tx`SELECT pg_advisory_xact_lock(${MIGRATION_LOCK})`;
      await makeTable(tx);
      const rows = await tx<{ name: string; checksum: string }>`SELECT name, checksum FROM migrations`;
      const applied = new Map(rows.map((row) => [row.name, row.checksum]));
      refuseUnknown(applied, migrations);
      const fresh = migrations.filter((migration) => isMissing(applied, migration));
      for (const migration of fresh) await apply(tx, migration);
      return fresh.map((migration) => migration.name);
    },
    { pool: "long" },
  );
}

/** Not CREATE IF NOT EXISTS: that wants the right to make tables also where there is nothing to do. */
async function makeTable(tx: Tx): Promise<void> {
  const [table] = await tx<{ exists: boolean }>`SELECT to_regclass('migrations') IS NOT NULL AS exists`;
  if (table?.exists) return;
  await tx`CREATE TABLE migrations (
    name text PRIMARY KEY, checksum text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now())`;
}

/** Names of what migrate would apply. Asks, and changes nothing. */
export async function findMissingMigrations(sql: Sql, sets: readonly MigrationSet[]): Promise<string[]> {
  const migrations = (await Promise.all(sets.map(readSet))).flat();
  const [table] = await sql<{ exists: boolean }>`SELECT to_regclass('migrations') IS NOT NULL AS exists`;
  const rows = table?.exists ? await sql<{ name: string }>`SELECT name FROM migrations` : [];
  const applied = new Set(rows.map((row) => row.name));
  return migrations.map(({ name }) => name).filter((name) => !applied.has(name));
}

async function apply(tx: Tx, migration: Migration): Promise<void> {
  await tx.unsafe(migration.text);
  await tx`INSERT INTO migrations (name, checksum) VALUES (${migration.name}, ${migration.checksum})`;
}

function isMissing(applied: ReadonlyMap<string, string>, migration: Migration): boolean {
  const checksum = applied.get(migration.name);
  if (checksum === undefined) return true;
  if (checksum !== migration.checksum) {
    throw new StartError(
      `Migration ${migration.name} was changed after it was applied: restore the file and add a new one.`,
    );
  }
  return false;
}

/** A database that a newer Stoa has migrated is not ours to write to. */
function refuseUnknown(applied: ReadonlyMap<string, string>, migrations: readonly Migration[]): void {
  const known = new Set(migrations.map((migration) => migration.name));
  const unknown = [...applied.keys()].find((name) => !known.has(name));
  if (unknown === undefined) return;
  throw new StartError(
    `The database has the migration ${unknown}, which this version lacks: run the newer version of Stoa.`,
  );
}

async function readSet({ module, directory }: MigrationSet): Promise<Migration[]> {
  const files = (await readdir(directory)).filter((file) => /^\d{4}_[a-z0-9_]+\.sql$/.test(file)).sort();
  return Promise.all(
    files.map(async (file) => {
      const text = await readFile(join(directory, file), "utf8");
      const checksum = createHash("sha256").update(text).digest("hex");
      return { name: `${module}/${file.slice(0, -4)}`, text, checksum };
    }),
  );
}
