import { afterEach, expect, setDefaultTimeout, test } from "bun:test";
import { spawn } from "node:child_process";
import { chmodSync, chownSync, mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { canForbid, type ForbiddenOptions, spawnForbidden } from "../../../testing/forbidden.ts";
import { processesOn } from "../../../testing/processes.ts";

setDefaultTimeout(60_000);

const directories: string[] = [];
afterEach(() => {
  for (const directory of directories.splice(0)) rmSync(directory, { recursive: true, force: true });
});

/** A directory that only root may enter, or anyone. */
function scratch(mode: 0o700 | 0o755): string {
  const directory = mkdtempSync(join(tmpdir(), "stoa-launcher-"));
  directories.push(directory);
  chmodSync(directory, mode);
  return directory;
}

const PROGRAM = `
  import { startEmbedded } from ${JSON.stringify(join(import.meta.dir, "embedded.ts"))};
  import { openDatabase } from ${JSON.stringify(join(import.meta.dir, "../database.ts"))};
  const launchers = [];
  const log = { debug: (fields) => fields.launcher && launchers.push(fields.launcher), info() {}, warn() {}, error() {} };
  try {
    const { url, socketDir, stop } = await startEmbedded({ dataDir: process.argv[1], log });
    const db = openDatabase({ url, socketDir, poolSize: 1, applicationName: "test" });
    await db.sql\`CREATE TABLE IF NOT EXISTS facts (n int)\`;
    await db.sql\`INSERT INTO facts VALUES (1)\`;
    const [row] = await db.sql\`SELECT count(*)::int AS count FROM facts\`;
    await db.close();
    await stop();
    console.log(launchers.join(), row.count);
  } catch (error) {
    console.log(error.name, error.message);
  }`;

/** What the program says about starting the database in a directory, adding a row and stopping it. */
async function run(dataDir: string, how: "as we are" | ForbiddenOptions): Promise<string> {
  const command = [process.execPath, "--no-env-file", "-e", PROGRAM, dataDir];
  const child =
    how === "as we are"
      ? spawn(command[0] ?? "", command.slice(1), { stdio: ["ignore", "pipe", "pipe"] })
      : spawnForbidden(command, how);
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding("utf8").on("data", (text: string) => {
      output += text;
    });
  }
  await new Promise((resolve) => child.once("close", resolve));
  return output.trim();
}

test.skipIf(!canForbid)(
  "[DB-23] root uses a namespace, and an id without privileges where they are forbidden",
  async () => {
    const dataDir = join(scratch(0o755), "data");
    expect(await run(dataDir, "as we are")).toBe("user namespace 1");
    expect(statSync(join(dataDir, "postgres")).uid).toBe(0);
    // The same data under the other way, which it keeps from then on.
    expect(await run(dataDir, {})).toBe("setpriv 2");
    expect(statSync(join(dataDir, "postgres")).uid).toBe(61_100);
    expect(await run(dataDir, "as we are")).toBe("setpriv 3");
    expect(processesOn(dataDir)).toEqual([]);
  },
);

test.skipIf(!canForbid)("[DB-23] also below a directory that only root may enter", async () => {
  expect(await run(join(scratch(0o700), "data"), "as we are")).toBe("user namespace 1");
  expect(await run(join(scratch(0o700), "data"), {})).toBe("setpriv with dac_override 1");
});

test.skipIf(!canForbid)("[DB-23] with neither a sentence says what to do", async () => {
  expect(await run(join(scratch(0o755), "data"), { keepsId: true })).toBe(
    "StartError PostgreSQL refuses to run as root, and this process may neither make a user namespace nor take another user id: run Stoa as an ordinary user that owns DATA_DIR, or set DATABASE_URL.",
  );
});

test.skipIf(!canForbid)(
  "[DB-23] an ordinary user runs it directly, and is told whose database it is not",
  async () => {
    const directory = scratch(0o755);
    chownSync(directory, 65_534, 65_534);
    expect(await run(join(directory, "data"), { userId: 65_534 })).toBe("direct 1");
    expect(await run(join(directory, "data"), "as we are")).toBe("setpriv 2");
    chmodSync(join(directory, "data"), 0o777);
    rmSync(join(directory, "data/lock"));
    expect(await run(join(directory, "data"), { userId: 1 })).toBe(
      `StartError The database in ${directory}/data belongs to user 65534 and this is user 1: run Stoa as that user, or set another DATA_DIR.`,
    );
  },
);

test.skipIf(!canForbid)("[DB-17] a directory of another's is named", async () => {
  const dataDir = join(scratch(0o755), "data");
  expect(await run(dataDir, { userId: 65_534 })).toBe(
    `StartError The data directory ${dataDir} is not writable for this user: change that, or set another DATA_DIR.`,
  );
});

test.skipIf(!canForbid)("[DB-23] an id without a name is told that initdb wants one", async () => {
  const directory = scratch(0o755);
  chownSync(directory, 60_777, 60_777);
  expect(await run(join(directory, "data"), { userId: 60_777 })).toBe(
    "StartError PostgreSQL's initdb wants user 60777 to have a name in /etc/passwd: run Stoa as a user that has one, or set DATABASE_URL.",
  );
});
