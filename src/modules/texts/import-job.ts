// Importing as a job: a stream of bytes becomes paragraphs in fenced batches, and a run after a crash goes on behind the last.
import { createHash, type Hash } from "node:crypto";
import type { Database, Tx } from "../../kernel/db/index.ts";
import { Refusal } from "../../kernel/errors/index.ts";
import { type JobContext, PermanentJobError } from "../../kernel/jobs/index.ts";
import { Batch, MAX_REJECTIONS, type Rejection } from "./actions/import.ts";
import type { ParagraphActions } from "./actions/paragraphs.ts";
import { textErrors } from "./errors.ts";
import { type ImportType, type Piece, readPieces } from "./import/index.ts";
import { findPosition, type ImportKey, type ImportPosition, savePosition } from "./import-store.ts";

export interface ImportStreamDeps {
  readonly db: Database;
  readonly paragraphs: Pick<ParagraphActions, "allowWriting" | "storeBatch">;
}

export interface ImportedStream {
  /** From the beginning, also in a run after a crash. */
  readonly bytes: AsyncIterable<Uint8Array>;
  readonly type: ImportType;
  /** Null when it is not known before the end. */
  readonly totalBytes: number | null;
}

/** The result of the job. */
export interface ImportResult {
  readonly accepted: number;
  readonly rejected_count: number;
  /** The first 100, by the line in which they begin. */
  readonly rejected: readonly Rejection[];
  /** Null when no paragraph was accepted. */
  readonly analysis_job_id: string | null;
}

/** Throws PermanentJobError for what the file itself is wrong in, and for whoever may not write any more. */
export type ImportStream = (stream: ImportedStream, context: JobContext) => Promise<ImportResult>;

export function createImportStream({ db, paragraphs }: ImportStreamDeps): ImportStream {
  async function run(stream: ImportedStream, context: JobContext): Promise<ImportResult> {
    const by = authorOf(context);
    const key: ImportKey = { projectId: by.projectId, jobId: context.jobId };
    await paragraphs.allowWriting(db.longSql, by);
    const progress = new ImportProgress(await findPosition(db.longSql, key));
    const batch = new Batch();
    let readBytes = 0;

    async function* counted(): AsyncGenerator<Uint8Array> {
      for await (const chunk of stream.bytes) {
        context.signal.throwIfAborted();
        readBytes += chunk.length;
        yield chunk;
      }
    }

    async function store(tx: Tx): Promise<ImportPosition> {
      await context.fence(tx);
      const { jobId } = await paragraphs.storeBatch(tx, by, batch.contents, { source: "import" });
      const position = progress.after(batch.contents.length, jobId);
      await savePosition(tx, key, position);
      return position;
    }

    /** No connection is held while the next bytes are waited for. */
    async function flush(): Promise<void> {
      progress.confirm(await db.transaction(store, { pool: "long" }));
      batch.clear();
      const total = stream.totalBytes === null ? null : Math.max(stream.totalBytes, readBytes);
      context.progress(readBytes, total, `${progress.accepted} paragraphs`);
    }

    for await (const pieces of readPieces(counted(), stream.type, refusals)) {
      for (const piece of pieces) {
        if (!progress.take(piece)) continue;
        if (piece.kind === "paragraph") batch.add(piece.line, piece.content);
        if (batch.isFull) await flush();
      }
    }
    if (batch.contents.length > 0) await flush();
    return progress.result();
  }

  return async (stream, context) => {
    try {
      return await run(stream, context);
    } catch (error) {
      // What is refused once is refused each time.
      if (error instanceof Refusal && error.status < 500)
        throw new PermanentJobError(error.code, error.detail, { cause: error });
      throw error;
    }
  };
}

/** Whoever runs the job is the author, and what he may is asked with each batch. */
function authorOf({ projectId, createdBy }: JobContext) {
  if (projectId === null || createdBy === null)
    throw new PermanentJobError("NO_PROJECT", "This task belongs to a project and to whoever runs it.");
  return { projectId, actorId: createdBy, caller: createdBy };
}

const refusals = {
  notUtf8: () => textErrors.IMPORT_NOT_UTF8(),
  noContentColumn: () => textErrors.IMPORT_NO_CONTENT_COLUMN(),
};

/** Counts the pieces of a file, and lets those go by that an earlier run has done with. */
class ImportProgress {
  readonly #before: ImportPosition | undefined;
  readonly #hash: Hash = createHash("sha256");
  #pieces = 0;
  #accepted: number;
  #rejectedCount: number;
  #rejected: Rejection[];
  #analysisJobId: string | null;

  constructor(before: ImportPosition | undefined) {
    this.#before = before;
    this.#accepted = before?.accepted ?? 0;
    this.#rejectedCount = before?.rejectedCount ?? 0;
    this.#rejected = [...(before?.rejected ?? [])];
    this.#analysisJobId = before?.analysisJobId ?? null;
  }

  get accepted(): number {
    return this.#accepted;
  }

  /** Whether it is a piece that is still to be done. */
  take(piece: Piece): boolean {
    this.#pieces++;
    this.#hash.update(`${piece.line} ${piece.kind === "paragraph" ? piece.content : piece.code}\n`);
    const done = this.#before?.pieces ?? 0;
    if (this.#pieces === done) this.#compare();
    if (this.#pieces <= done) return false;
    if (piece.kind === "rejected") this.#reject({ line: piece.line, code: piece.code });
    return true;
  }

  /** Where it stands when the pieces that were taken are stored. */
  after(paragraphs: number, analysisJobId: string): ImportPosition {
    return {
      pieces: this.#pieces,
      digest: this.#hash.copy().digest(),
      accepted: this.#accepted + paragraphs,
      rejectedCount: this.#rejectedCount,
      rejected: this.#rejected,
      analysisJobId,
    };
  }

  /** Not before the commit, which may fail. */
  confirm({ accepted, analysisJobId }: ImportPosition): void {
    this.#accepted = accepted;
    this.#analysisJobId = analysisJobId;
  }

  result(): ImportResult {
    if (this.#pieces < (this.#before?.pieces ?? 0)) throw changed();
    if (this.#pieces === 0) throw textErrors.IMPORT_EMPTY();
    return {
      accepted: this.#accepted,
      rejected_count: this.#rejectedCount,
      rejected: this.#rejected,
      analysis_job_id: this.#analysisJobId,
    };
  }

  #compare(): void {
    if (!this.#before || this.#hash.copy().digest().equals(this.#before.digest)) return;
    throw changed();
  }

  #reject(rejection: Rejection): void {
    this.#rejectedCount++;
    if (this.#rejected.length < MAX_REJECTIONS) this.#rejected.push(rejection);
  }
}

function changed(): PermanentJobError {
  return new PermanentJobError(
    "IMPORT_SOURCE_CHANGED",
    "The file is another than when this import began, a part of which is stored. Import it anew.",
  );
}
