// Taking in a file of any size: stored in batches while it is read, each batch with its event and its job.
import type { Database, Tx } from "../../../kernel/db/index.ts";
import type { Reply, Upload } from "../../../kernel/http/index.ts";
import type { Jobs } from "../../../kernel/jobs/index.ts";
import { textErrors } from "../errors.ts";
import { IDS_PER_EVENT, type ParagraphsFrom } from "../events.ts";
import { type ImportType, type RejectionCode, readPieces } from "../import/index.ts";
import { importTask } from "../jobs.ts";
import type { ParagraphActions } from "./paragraphs.ts";

export interface ImportDeps {
  readonly db: Database;
  readonly jobs: Pick<Jobs, "recordFailure">;
  readonly paragraphs: Pick<ParagraphActions, "storeBatch">;
}

export interface Imported {
  /** Null when no paragraph was accepted. */
  readonly jobId: string | null;
  readonly accepted: number;
  readonly rejectedCount: number;
  /** The first of them. */
  readonly rejected: readonly Rejection[];
}

export interface Rejection {
  readonly line: number;
  readonly code: RejectionCode;
}

/** One event lists so many ids, so that each batch is one event. */
const BATCH_PARAGRAPHS = IDS_PER_EVENT;
/** UTF-16 units; a batch of long paragraphs ends sooner. */
const BATCH_UNITS = 1_000_000;
/** The answer names no more of them, however many there are. */
export const MAX_REJECTIONS = 100;

export type ImportFile = (
  by: ParagraphsFrom,
  type: ImportType,
  upload: Upload,
  toReply: (imported: Imported) => Reply,
) => Promise<Reply>;

export function createImport({ db, jobs, paragraphs }: ImportDeps): ImportFile {
  return async (by, type, { body, finish }, toReply) => {
    const batch = new Batch();
    const counts = new Counts();

    async function store(tx: Tx): Promise<void> {
      const { jobId } = await paragraphs.storeBatch(tx, by, batch.contents, {
        source: "import",
        isPart: true,
      });
      // Counted when it is certain: a failed commit must not leave them in the record of a cut-off upload.
      tx.afterCommit(() => counts.accept(batch, jobId));
    }

    for await (const pieces of untilCut(body, (bytes) => readPieces(bytes, type, refusals), recordCut)) {
      for (const piece of pieces) {
        if (piece.kind === "rejected") counts.reject(piece);
        else batch.add(piece.line, piece.content);
        // No connection is held while the next bytes are waited for.
        if (batch.isFull) await db.single(store);
      }
    }
    if (batch.contents.length === 0 && counts.isEmpty) throw textErrors.IMPORT_EMPTY();
    return db.transaction(async (tx) => {
      const last =
        batch.contents.length > 0
          ? await paragraphs.storeBatch(tx, by, batch.contents, { source: "import" })
          : undefined;
      return finish(tx, toReply(counts.result(batch.contents.length, last?.jobId)));
    });

    async function recordCut(): Promise<never> {
      const { accepted, rejectedCount, lastLine } = counts;
      const result = { accepted, rejected_count: rejectedCount, last_line: lastLine };
      const input = { project_id: by.projectId, ...result };
      const failure = {
        code: "IMPORT_TRUNCATED",
        message: `The upload was cut off: ${accepted} paragraphs are stored, the last of them begins in line ${lastLine}, and ${rejectedCount} were rejected. Send the rest of the file again.`,
        result,
      };
      const options = { projectId: by.projectId, createdBy: by.actorId };
      await db.single((tx) => jobs.recordFailure(tx, importTask, input, failure, options));
      throw textErrors.IMPORT_TRUNCATED();
    }
  };
}

const refusals = {
  notUtf8: () => textErrors.IMPORT_NOT_UTF8(),
  noContentColumn: () => textErrors.IMPORT_NO_CONTENT_COLUMN(),
};

/** What `read` makes of the body; `onCut` is called when the body fails, and not when the reading does. */
async function* untilCut<T>(
  body: AsyncIterable<Uint8Array>,
  read: (bytes: AsyncIterable<Uint8Array>) => AsyncIterable<T>,
  onCut: () => Promise<never>,
): AsyncGenerator<T> {
  let cut: { readonly error: unknown } | undefined;
  async function* watched(): AsyncGenerator<Uint8Array> {
    try {
      yield* body;
    } catch (error) {
      cut = { error };
      throw error;
    }
  }
  try {
    yield* read(watched());
  } catch (error) {
    if (cut?.error === error) await onCut();
    throw error;
  }
}

export class Batch {
  contents: string[] = [];
  lastLine = 0;
  #units = 0;

  get isFull(): boolean {
    return this.contents.length >= BATCH_PARAGRAPHS || this.#units >= BATCH_UNITS;
  }

  add(line: number, content: string): void {
    this.contents.push(content);
    this.lastLine = line;
    this.#units += content.length;
  }

  clear(): void {
    this.contents = [];
    this.#units = 0;
  }
}

class Counts {
  accepted = 0;
  rejectedCount = 0;
  lastLine = 0;
  #jobId: string | null = null;
  readonly #rejected: Rejection[] = [];

  get isEmpty(): boolean {
    return this.accepted === 0 && this.rejectedCount === 0;
  }

  accept(batch: Batch, jobId: string): void {
    this.accepted += batch.contents.length;
    this.lastLine = batch.lastLine;
    this.#jobId = jobId;
    batch.clear();
  }

  reject({ line, code }: Rejection): void {
    this.rejectedCount++;
    if (this.#rejected.length < MAX_REJECTIONS) this.#rejected.push({ line, code });
  }

  /** @param jobId of the last batch, which is being stored with this answer. */
  result(lastBatch: number, jobId: string | undefined): Imported {
    return {
      jobId: jobId ?? this.#jobId,
      accepted: this.accepted + lastBatch,
      rejectedCount: this.rejectedCount,
      rejected: this.#rejected,
    };
  }
}
