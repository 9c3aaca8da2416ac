// What can be done with files: store, look, list, read, delete.
import type { Sql, Tx } from "../../kernel/db/index.ts";
import type { Events } from "../../kernel/events/index.ts";
import {
  type FilePage,
  type Files,
  fileErrors,
  type NewFile,
  type StoredFile,
} from "../../kernel/files/index.ts";
import { allow, type Projects, personOf, type Who } from "../projects/index.ts";
import { fileCreated, fileDeleted } from "./events.ts";
import { allowDeletion } from "./policy.ts";

export interface FileActionDeps {
  readonly events: Pick<Events, "append">;
  readonly files: Files;
  readonly projects: Pick<Projects, "access" | "writeAccess">;
}

export interface SentFile extends Pick<NewFile, "projectId" | "name" | "contentType" | "keepDays"> {
  readonly body: AsyncIterable<Uint8Array>;
}

export type FileActions = ReturnType<typeof createFileActions>;

export function createFileActions({ events, files, projects }: FileActionDeps) {
  async function getFile(sql: Sql, id: string, who: Who): Promise<StoredFile> {
    const file = await files.find(sql, id);
    if (!file) throw fileErrors.FILE_NOT_FOUND();
    allow(await projects.access(sql, file.projectId, who), "files.read", fileErrors.FILE_NOT_FOUND);
    return file;
  }

  return {
    getFile,

    /** Before the body is read: what is sure to be refused need not be sent. */
    async allowUpload(
      sql: Sql,
      who: Who,
      projectId: string,
      declaredBytes: number | undefined,
    ): Promise<void> {
      allow(await projects.access(sql, projectId, who), "files.write");
      await files.checkRoom(sql, projectId, declaredBytes ?? 0);
    },

    /** @param finish runs in the transaction that makes the file known, after all else. */
    storeFile<T>(
      who: Who,
      { body, ...sent }: SentFile,
      finish: (tx: Tx, file: StoredFile) => Promise<T>,
    ): Promise<T> {
      const { projectId, name, contentType, keepDays } = sent;
      const ownerId = personOf(who);
      const file = { projectId, ownerId, name, contentType, keepDays, maxBytes: files.maxBytes };
      return files.create(file, body, async (tx, record) => {
        // Asked again: reading may have taken an hour.
        allow(await projects.writeAccess(tx, projectId, who), "files.write");
        const stored = await record();
        const result = await finish(tx, stored);
        await events.append(tx, fileCreated(stored, ownerId));
        return result;
      });
    },

    async listFiles(sql: Sql, who: Who, page: FilePage): Promise<StoredFile[]> {
      allow(await projects.access(sql, page.projectId, who), "files.read");
      return files.list(sql, page);
    },

    async deleteFile(tx: Tx, id: string, who: Who): Promise<void> {
      const file = await getFile(tx, id, who);
      const access = allow(
        await projects.writeAccess(tx, file.projectId, who),
        "files.delete",
        fileErrors.FILE_NOT_FOUND,
      );
      allowDeletion(file, access, personOf(who));
      if (!(await files.delete(tx, id))) throw fileErrors.FILE_NOT_FOUND();
      await events.append(tx, fileDeleted(file, personOf(who)));
    },
  };
}
