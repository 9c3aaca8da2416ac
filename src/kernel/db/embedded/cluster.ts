// The database cluster on disk: made aside and renamed when it is whole, so that a half-made one is never used.
import { spawn } from "node:child_process";
import { chown, mkdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { StartError } from "../../errors/index.ts";
import type { Logger } from "../../telemetry/index.ts";
import type { Binaries } from "./binaries.ts";
import { giveTo } from "./data-directory.ts";
import { commandLine, type Launcher, namespacePrefix, spawnOptions } from "./launcher.ts";

export interface ClusterOptions {
  /** The cluster's directory. */
  readonly path: string;
  readonly binaries: Binaries;
  readonly launcher: Launcher;
}

/** Refuses a cluster of another major version. Returns whether there is one. */
export async function checkCluster(path: string, major: string): Promise<boolean> {
  const version = await readFile(`${path}/PG_VERSION`, "utf8").catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return undefined;
    throw error;
  });
  if (version === undefined) return false;
  if (version.trim() !== major) {
    throw new StartError(
      `The database in ${path} was made by PostgreSQL ${version.trim()} and this is PostgreSQL ${major}: start the version of Stoa that made it, dump it and load the dump into a new DATA_DIR.`,
    );
  }
  return true;
}

/** Makes a cluster, not yet forced to the disk: call `syncCluster` beside the first work. */
export async function makeCluster(cluster: ClusterOptions): Promise<void> {
  const { path, launcher } = cluster;
  const aside = `${path}.new`;
  await initialise(cluster, launcher.maker.prefix, aside).catch(async (cause: Error) => {
    const namespace = namespacePrefix();
    // An ordinary id without a name, as containers have, gets one in a namespace of its own.
    if (!/look up effective user/.test(String(cause.cause)) || !namespace) throw cause;
    await initialise(cluster, namespace, aside).catch(() => {
      throw new StartError(
        `PostgreSQL's initdb wants user ${process.getuid?.()} to have a name in /etc/passwd: run Stoa as a user that has one, or set DATABASE_URL.`,
        cause,
      );
    });
  });
  if (launcher.owner !== undefined) await giveTo(launcher.owner, aside);
  await writeFile(unsyncedMark(path), "");
  await rename(aside, path).catch((cause: NodeJS.ErrnoException) => {
    if (cause.code !== "ENOTEMPTY" && cause.code !== "EEXIST" && cause.code !== "ENOTDIR") throw cause;
    throw new StartError(
      `${path} holds something that is not a database: move it away, or set another DATA_DIR.`,
      cause,
    );
  });
}

async function initialise(
  { binaries, launcher }: ClusterOptions,
  prefix: readonly string[],
  path: string,
): Promise<void> {
  await rm(path, { recursive: true, force: true });
  await mkdir(path, { mode: 0o700 });
  if (launcher.maker.id !== undefined) await chown(path, launcher.maker.id, launcher.maker.id);
  await run(prefix, [
    binaries.initdb,
    `--pgdata=${path}`,
    "--username=stoa",
    // Whoever can reach the socket, which lies in a directory of mode 0700, is us.
    "--auth=trust",
    "--encoding=UTF8",
    "--locale=C",
    "--locale-provider=builtin",
    "--builtin-locale=C.UTF-8",
    "--no-sync",
    "--no-instructions",
  ]);
}

/** Hands a cluster that root's namespace made to the id that must run it from now on. */
export async function handOver({ path, launcher }: ClusterOptions): Promise<void> {
  if (launcher.owner === undefined || (await stat(path)).uid === launcher.owner) return;
  await giveTo(launcher.owner, path);
}

/** Forces a new cluster to the disk (0.1 s to seconds), again after a crash in between. */
export async function syncCluster({ path, binaries, launcher }: ClusterOptions, log: Logger): Promise<void> {
  const mark = unsyncedMark(path);
  const isSynced = await stat(mark).then(
    () => false,
    () => true,
  );
  if (isSynced) return;
  try {
    await run(launcher.prefix, [binaries.initdb, "--sync-only", `--pgdata=${path}`]);
    await rm(mark, { force: true });
  } catch (error) {
    log.warn({ err: error }, "the new database could not be forced to the disk; the next start tries again");
  }
}

function unsyncedMark(path: string): string {
  return `${path}.unsynced`;
}

/** Runs a program to its end; its last complaint tells why it failed. */
function run(prefix: readonly string[], command: readonly string[]): Promise<void> {
  const [program, rest] = commandLine(prefix, command);
  const child = spawn(program, rest, { ...spawnOptions, stdio: ["ignore", "ignore", "pipe"] });
  let output = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    output += text;
  });
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code, signal) => {
      if (code === 0) return resolve();
      const why =
        output.match(/^(?:initdb: (?:error: )?|FATAL: +)(.*)/m)?.[1] ?? signal ?? `exit code ${code}`;
      reject(new StartError(`The embedded database could not be made: ${why}.`, new Error(output)));
    });
  });
}
