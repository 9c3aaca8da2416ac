// Results that are too large to be kept with their job become a stored file, and the result says where it is.
import { Refusal } from "../errors/index.ts";
import type { Files } from "../files/index.ts";
import { type JobContext, PermanentJobError, type Task } from "./job.ts";
import { MAX_RESULT_BYTES } from "./result.ts";

/** In place of the result. */
export interface ResultInFile {
  readonly file_id: string;
  readonly url: string;
  /** Bytes of the JSON. */
  readonly size: number;
}

export interface LargeResultsOptions {
  readonly files: Pick<Files, "create" | "urlOf" | "maxBytes">;
  /** As long as the job itself. */
  readonly keepDays: number;
}

const CHUNK_BYTES = 1_048_576;

/** The task with such results; those of the server's own jobs, which belong to nobody, stay as they are. */
export function withLargeResults<Input>(task: Task<Input>, options: LargeResultsOptions): Task<Input> {
  return {
    ...task,
    async run(input, context) {
      const result = await task.run(input, context);
      const { projectId, createdBy } = context;
      if (projectId === null || createdBy === null || !mayBeLarge(result)) return result;
      const json = toJson(result);
      const isLarge = json !== undefined && Buffer.byteLength(json) > MAX_RESULT_BYTES;
      // What is too large for a file, too, is refused with the result itself.
      if (!isLarge || Buffer.byteLength(json) > options.files.maxBytes) return result;
      return keep(Buffer.from(json), { ...context, projectId, createdBy }, task.name, options);
    },
  };
}

async function keep(
  json: Buffer,
  context: JobContext & { readonly projectId: string; readonly createdBy: string },
  taskName: string,
  { files, keepDays }: LargeResultsOptions,
): Promise<ResultInFile> {
  const { jobId, projectId, createdBy } = context;
  const file = {
    projectId,
    ownerId: createdBy,
    jobId,
    name: `${taskName}.json`,
    contentType: "application/json",
    keepDays,
  };
  try {
    const { id, size } = await files.create(file, inChunks(json), async (tx, record) => {
      await context.fence(tx);
      return record();
    });
    return { file_id: id, url: files.urlOf(id), size };
  } catch (error) {
    // Running the job again makes no room.
    if (error instanceof Refusal && error.status < 500)
      throw new PermanentJobError(error.code, error.detail, { cause: error });
    throw error;
  }
}

async function* inChunks(bytes: Buffer): AsyncGenerator<Uint8Array> {
  for (let from = 0; from < bytes.length; from += CHUNK_BYTES) yield bytes.subarray(from, from + CHUNK_BYTES);
}

/** Most tasks give a small object or nothing, and need not be written out twice for it. */
function mayBeLarge(result: unknown): boolean {
  if (typeof result === "string") return result.length > MAX_RESULT_BYTES / 6;
  return typeof result === "object" && result !== null && !isSmall(result, { values: 100 });
}

/** Counts values until there are too many; any text of some length is too many. */
function isSmall(value: unknown, left: { values: number }): boolean {
  if (--left.values < 0) return false;
  if (typeof value === "string") return value.length < 1_000;
  if (typeof value !== "object" || value === null) return true;
  if ("toJSON" in value) return false;
  return Object.entries(value).every(([name, each]) => name.length < 1_000 && isSmall(each, left));
}

/** Undefined for what is no JSON, which is refused with the result. */
function toJson(result: unknown): string | undefined {
  try {
    return JSON.stringify(result);
  } catch {
    return undefined;
  }
}
