// The task text.import: a file from one of several places, named by one field of the input each.
import { z } from "zod";
import { type JobContext, PermanentJobError, type Task } from "../../kernel/jobs/index.ts";
import { IMPORT_TYPES, type ImportType } from "./import/index.ts";
import type { ImportStream } from "./import-job.ts";

/** A place that files come from. */
export interface ImportSource {
  /** Of the input's field that names the file there. */
  readonly schema: z.ZodType<string>;
  /** Says in the task's description where the file comes from. */
  readonly description: string;
  /** Throws PermanentJobError when trying again cannot help. */
  open(name: string, context: JobContext): Promise<OpenedSource>;
}

export interface OpenedSource {
  readonly bytes: AsyncIterable<Uint8Array>;
  /** Lets the source go; called at the end however it comes, also when nothing was read. */
  close(): Promise<void>;
  /** Media type that the place gives, with or without parameters. */
  readonly contentType: string | null;
  /** A file's name or an address's path, whose ending may tell the format. */
  readonly name: string | null;
  readonly totalBytes: number | null;
}

const IMPORT_FORMATS = ["text", "markdown", "csv", "ndjson"] as const;
export type ImportFormat = (typeof IMPORT_FORMATS)[number];

const TYPE_OF_FORMAT: Readonly<Record<ImportFormat, ImportType>> = {
  text: "text/plain",
  markdown: "text/markdown",
  csv: "text/csv",
  ndjson: "application/x-ndjson",
};
const FORMAT_OF_ENDING: Readonly<Record<string, ImportFormat>> = {
  txt: "text",
  text: "text",
  md: "markdown",
  markdown: "markdown",
  csv: "csv",
  ndjson: "ndjson",
  jsonl: "ndjson",
};
/** A large file takes minutes; the job can be cut off and goes on where it was. */
const TIMEOUT_MS = 6 * 3_600_000;

type ImportTaskInput = Readonly<Record<string, string | undefined>> & { readonly format?: ImportFormat };

/** @param sources by the field of the input that names a file of theirs. */
export function createTextImportTask(
  importStream: ImportStream,
  sources: Readonly<Record<string, ImportSource>>,
): Task<ImportTaskInput> {
  const names = Object.keys(sources);
  const fields = Object.fromEntries(
    Object.entries(sources).map(([name, { schema }]) => [name, schema.optional()]),
  );
  const input = z
    .strictObject({
      ...fields,
      format: z
        .enum(IMPORT_FORMATS)
        .optional()
        .meta({ description: "Left out, told by the file's type, else by the ending of its name." }),
    })
    .refine((given: Record<string, unknown>) => names.filter((name) => name in given).length === 1, {
      message: `Give ${names.length === 1 ? names[0] : `one of ${names.join(", ")}`}.`,
    });
  const places = Object.values(sources).map(({ description }) => description);
  return {
    name: "text.import",
    // The fields are those of the sources, which the type cannot name.
    input: input as unknown as z.ZodType<ImportTaskInput>,
    timeoutMs: TIMEOUT_MS,
    forUsers: {
      description: `Imports the paragraphs of a file ${places.join(" or ")}, as POST /paragraphs/import does: text, Markdown, CSV or NDJSON.`,
    },
    async run(given, context) {
      for (const [field, source] of Object.entries(sources)) {
        const name = given[field];
        if (name === undefined) continue;
        const opened = await source.open(name, context);
        try {
          return await importStream({ ...opened, type: typeOf(given.format, opened) }, context);
        } finally {
          await opened.close();
        }
      }
      throw new Error("an input of text.import names no source");
    },
  };
}

/** What is asked for goes first, then what the place says, then the ending. */
function typeOf(
  format: ImportFormat | undefined,
  { contentType, name }: Pick<OpenedSource, "contentType" | "name">,
): ImportType {
  if (format) return TYPE_OF_FORMAT[format];
  const media = contentType?.split(";", 1)[0]?.trim().toLowerCase();
  const ending = FORMAT_OF_ENDING[name?.toLowerCase().match(/\.(\w+)$/)?.[1] ?? ""];
  // Many places call anything text/plain.
  if (media === "text/plain" && ending) return TYPE_OF_FORMAT[ending];
  const known = IMPORT_TYPES.find((type) => type === media);
  if (known) return known;
  if (ending) return TYPE_OF_FORMAT[ending];
  throw new PermanentJobError(
    "IMPORT_FORMAT_UNKNOWN",
    `The file does not tell what it is. Name its format: ${IMPORT_FORMATS.join(", ")}.`,
  );
}
