// The embedded PostgreSQL of another process of ours, for what may be done beside it.
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { SQL } from "bun";

const URL = "postgres://stoa@localhost/postgres";
const CONNECT_TIMEOUT_S = 5;

/** How to reach the PostgreSQL that runs on `<dataDir>/postgres`; undefined when none answers there. */
export async function findRunningEmbedded(
  dataDir: string,
): Promise<{ readonly url: string; readonly socketDir: string } | undefined> {
  const file = await readFile(join(dataDir, "postgres/postmaster.pid"), "utf8").catch(() => "");
  // The fifth line is the directory of its socket.
  const socketDir = file.split("\n")[4]?.trim();
  if (!socketDir) return undefined;
  const sql = new SQL({
    url: URL,
    path: socketDir,
    adapter: "postgres",
    max: 1,
    connectionTimeout: CONNECT_TIMEOUT_S,
  });
  try {
    await sql`SELECT 1`;
    return { url: URL, socketDir };
  } catch {
    return undefined;
  } finally {
    await sql.close({ timeout: 0 });
  }
}
