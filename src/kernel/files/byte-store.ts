// Bytes in the data directory: complete under their id or not there at all, whatever crashes.
import { createHash } from "node:crypto";
import {
  type FileHandle,
  mkdir,
  open,
  opendir,
  readFile,
  rename,
  rm,
  stat,
  statfs,
  writeFile,
} from "node:fs/promises";
import { join } from "node:path";
import { isId, newId } from "../ids/index.ts";
import { fileErrors } from "./errors.ts";
import type { ByteRange } from "./files.ts";

export interface Written {
  readonly id: string;
  readonly size: number;
  readonly sha256: Uint8Array;
}

/** What a bucket would offer as well. */
export interface ByteStore {
  /** @param maxBytes beyond it `tooLarge` is thrown. */
  write(
    bytes: AsyncIterable<Uint8Array>,
    bounds: { readonly maxBytes: number; readonly tooLarge: () => Error },
  ): Promise<Written>;
  /** Throws DISK_FULL when so many bytes more would leave too little. */
  checkRoom(bytes: number): Promise<void>;
  read(id: string, range: ByteRange | undefined): Promise<ReadableStream<Uint8Array>>;
  blob(id: string, range: ByteRange | undefined): Promise<Blob>;
  /** No mistake when there is none. */
  remove(id: string): Promise<void>;
  /**
   * Whether the bytes are those of this database, which the first that asks makes them: another's would all seem to be strays.
   */
  belongsTo(databaseId: string): Promise<boolean>;
  /** Ids of bytes that are older than an hour, page by page, and removes what writers that died have left. */
  old(nowMs: number): AsyncGenerator<readonly string[]>;
}

export interface ByteStoreOptions {
  readonly directory: string;
  /** Left free for the database, which may be on the same disk. Default 256 MiB. */
  readonly reserveBytes?: number;
}

const RESERVE_BYTES = 268_435_456;
/** How often a writer looks whether the reserve is still free. */
const LOOK_EVERY_BYTES = 33_554_432;
const READ_BYTES = 262_144;
/** A writer's transaction is over long before, and a writer that has written nothing for so long is dead. */
const STRAY_AGE_MS = 3_600_000;
const PAGE = 500;
const FULL = new Set(["ENOSPC", "EDQUOT"]);

export function createByteStore({ directory, reserveBytes = RESERVE_BYTES }: ByteStoreOptions): ByteStore {
  const unfinished = join(directory, "unfinished");
  /** 256 folders by the last two digits, which are chance: a folder of a million entries is slow. */
  const folderOf = (id: string) => join(directory, id.slice(-2));
  const pathOf = (id: string) => join(folderOf(id), id);

  async function checkRoom(bytes: number): Promise<void> {
    await makeDirectory(directory);
    const { bavail, bsize } = await statfs(directory);
    if (bavail * bsize - bytes < reserveBytes) throw fileErrors.DISK_FULL();
  }

  /** The name lasts only when its folder is on the disk, too. */
  async function publish(path: string): Promise<string> {
    const id = newId();
    await makeDirectory(folderOf(id));
    await rename(path, pathOf(id));
    await syncDirectory(folderOf(id));
    await syncDirectory(directory);
    return id;
  }

  async function find(id: string, given: ByteRange | undefined) {
    // Only ids of ours are ever names here.
    if (!isId(id)) throw fileErrors.FILE_NOT_FOUND();
    const path = pathOf(id);
    const { size } = await stat(path).catch((error: unknown) => {
      throw unavailable(error);
    });
    return { path, start: given?.start ?? 0, end: Math.min(given?.end ?? size, size) };
  }

  return {
    checkRoom,

    async write(bytes, { maxBytes, tooLarge }) {
      const path = join(unfinished, newId());
      const hash = createHash("sha256");
      let size = 0;
      let handle: FileHandle | undefined;
      try {
        await makeDirectory(unfinished);
        handle = await open(path, "wx", 0o600);
        for await (const chunk of bytes) {
          size += chunk.length;
          if (size > maxBytes) throw tooLarge();
          if (Math.floor(size / LOOK_EVERY_BYTES) > Math.floor((size - chunk.length) / LOOK_EVERY_BYTES))
            await checkRoom(0);
          hash.update(chunk);
          await writeAll(handle, chunk);
        }
        await handle.sync();
        await handle.close();
        handle = undefined;
        return { id: await publish(path), size, sha256: hash.digest() };
      } catch (error) {
        await handle?.close().catch(() => {});
        await rm(path, { force: true });
        throw FULL.has(codeOf(error)) ? fileErrors.DISK_FULL({ cause: error }) : error;
      }
    },

    async blob(id, given) {
      const { path, start, end } = await find(id, given);
      return Bun.file(path).slice(start, end);
    },

    async read(id, given) {
      const { path, start, end } = await find(id, given);
      let at = start;
      return new ReadableStream<Uint8Array>(
        {
          async pull(controller) {
            if (at >= end) return controller.close();
            const chunk = await readChunk(path, at, Math.min(READ_BYTES, end - at)).catch(
              (error: unknown) => {
                throw unavailable(error);
              },
            );
            if (chunk.length === 0) throw unavailable(new Error("the file is shorter than it was"));
            at += chunk.length;
            controller.enqueue(chunk);
          },
        },
        // Nothing is read ahead of the reader.
        { highWaterMark: 0 },
      );
    },

    async belongsTo(databaseId) {
      await makeDirectory(directory);
      const path = join(directory, "database");
      await writeFile(path, databaseId, { flag: "wx", mode: 0o600 }).catch((error: unknown) => {
        if (codeOf(error) !== "EEXIST") throw error;
      });
      return (await readFile(path, "utf8")) === databaseId;
    },

    async remove(id) {
      if (isId(id)) await rm(pathOf(id), { force: true });
    },

    async *old(nowMs) {
      for await (const name of namesIn(unfinished)) {
        const path = join(unfinished, name);
        const { mtimeMs } = await stat(path).catch(() => ({ mtimeMs: nowMs }));
        if (nowMs - mtimeMs > STRAY_AGE_MS) await rm(path, { force: true });
      }
      let page: string[] = [];
      for await (const folder of namesIn(directory)) {
        if (!/^[0-9a-f]{2}$/.test(folder)) continue;
        for await (const id of namesIn(join(directory, folder))) {
          if (!isId(id) || nowMs - createdMsOf(id) < STRAY_AGE_MS) continue;
          page.push(id);
          if (page.length < PAGE) continue;
          yield page;
          page = [];
        }
      }
      if (page.length > 0) yield page;
    },
  };
}

function unavailable(cause: unknown) {
  return fileErrors.FILE_UNAVAILABLE({ cause });
}

/** For this user alone: files are somebody's data. */
async function makeDirectory(path: string): Promise<void> {
  await mkdir(path, { recursive: true, mode: 0o700 });
}

async function syncDirectory(path: string): Promise<void> {
  const handle = await open(path, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** The system may take less than it is given. */
async function writeAll(handle: FileHandle, chunk: Uint8Array): Promise<void> {
  for (let from = 0; from < chunk.length; ) {
    const { bytesWritten } = await handle.write(chunk, from);
    from += bytesWritten;
  }
}

/** Opened for each chunk: a reader who falls asleep, or leaves without a word, holds nothing. */
async function readChunk(path: string, at: number, length: number): Promise<Uint8Array> {
  const handle = await open(path, "r");
  try {
    const buffer = new Uint8Array(length);
    const { bytesRead } = await handle.read(buffer, 0, length, at);
    return buffer.subarray(0, bytesRead);
  } finally {
    await handle.close();
  }
}

async function* namesIn(path: string): AsyncGenerator<string> {
  try {
    for await (const entry of await opendir(path)) yield entry.name;
  } catch (error) {
    if (codeOf(error) !== "ENOENT") throw error;
  }
}

function codeOf(error: unknown): string {
  return error instanceof Error && "code" in error ? String(error.code) : "";
}

/** A UUIDv7 begins with its Unix milliseconds (RFC 9562 section 5.7). */
function createdMsOf(id: string): number {
  return Number.parseInt(id.slice(0, 8) + id.slice(9, 13), 16);
}
