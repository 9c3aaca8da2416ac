// A scratch database for a test file: empty or migrated, gone with the test process.
import { SQL } from "bun";
import { type Database, type MigrationSet, migrate, openDatabase } from "../kernel/db/index.ts";
import { type TestPostgres, testPostgres, testUrl } from "./postgres.ts";

export interface TestDatabase extends Database {
  readonly url: string;
  readonly socketDir: string;
}

let made = 0;

/** Makes a database and applies the migrations. Close it in afterAll. */
export async function openTestDatabase(
  sets: readonly MigrationSet[] = [],
  server?: TestPostgres,
): Promise<TestDatabase> {
  const { socketDir } = server ?? (await testPostgres());
  const name = `t${process.pid}_${++made}`;
  const admin = new SQL({ url: testUrl("postgres"), path: socketDir, adapter: "postgres", max: 1 });
  await admin.unsafe(`CREATE DATABASE ${name}`);
  await admin.close();
  const db = connect(testUrl(name), socketDir);
  await migrate(db, sets);
  return db;
}

/** Connections of another process to the same database. Close them too. */
export function openAgain({ url, socketDir }: TestDatabase): TestDatabase {
  return connect(url, socketDir);
}

function connect(url: string, socketDir: string): TestDatabase {
  return Object.assign(openDatabase({ url, socketDir, poolSize: 4, applicationName: "test" }), {
    url,
    socketDir,
  });
}
