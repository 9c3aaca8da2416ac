// Stored files as a place that imports come from.
import { z } from "zod";
import type { Database } from "../../kernel/db/index.ts";
import { type Files, fileErrors } from "../../kernel/files/index.ts";
import { PermanentJobError } from "../../kernel/jobs/index.ts";
import type { ImportSource } from "./import-task.ts";

export interface FileSourceDeps {
  readonly db: Database;
  readonly files: Pick<Files, "find" | "open">;
}

export function createFileSource({ db, files }: FileSourceDeps): ImportSource {
  return {
    schema: z
      .uuid()
      .toLowerCase()
      .meta({ description: "A file of the same project, as POST /files has stored it." }),
    description: "that is stored in the project",
    async open(id, { projectId }) {
      const file = await files.find(db.longSql, id);
      if (!file || file.projectId !== projectId)
        throw new PermanentJobError("FILE_NOT_FOUND", fileErrors.FILE_NOT_FOUND.detail);
      const bytes = await files.open(id);
      return {
        bytes,
        // It holds nothing between two reads.
        async close() {},
        contentType: file.contentType,
        name: file.name,
        totalBytes: file.size,
      };
    },
  };
}
