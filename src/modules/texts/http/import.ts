// The route of the import: a file, streamed.
import { z } from "zod";
import type { Database } from "../../../kernel/db/index.ts";
import { kernelErrors } from "../../../kernel/errors/index.ts";
import { type Route, route } from "../../../kernel/http/index.ts";
import { homeProjectId, personOf, projectErrors } from "../../projects/index.ts";
import { type Imported, type ImportFile, MAX_REJECTIONS } from "../actions/import.ts";
import type { ParagraphActions } from "../actions/paragraphs.ts";
import { textErrors as no } from "../errors.ts";
import { IMPORT_TYPES, type ImportType, REJECTIONS } from "../import/index.ts";
import { PATH, projectId } from "./paragraphs.ts";

export interface ImportRouteDeps {
  readonly db: Database;
  readonly actions: Pick<ParagraphActions, "allowWriting">;
  readonly importFile: ImportFile;
}

const CODES = Object.keys(REJECTIONS);
const imported = z.strictObject({
  job_id: z
    .uuid()
    .nullable()
    .meta({ description: "The job that analyses the last of them; null when none was accepted." }),
  accepted: z.int(),
  rejected_count: z.int(),
  rejected: z
    .array(z.strictObject({ line: z.int(), code: z.enum(CODES) }))
    .meta({ description: `The first ${MAX_REJECTIONS}, by the line in which they begin.` }),
});

const DESCRIPTION = `
Stored in batches while it is read, so a file may have any size. Text and Markdown are split on blank lines, hard-wrapped lines
are joined; Markdown keeps the lines of code, lists, tables and quotations. CSV (RFC 4180) has a header with the column
\`content\`; NDJSON has a text, or an object with a text \`content\`, a line. UTF-8, with or without a byte-order mark, any
line ends.

What cannot be a paragraph is rejected and the rest is taken in: ${CODES.map((code) => `\`${code}\``).join(", ")}.
When the upload is cut off, what was stored stays, and a failed job IMPORT_TRUNCATED holds the counts.`;

export function importRoutes({ db, actions, importFile }: ImportRouteDeps): Route[] {
  return [
    route(
      {
        tag: "paragraphs",
        access: "user or key",
        permission: "paragraphs.write",
        method: "POST",
        path: `${PATH}/import`,
        operationId: "importParagraphs",
        summary: "Import a file of paragraphs, streamed",
        description: DESCRIPTION.trim(),
        query: z.strictObject({ project_id: projectId }),
        body: { stream: IMPORT_TYPES },
        isIdempotent: true,
        responses: { 202: { description: "Stored, and waiting to be analysed.", schema: imported } },
        errors: [
          projectErrors.PROJECT_NOT_FOUND,
          projectErrors.PROJECT_FORBIDDEN,
          projectErrors.PROJECT_ARCHIVED,
          no.IMPORT_NOT_UTF8,
          no.IMPORT_NO_CONTENT_COLUMN,
          no.IMPORT_EMPTY,
          no.IMPORT_TRUNCATED,
        ],
      },
      async ({ actor, query, request, upload }) => {
        const projectId = query.project_id ?? homeProjectId(actor);
        const by = { projectId, actorId: personOf(actor), caller: actor };
        const type = typeOf(request.headers.get("content-type") ?? "");
        await actions.allowWriting(db.sql, by);
        return upload((file) => importFile(by, type, file, toReply));
      },
    ),
  ];
}

/** The media type, which the server has checked, unless it names another character set. */
function typeOf(header: string): ImportType {
  const [name = "", ...parameters] = header
    .toLowerCase()
    .split(";")
    .map((part) => part.trim());
  const charset = parameters.find((parameter) => parameter.startsWith("charset="));
  const type = IMPORT_TYPES.find((each) => each === name);
  if (!type || (charset && !/^charset="?(?:utf-8|us-ascii)"?$/.test(charset))) {
    throw kernelErrors.UNSUPPORTED_MEDIA_TYPE({ detail: "Send the file in UTF-8." });
  }
  return type;
}

function toReply({ jobId, accepted, rejectedCount, rejected }: Imported) {
  return { status: 202, body: { job_id: jobId, accepted, rejected_count: rejectedCount, rejected } };
}
