// Routes of files: send, look, list, delete.
import { z } from "zod";
import type { Database } from "../../../kernel/db/index.ts";
import { type Files, fileErrors as no } from "../../../kernel/files/index.ts";
import {
  ANY_TYPE,
  decodeCursor,
  pageQuery,
  pageSchema,
  type Route,
  route,
  toPage,
} from "../../../kernel/http/index.ts";
import { homeProjectId, projectErrors } from "../../projects/index.ts";
import type { FileActions } from "../actions.ts";
import { fileView, toFileView } from "../view.ts";
import { fileName, fileParams, PATH, projectId } from "./parameters.ts";

export interface FileRouteDeps {
  readonly db: Database;
  readonly files: Pick<Files, "urlOf">;
  readonly actions: FileActions;
}

const MAX_KEEP_DAYS = 3650;
const KEEP_SENTENCE = `Must be a whole number from 1 to ${MAX_KEEP_DAYS}.`;
const DEFAULT_NAME = "file";
const DEFAULT_TYPE = "application/octet-stream";
/** A type and subtype with parameters (RFC 9110 section 8.3.1); whatever else was sent is bytes. */
const MEDIA_TYPE =
  /^[\w.+-]{1,64}\/[\w.+-]{1,64}(?:\s*;\s*[\w.+-]{1,64}=(?:[\w.+-]{1,64}|"[\w .+-]{1,64}"))*$/;

const uploadQuery = z.strictObject({
  project_id: projectId,
  name: fileName
    .optional()
    .meta({ description: `Offered to whoever downloads it; default ${DEFAULT_NAME}.` }),
  keep_days: z
    .string()
    .regex(/^\d{1,4}$/, KEEP_SENTENCE)
    .transform(Number)
    .pipe(z.number().min(1, KEEP_SENTENCE).max(MAX_KEEP_DAYS, KEEP_SENTENCE))
    .optional()
    .meta({
      // For the API description, which cannot see through a transformation.
      type: "integer",
      minimum: 1,
      maximum: MAX_KEEP_DAYS,
      description: "Left out, until it is deleted.",
    }),
});

export function fileRoutes({ db, files, actions }: FileRouteDeps): Route[] {
  const common = { tag: "files", access: "user or key" } as const;
  const view = (file: Parameters<typeof toFileView>[0]) => toFileView(file, files.urlOf(file.id));
  const refusals = [projectErrors.PROJECT_FORBIDDEN, projectErrors.PROJECT_ARCHIVED];

  return [
    route(
      {
        ...common,
        permission: "files.write",
        method: "POST",
        path: PATH,
        operationId: "uploadFile",
        summary: "Store a file, streamed",
        description:
          "The body is the file, of any type, at most FILE_MAX_MB. It is there when all of it has come, and else not at all.",
        query: uploadQuery,
        body: { stream: [ANY_TYPE] },
        isIdempotent: true,
        responses: { 201: { description: "The stored file.", schema: fileView } },
        errors: [
          projectErrors.PROJECT_NOT_FOUND,
          ...refusals,
          no.FILE_TOO_LARGE,
          no.FILES_FULL,
          no.DISK_FULL,
        ],
      },
      async ({ actor, query, request, upload }) => {
        const projectId = query.project_id ?? homeProjectId(actor);
        await actions.allowUpload(db.sql, actor, projectId, declaredLength(request));
        const sent = {
          projectId,
          name: query.name ?? DEFAULT_NAME,
          contentType: mediaType(request),
          keepDays: query.keep_days,
        };
        return upload(({ body, finish }) =>
          actions.storeFile(actor, { ...sent, body }, (tx, file) =>
            finish(tx, { status: 201, body: view(file) }),
          ),
        );
      },
    ),
    route(
      {
        ...common,
        permission: "files.read",
        method: "GET",
        path: PATH,
        operationId: "listFiles",
        summary: "List a project's files, newest first",
        query: z.strictObject({ ...pageQuery, project_id: projectId }),
        responses: { 200: { description: "A page of files.", schema: pageSchema(fileView) } },
        errors: [projectErrors.PROJECT_NOT_FOUND],
      },
      async ({ actor, query: { limit, cursor, project_id: given } }) => {
        const [beforeId] = decodeCursor(cursor, z.tuple([z.uuid()])) ?? [];
        const page = { projectId: given ?? homeProjectId(actor), beforeId, limit };
        const rows = await actions.listFiles(db.sql, actor, page);
        return { status: 200, body: toPage(rows, limit, view, ({ id }) => [id]) };
      },
    ),
    route(
      {
        ...common,
        permission: "files.read",
        method: "GET",
        path: `${PATH}/{id}`,
        operationId: "getFile",
        summary: "Read what is known of a file",
        params: fileParams,
        responses: { 200: { description: "The file.", schema: fileView } },
        errors: [no.FILE_NOT_FOUND],
      },
      async ({ actor, params: { id } }) => ({
        status: 200,
        body: view(await actions.getFile(db.sql, id, actor)),
      }),
    ),
    route(
      {
        ...common,
        permission: "files.delete",
        method: "DELETE",
        path: `${PATH}/{id}`,
        operationId: "deleteFile",
        summary: "Delete a file: its sender, or the owner of the project",
        params: fileParams,
        responses: { 204: { description: "It is gone." } },
        errors: [no.FILE_NOT_FOUND, ...refusals],
      },
      ({ actor, params: { id }, write }) =>
        write(async (tx) => {
          await actions.deleteFile(tx, id, actor);
          return { status: 204 };
        }),
    ),
  ];
}

function declaredLength(request: Request): number | undefined {
  const header = request.headers.get("content-length");
  return header !== null && /^\d{1,15}$/.test(header) ? Number(header) : undefined;
}

function mediaType(request: Request): string {
  const type = request.headers.get("content-type")?.trim() ?? "";
  return MEDIA_TYPE.test(type) ? type : DEFAULT_TYPE;
}
