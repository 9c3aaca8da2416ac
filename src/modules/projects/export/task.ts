// The task project.export: all that a project holds, as it was at one moment, streamed into a stored file.
import { z } from "zod";
import type { Audit } from "../../../kernel/audit/index.ts";
import type { Database, Tx } from "../../../kernel/db/index.ts";
import { Refusal } from "../../../kernel/errors/index.ts";
import type { Events } from "../../../kernel/events/index.ts";
import type { Files, StoredFile } from "../../../kernel/files/index.ts";
import { type JobContext, PermanentJobError, type Task } from "../../../kernel/jobs/index.ts";
import { findAccess, findWriteAccess } from "../access.ts";
import { allow } from "../policy.ts";
import { readClock } from "../store/export.ts";
import { formatNames, formats, type RecordPage } from "./formats.ts";
import { createOwnParts } from "./own-parts.ts";
import type { ExportPart, ExportScope } from "./part.ts";

const exportInput = z.strictObject({
  format: z.enum(formatNames).default("zip").meta({
    description: "zip: one file of JSON lines a kind. ndjson: all lines in one, their kind in `type`.",
  }),
});
export type ExportInput = z.infer<typeof exportInput>;

export interface ExportDeps {
  readonly db: Database;
  readonly events: Pick<Events, "history">;
  readonly files: Pick<Files, "create" | "urlOf">;
  readonly audit: Pick<Audit, "record">;
  /** Read when the job runs, since modules join after the task was made. */
  readonly parts: readonly ExportPart[];
  /** Of the file: as long as the job. */
  readonly keepDays: number;
}

const PERMISSION = "project.export";
const TIMEOUT_MS = 6 * 3_600_000;
/** Each keeps a core busy. */
const MAX_RUNNING = 2;
const FORMAT_VERSION = 1;

export function createExportTask(deps: ExportDeps): Task<ExportInput> {
  const { db, events, files, audit, keepDays } = deps;
  const own = createOwnParts(events);

  async function run({ format: name }: ExportInput, context: JobContext) {
    const { projectId, ownerId } = exporterOf(context);
    const sql = db.longSql;
    // The task may wait for long, and be run by a schedule.
    allow(await findAccess(sql, projectId, ownerId), PERMISSION);
    const at = await readClock(sql);
    const { seq } = await events.history(sql, projectId, Number.MAX_SAFE_INTEGER, 1);
    const scope: ExportScope = { projectId, at, seq };
    const counts: Record<string, number> = {};
    const format = formats[name];
    const bytes = format.write(pagesOf([...own.first, ...deps.parts, ...own.last], scope, counts, context));
    const file = {
      projectId,
      ownerId,
      jobId: context.jobId,
      name: `project-${at.toISOString().slice(0, 19).replaceAll(":", "")}.${format.ending}`,
      contentType: format.contentType,
      keepDays,
    };
    const record = (tx: Tx, stored: StoredFile) =>
      audit.record(tx, {
        action: "project.exported",
        projectId,
        actorId: ownerId,
        subject: projectId,
        address: null,
        data: { job_id: context.jobId, file_id: stored.id, format: name, seq },
      });
    const stored = await files.create(file, bytes, async (tx, save) => {
      await context.fence(tx);
      allow(await findWriteAccess(tx, projectId, ownerId), PERMISSION);
      const saved = await save();
      await record(tx, saved);
      return saved;
    });
    const { id, size, sha256 } = stored;
    return { file_id: id, url: files.urlOf(id), size, sha256, seq, exported_at: at.toISOString(), counts };
  }

  async function* pagesOf(
    parts: readonly ExportPart[],
    scope: ExportScope,
    counts: Record<string, number>,
    context: JobContext,
  ): AsyncGenerator<RecordPage> {
    const sql = db.longSql;
    let total = 0;
    const lastKeys = new Map<ExportPart, string | undefined>();
    for (const part of parts) lastKeys.set(part, await part.lastKey?.(sql, scope));
    for (const part of parts) total += await part.count(sql, scope);
    let done = 0;
    const { projectId, at, seq } = scope;
    const head = {
      format_version: FORMAT_VERSION,
      project_id: projectId,
      exported_at: at.toISOString(),
      seq,
    };
    yield { kind: "export", records: [head] };
    for (const part of parts) {
      counts[part.kind] = 0;
      for await (const records of part.pages(sql, scope, lastKeys.get(part))) {
        context.signal.throwIfAborted();
        yield { kind: part.kind, records };
        counts[part.kind] = (counts[part.kind] ?? 0) + records.length;
        done += records.length;
        context.progress(done, Math.max(done, total), part.kind);
      }
    }
    // Whoever does not find it has not got all.
    yield { kind: "end", records: [{ counts }] };
  }

  return {
    name: "project.export",
    input: exportInput,
    priority: "low",
    timeoutMs: TIMEOUT_MS,
    forUsers: {
      description:
        "Writes all that the project holds into a file: collaborators, posts with their versions, collections, paragraphs, events. Its owner's alone.",
      maxRunning: MAX_RUNNING,
      permission: PERMISSION,
    },
    async run(input, context) {
      try {
        return await run(input, context);
      } catch (error) {
        // What is refused once is refused each time; a full disk may be seen to.
        if (error instanceof Refusal && error.status < 500)
          throw new PermanentJobError(error.code, error.detail, { cause: error });
        throw error;
      }
    },
  };
}

function exporterOf({ projectId, createdBy }: JobContext) {
  if (projectId === null || createdBy === null)
    throw new PermanentJobError("NO_PROJECT", "This task belongs to a project and to whoever runs it.");
  return { projectId, ownerId: createdBy };
}
