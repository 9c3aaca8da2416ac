// Databases of the job benches, beside that of the measured server.
import { SQL } from "bun";
import { findPostgres } from "../bare/database.ts";

export interface Place {
  readonly url: string;
  readonly socketDir: string;
}

/** Makes it anew on the embedded PostgreSQL of a data directory. */
export async function remakeDatabase(dataDir: string, name: string): Promise<Place> {
  const { socketDir } = await findPostgres(dataDir);
  const admin = new SQL({ url: urlOf("postgres"), path: socketDir, adapter: "postgres", max: 1 });
  await admin.unsafe(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`);
  await admin.unsafe(`CREATE DATABASE ${name}`);
  await admin.close();
  return { url: urlOf(name), socketDir };
}

function urlOf(database: string): string {
  return `postgres://stoa@localhost/${database}`;
}
