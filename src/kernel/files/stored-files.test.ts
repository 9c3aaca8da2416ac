import { afterAll, beforeAll, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { mkdtemp, readdir, rm, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { bestOf } from "../../testing/best-of.ts";
import { openTestDatabase, type TestDatabase } from "../../testing/database.ts";
import { canForbid } from "../../testing/forbidden.ts";
import { until } from "../../testing/until.ts";
import { migrate } from "../db/index.ts";
import { newId } from "../ids/index.ts";
import { silentLogger } from "../telemetry/index.ts";
import { createByteStore, createFiles, fileMigrations, type NewFile, type StoredFile } from "./index.ts";

let db: TestDatabase;
let directory: string;
beforeAll(async () => {
  db = await openTestDatabase();
  await migrate(db, [fileMigrations]);
  directory = await mkdtemp(join(tmpdir(), "stoa-files-"));
});
afterAll(async () => {
  await db.close();
  await rm(directory, { recursive: true, force: true });
});

function open(options: { maxTotalBytes?: number; reserveBytes?: number; path?: string } = {}) {
  const { maxTotalBytes = 1_000_000, reserveBytes = 0, path = directory } = options;
  return createFiles({
    db,
    log: silentLogger,
    bytes: createByteStore({ directory: path, reserveBytes }),
    maxBytes: 500_000,
    maxTotalBytes,
    address: "http://stoa.test/files",
    keepsHouse: false,
  });
}

const of = (projectId: string, more: Partial<NewFile> = {}): NewFile => ({
  projectId,
  ownerId: newId(),
  name: "a",
  contentType: "text/plain",
  ...more,
});

async function* parts(...texts: readonly (string | Error)[]): AsyncGenerator<Uint8Array> {
  for (const text of texts) {
    if (text instanceof Error) throw text;
    yield new TextEncoder().encode(text);
  }
}

/** All bytes that lie in the directory, whatever they are called. */
async function bytesIn(path = directory): Promise<string[]> {
  const entries = await readdir(path, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile() && entry.name !== "database")
    .map(({ name }) => name)
    .sort();
}

async function readAll(stream: ReadableStream<Uint8Array>): Promise<string> {
  return new Response(stream).text();
}

function create(
  files: ReturnType<typeof open>,
  file: NewFile,
  ...texts: readonly (string | Error)[]
): Promise<StoredFile> {
  return files.create(file, parts(...texts), (_tx, record) => record());
}

const codeOf = (promise: Promise<unknown>) =>
  promise.then(
    () => "no error",
    (error) => error.code ?? error.message,
  );

test("[FIL-1] a file has the bytes that were sent, their number and their SHA-256", async () => {
  const files = open();
  const projectId = newId();
  const stored = await create(files, of(projectId, { name: "ein Löwe.txt" }), "one ", "", "two");
  const sha256 = createHash("sha256").update("one two").digest("hex");
  expect(stored).toMatchObject({ projectId, name: "ein Löwe.txt", size: 7, sha256, expiresAt: null });
  expect(await files.find(db.sql, stored.id)).toEqual(stored);
  expect(await readAll(await files.open(stored.id))).toBe("one two");
  const empty = await create(files, of(projectId));
  expect([empty.size, await readAll(await files.open(empty.id))]).toEqual([0, ""]);
});

test("[FIL-1] while it is being recorded its bytes are there, under the name they keep", async () => {
  const files = open();
  const text = await files.create(of(newId()), parts("whole"), async (_tx, record) => {
    const { id } = await record();
    return readAll(await files.open(id));
  });
  expect(text).toBe("whole");
});

test("[FIL-2] an upload that is cut, refused or not committed leaves nothing", async () => {
  const files = open();
  const projectId = newId();
  const before = await bytesIn();
  expect(await codeOf(create(files, of(projectId), "half", new Error("cut")))).toBe("cut");
  expect(await codeOf(create(files, of(projectId, { maxBytes: 7 }), "four", "four"))).toBe("FILE_TOO_LARGE");
  const refused = files.create(of(projectId), parts("text"), async (_tx, record) => {
    await record();
    throw new Error("refused");
  });
  expect(await codeOf(refused)).toBe("refused");
  expect(await bytesIn()).toEqual(before);
  expect(await files.list(db.sql, { projectId, beforeId: undefined, limit: 9 })).toEqual([]);
  await files.checkRoom(db.sql, projectId, 500_000);
});

test("[FIL-3] what crashes have left is erased when it is an hour old, and no file's bytes", async () => {
  const path = await mkdtemp(join(tmpdir(), "stoa-strays-"));
  const files = open({ path });
  const kept = await create(files, of(newId()), "kept");
  const lost = await create(files, of(newId()), "lost");
  await db.sql`DELETE FROM files WHERE id = ${lost.id}`;
  const [unfinished, underWay] = [newId(), newId()];
  for (const name of [unfinished, underWay]) await writeFile(join(path, "unfinished", name), "half");
  await files.keepHouse(Date.now());
  expect(await bytesIn(path)).toEqual([kept.id, lost.id, unfinished, underWay].sort());
  // Its last byte came long ago.
  await utimes(join(path, "unfinished", unfinished), 0, 0);
  await files.keepHouse(Date.now());
  expect(await bytesIn(path)).toEqual([kept.id, lost.id, underWay].sort());
  await files.keepHouse(Date.now() + 3_700_000);
  expect(await bytesIn(path)).toEqual([kept.id]);
  await rm(path, { recursive: true });
});

test("[FIL-3] beside another database nothing is erased", async () => {
  const path = await mkdtemp(join(tmpdir(), "stoa-strays-"));
  const files = open({ path });
  const lost = await create(files, of(newId()), "lost");
  await files.keepHouse(Date.now());
  await db.sql`DELETE FROM files WHERE id = ${lost.id}`;
  const [own] = await db.sql<{ id: string }>`SELECT id FROM file_store`;
  await db.sql`UPDATE file_store SET id = ${newId()}`;
  await files.keepHouse(Date.now() + 3_700_000);
  expect(await bytesIn(path)).toContain(lost.id);
  await db.sql`UPDATE file_store SET id = ${own?.id}`;
  await files.keepHouse(Date.now() + 3_700_000);
  expect(await bytesIn(path)).not.toContain(lost.id);
  await rm(path, { recursive: true });
});

test("[FIL-4] bytes are taken no faster than they are written, and read no faster than they are taken", async () => {
  const files = open({ maxTotalBytes: Number.MAX_SAFE_INTEGER });
  const chunk = new Uint8Array(65_536).fill(97);
  async function* large() {
    for (let index = 0; index < 3_200; index++) yield chunk;
  }
  const mostBytes = await bestOf(120_000_000, async () => {
    Bun.gc(true);
    const before = process.memoryUsage().rss;
    const { id, size } = await files.create(of(newId()), large(), (_tx, record) => record());
    let [read, most] = [0, 0];
    for await (const part of await files.open(id)) {
      read += part.length;
      most = Math.max(most, process.memoryUsage().rss - before);
    }
    expect([size, read]).toEqual([209_715_200, 209_715_200]);
    await db.transaction((tx) => files.delete(tx, id));
    return most;
  });
  expect(mostBytes).toBeLessThan(120_000_000);
});

test("[FIL-4] while bytes are awaited no connection is held", async () => {
  const files = open();
  const [open1, gate] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  async function* slow() {
    yield new Uint8Array(10);
    open1.resolve();
    await gate.promise;
  }
  const creating = files.create(of(newId()), slow(), (_tx, record) => record());
  await open1.promise;
  const [row] = await db.sql<{ count: number }>`
    SELECT count(*)::int AS count FROM pg_stat_activity
    WHERE datname = current_database() AND state LIKE 'idle in transaction%'`;
  gate.resolve();
  await creating;
  expect(row?.count).toBe(0);
});

test("[FIL-5] of files that are sent at once no more are stored than there is room for, to the byte", async () => {
  const files = open({ maxTotalBytes: 1_000 });
  const projectId = newId();
  const text = "x".repeat(300);
  const gate = Promise.withResolvers<void>();
  async function* together() {
    yield* parts(text);
    await gate.promise;
  }
  const sending = Array.from({ length: 8 }, () =>
    codeOf(files.create(of(projectId), together(), (_tx, record) => record())),
  );
  gate.resolve();
  const outcomes = await Promise.all(sending);
  expect(outcomes.sort()).toEqual([...Array(5).fill("FILES_FULL"), ...Array(3).fill("no error")]);
  expect(await codeOf(create(files, of(projectId), "x".repeat(101)))).toBe("FILES_FULL");
  const last = await create(files, of(projectId), "x".repeat(100));
  expect(await codeOf(files.checkRoom(db.sql, projectId, 1))).toBe("FILES_FULL");
  await db.transaction((tx) => files.delete(tx, last.id));
  expect((await create(files, of(projectId), "x".repeat(100))).size).toBe(100);
  expect(await codeOf(files.checkRoom(db.sql, newId(), 500_001))).toBe("FILE_TOO_LARGE");
});

test("[FIL-6] where too little room would be left a file is refused, before and while it comes", async () => {
  const path = await mkdtemp(join(tmpdir(), "stoa-full-"));
  const files = open({ path, reserveBytes: Number.MAX_SAFE_INTEGER });
  expect(await codeOf(files.checkRoom(db.sql, newId(), 1))).toBe("DISK_FULL");
  expect(await codeOf(create(files, of(newId()), "text"))).toBe("DISK_FULL");
  expect(await bytesIn(path)).toEqual([]);
  await rm(path, { recursive: true });
});

test.skipIf(!canForbid)("[FIL-6] a disk that is full is a refusal, and what was written goes", async () => {
  const path = await mkdtemp(join(tmpdir(), "stoa-small-"));
  const script = fileURLToPath(new URL("./testing/full-disk.ts", import.meta.url));
  const inside = `mount -t tmpfs -o size=1m tmpfs "$1" && exec "$2" --no-env-file "$3" "$1"`;
  const command = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", inside, "sh"];
  const child = Bun.spawn([...command, path, process.execPath, script], { stdout: "pipe" });
  const printed: unknown = JSON.parse(await new Response(child.stdout).text());
  expect(printed).toEqual({ refused: "DISK_FULL 507 ENOSPC", left: "unfinished", size: 500_000 });
  await rm(path, { recursive: true });
});

test("[FIL-7] what is no id of ours is not looked for on the disk", async () => {
  const files = open();
  await writeFile(join(directory, "secret"), "secret");
  for (const id of ["../secret", "secret", "..%2fsecret", `${newId()}/../../secret`, "", "\0"])
    expect(await codeOf(files.open(id))).toBe("FILE_NOT_FOUND");
  const stored = await create(files, of(newId(), { name: "../../secret" }), "text");
  expect(await bytesIn()).toContain(stored.id);
  await rm(join(directory, "secret"));
});

test("[FIL-8] a file whose time is over is not there, and is erased by the hour", async () => {
  const files = open();
  const projectId = newId();
  const stored = await create(files, of(projectId, { keepDays: 2 }), "text");
  const leftMs = (stored.expiresAt?.getTime() ?? 0) - stored.createdAt.getTime();
  expect(Math.round(leftMs / 86_400_000)).toBe(2);
  await files.keepHouse(Date.now());
  expect(await files.find(db.sql, stored.id)).toEqual(stored);
  await db.sql`UPDATE files SET expires_at = now() WHERE id = ${stored.id}`;
  expect(await files.find(db.sql, stored.id)).toBeUndefined();
  expect(await files.list(db.sql, { projectId, beforeId: undefined, limit: 9 })).toEqual([]);
  await files.keepHouse(Date.now());
  await until("the bytes to go", async () => !(await bytesIn()).includes(stored.id));
  const [row] = await db.sql<{
    bytes: string;
  }>`SELECT bytes FROM file_totals WHERE project_id = ${projectId}`;
  expect(Number(row?.bytes)).toBe(0);
});

test("[FIL-9] bytes go with the commit of a deletion, and stay without one", async () => {
  const files = open();
  const { id, projectId } = await create(files, of(newId()), "text");
  const undone = db.transaction(async (tx) => {
    expect(await files.delete(tx, id)).toBe(true);
    throw new Error("undone");
  });
  expect(await codeOf(undone)).toBe("undone");
  expect(await readAll(await files.open(id))).toBe("text");
  await create(files, of(projectId), "more");
  const other = await create(files, of(newId()), "another project's");
  const erase = () => db.transaction((tx) => files.erase(tx, projectId, 1));
  expect([await erase(), await erase(), await erase()]).toEqual([1, 1, 0]);
  await until("the bytes to go", async () => !(await bytesIn()).includes(id));
  expect(await codeOf(files.open(id))).toBe("FILE_UNAVAILABLE");
  expect(await readAll(await files.open(other.id))).toBe("another project's");
  expect(await db.transaction((tx) => files.delete(tx, newId()))).toBe(false);
});

test("[FIL-9] who reads a file that is deleted meanwhile is told so, and never given less for all", async () => {
  const files = open();
  const { id } = await create(files, of(newId()), "x".repeat(400_000));
  const reader = (await files.open(id)).getReader();
  expect((await reader.read()).value?.length).toBe(262_144);
  await db.transaction((tx) => files.delete(tx, id));
  await until("the bytes to go", async () => !(await bytesIn()).includes(id));
  expect(await codeOf(reader.read())).toBe("FILE_UNAVAILABLE");
});

test("[FIL-10] a job's later file takes the place of the one before", async () => {
  const files = open();
  const [projectId, jobId] = [newId(), newId()];
  const first = await create(files, of(projectId, { jobId }), "first");
  const second = await create(files, of(projectId, { jobId }), "second");
  const listed = await files.list(db.sql, { projectId, beforeId: undefined, limit: 9 });
  expect(listed).toEqual([second]);
  await until("the bytes to go", async () => !(await bytesIn()).includes(first.id));
});

test("[FIL-11] a range is read to the byte, across chunks too, and whoever leaves holds nothing open", async () => {
  const files = open();
  const text = Array.from({ length: 60_000 }, (_, index) => String(index % 10).padStart(8, "x")).join("");
  const { id } = await create(files, of(newId()), text.slice(0, 300_000), text.slice(300_000));
  for (const [start, end] of [
    [0, 1],
    [299_999, 300_001],
    [262_143, 262_145],
    [479_999, 480_000],
    [5, 400_000],
  ] as const) {
    expect(await readAll(await files.open(id, { start, end }))).toBe(text.slice(start, end));
    expect(await (await files.blob(id, { start, end })).text()).toBe(text.slice(start, end));
  }
  const opened = async () => (await readdir("/proc/self/fd")).length;
  const before = await opened();
  const readers = await Promise.all(
    Array.from({ length: 20 }, async () => (await files.open(id)).getReader()),
  );
  for (const reader of readers) await reader.read();
  expect(await opened()).toBeLessThan(before + 20);
});
