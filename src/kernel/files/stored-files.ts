// The store of files at work: bytes first, then what is known of them, and by the hour what has expired or strayed.
import { fileURLToPath } from "node:url";
import { type Database, isDatabaseAway, type MigrationSet, type Tx } from "../db/index.ts";
import type { Logger } from "../telemetry/index.ts";
import type { ByteStore } from "./byte-store.ts";
import { fileErrors } from "./errors.ts";
import type { Files } from "./files.ts";
import {
  deleteExpired,
  deleteFile,
  deleteOfJob,
  eraseFiles,
  findFile,
  findKnown,
  findTotal,
  insertFile,
  listFiles,
  readStoreId,
} from "./store.ts";

export const fileMigrations: MigrationSet = {
  module: "files",
  directory: fileURLToPath(new URL("./migrations", import.meta.url)),
};

export interface FilesOptions {
  readonly db: Database;
  readonly log: Logger;
  readonly bytes: ByteStore;
  /** Of one file that people send. */
  readonly maxBytes: number;
  /** Of all files of a project together. */
  readonly maxTotalBytes: number;
  /** Where bytes are fetched, without the id. */
  readonly address: string;
  /** One process of a machine does. */
  readonly keepsHouse: boolean;
}

const HOUSEKEEPING_INTERVAL_MS = 3_600_000;
const BATCH = 500;

export interface StoredFiles extends Files {
  /** What the hour does: erases files that have expired, and bytes that no file stands for. */
  keepHouse(nowMs: number): Promise<void>;
}

export function createFiles(options: FilesOptions): StoredFiles {
  const { db, log, bytes: store, maxBytes, maxTotalBytes, address } = options;
  let timer: Timer | undefined;
  let keeping: Promise<void> | undefined;

  /** After the commit: a crash before leaves a stray, which is swept. */
  function free(tx: Tx, ids: readonly string[]): void {
    if (ids.length > 0) tx.afterCommit(() => void removeAll(ids));
  }

  async function removeAll(ids: readonly string[]): Promise<void> {
    for (const id of ids) {
      await store.remove(id).catch((error) => log.warn({ err: error, file_id: id }, "bytes were not erased"));
    }
  }

  async function keepHouse(nowMs: number): Promise<void> {
    for (let count = BATCH; count === BATCH; ) {
      count = await db.transaction(
        async (tx) => {
          const ids = await deleteExpired(tx, BATCH);
          free(tx, ids);
          return ids.length;
        },
        { pool: "long" },
      );
    }
    if (!(await store.belongsTo(await readStoreId(db.longSql)))) {
      log.error(
        {},
        "DATA_DIR/files belongs to another database: nothing in it is erased. Point DATA_DIR elsewhere.",
      );
      return;
    }
    for await (const ids of store.old(nowMs)) {
      const known = await findKnown(db.longSql, ids);
      const strays = ids.filter((id) => !known.has(id));
      if (strays.length > 0) log.info({ count: strays.length }, "bytes without a file were erased");
      await removeAll(strays);
    }
  }

  /** The next hour tries again. */
  function keepHouseQuietly(): void {
    keeping ??= keepHouse(Date.now())
      .catch((error) => log.warn({ err: error }, "housekeeping of the files failed"))
      .finally(() => {
        keeping = undefined;
      });
  }

  return {
    name: "files",
    maxBytes,
    urlOf: (id) => `${address}/${id}/content`,
    find: findFile,
    list: listFiles,
    open: (id, range) => store.read(id, range),
    blob: (id, range) => store.blob(id, range),
    keepHouse,

    async checkRoom(sql, projectId, size) {
      if (size > maxBytes) throw fileErrors.FILE_TOO_LARGE();
      if ((await findTotal(sql, projectId)) + size > maxTotalBytes) throw fileErrors.FILES_FULL();
      await store.checkRoom(size);
    },

    async create(file, bytes, commit) {
      const room = Math.max(0, maxTotalBytes - (await findTotal(db.sql, file.projectId)));
      const isBounded = file.maxBytes !== undefined && file.maxBytes <= room;
      const bounds = {
        maxBytes: Math.min(file.maxBytes ?? room, room),
        tooLarge: isBounded ? fileErrors.FILE_TOO_LARGE : fileErrors.FILES_FULL,
      };
      await store.checkRoom(0);
      const written = await store.write(bytes, bounds);
      try {
        return await db.transaction((tx) =>
          commit(tx, async () => {
            if (file.jobId !== undefined) free(tx, await deleteOfJob(tx, file.jobId));
            const stored = await insertFile(tx, file, written, maxTotalBytes);
            if (!stored) throw fileErrors.FILES_FULL();
            return stored;
          }),
        );
      } catch (error) {
        // When the connection was lost, the commit may have come about all the same: then the hour decides.
        if (!isDatabaseAway(error)) await removeAll([written.id]);
        throw error;
      }
    },

    async delete(tx, id) {
      const ids = await deleteFile(tx, id);
      free(tx, ids);
      return ids.length > 0;
    },

    async erase(tx, projectId, limit) {
      const ids = await eraseFiles(tx, projectId, limit);
      free(tx, ids);
      return ids.length;
    },

    async start() {
      if (timer || !options.keepsHouse) return;
      timer = setInterval(keepHouseQuietly, HOUSEKEEPING_INTERVAL_MS);
      keepHouseQuietly();
    },

    async stop() {
      clearInterval(timer);
      timer = undefined;
      await keeping;
    },
  };
}
