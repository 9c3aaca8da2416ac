// The bare loop's database: a second one on the same PostgreSQL that the measured server runs on.
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { SQL } from "bun";

export interface BareDatabase {
  readonly sql: SQL;
  readonly socketDir: string;
  readonly url: string;
  readonly postmasterPid: number;
  readonly version: string;
}

const NAME = "stoa_bench_bare";

/** Makes the database anew on the embedded PostgreSQL of a data directory. */
export async function openBareDatabase(dataDir: string): Promise<BareDatabase> {
  const { socketDir, postmasterPid } = await findPostgres(dataDir);
  const admin = new SQL({ url: urlOf("postgres"), path: socketDir, adapter: "postgres", max: 1 });
  await admin.unsafe(`DROP DATABASE IF EXISTS ${NAME} WITH (FORCE)`);
  await admin.unsafe(`CREATE DATABASE ${NAME}`);
  const [row] = await admin`SHOW server_version`;
  await admin.close();
  const sql = new SQL({ url: urlOf(NAME), path: socketDir, adapter: "postgres", max: 2 });
  await sql.unsafe(await Bun.file(join(import.meta.dir, "schema.sql")).text());
  return { sql, socketDir, url: urlOf(NAME), postmasterPid, version: String(row.server_version) };
}

/** PostgreSQL writes its id into the first line of postmaster.pid, and the directory of its socket into the fifth. */
export async function findPostgres(dataDir: string): Promise<{ socketDir: string; postmasterPid: number }> {
  const folders = ["", ...(await readdir(dataDir))];
  for (const folder of folders) {
    const text = await readFile(join(dataDir, folder, "postmaster.pid"), "utf8").catch(() => undefined);
    const lines = text?.split("\n") ?? [];
    if (lines[4]) return { socketDir: lines[4], postmasterPid: Number(lines[0]) };
  }
  throw new Error(`no running PostgreSQL in ${dataDir}`);
}

function urlOf(database: string): string {
  return `postgres://stoa@localhost/${database}`;
}
