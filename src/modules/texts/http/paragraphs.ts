// Routes of paragraphs: hand in, list, read, delete.
import { z } from "zod";
import type { Database } from "../../../kernel/db/index.ts";
import {
  decodeCursor,
  pageQuery,
  pageSchema,
  type Route,
  route,
  toPage,
} from "../../../kernel/http/index.ts";
import { homeProjectId, personOf, projectErrors } from "../../projects/index.ts";
import type { ParagraphActions } from "../actions/paragraphs.ts";
import { textErrors as no } from "../errors.ts";
import { MAX_CONTENT_UNITS } from "../model.ts";
import { paragraphStatus, paragraphView, toParagraphView } from "../view.ts";

export interface ParagraphRouteDeps {
  readonly db: Database;
  readonly actions: ParagraphActions;
}

export const PATH = "/api/v1/paragraphs";
const MAX_PARAGRAPHS = 1_000;

export const projectId = z
  .uuid()
  .toLowerCase()
  .optional()
  .meta({ description: "Left out, your personal project." });
export const author = z
  .union([z.literal("me"), z.uuid().toLowerCase()])
  .optional()
  .meta({ description: "`me` or the id of a user; left out, everyone." });

const params = z.strictObject({ id: z.uuid().toLowerCase() });
const content = z
  .string()
  .min(1)
  .max(MAX_CONTENT_UNITS)
  .regex(/\S/, "Must hold more than white space.")
  .meta({ description: "Its length counts in UTF-16 code units." });
const newParagraphs = z.strictObject({
  paragraphs: z.array(content).min(1).max(MAX_PARAGRAPHS),
  lang: z
    .string()
    .regex(/^[a-z]{2}$/, "Must be a code of ISO 639-1, such as en.")
    .optional()
    .meta({ description: "Language of all of them as in ISO 639-1; left out, it is recognised." }),
  project_id: projectId,
});
const accepted = z.strictObject({
  paragraphs: z
    .array(z.strictObject({ id: z.uuid(), status: z.literal("pending") }))
    .meta({ description: "In the order in which they were sent." }),
  job_id: z.uuid().meta({ description: "The job that counts their words: GET /jobs/{id}." }),
});
const listQuery = z.strictObject({
  ...pageQuery,
  project_id: projectId,
  author,
  status: paragraphStatus.optional(),
});

export function authorId(author: string | undefined, userId: string): string | undefined {
  return author === "me" ? userId : author;
}

/** More at once take a commit of their own, so that nobody waits for them. */
const MAX_GROUPED = 10;

export function paragraphRoutes({ db, actions }: ParagraphRouteDeps): Route[] {
  const common = { tag: "paragraphs", access: "user or key" } as const;

  return [
    route(
      {
        ...common,
        method: "POST",
        path: PATH,
        operationId: "createParagraphs",
        permission: "paragraphs.write",
        summary: "Hand in paragraphs; their words are counted in the background",
        description: "All are stored or none. Announced as paragraphs.created, at most 400 ids an event.",
        body: newParagraphs,
        isIdempotent: true,
        responses: { 202: { description: "Stored, and waiting to be analysed.", schema: accepted } },
        errors: [
          projectErrors.PROJECT_NOT_FOUND,
          projectErrors.PROJECT_FORBIDDEN,
          projectErrors.PROJECT_ARCHIVED,
        ],
      },
      async ({ actor, body, write }) => {
        const projectId = body.project_id ?? homeProjectId(actor);
        const by = { projectId, actorId: personOf(actor), caller: actor };
        const isShort = body.paragraphs.length <= MAX_GROUPED;
        return write(
          async (tx) => {
            const { ids, jobId } = await actions.storeBatch(tx, by, body.paragraphs, { lang: body.lang });
            const paragraphs = ids.map((id) => ({ id, status: "pending" as const }));
            return { status: 202, body: { paragraphs, job_id: jobId } };
          },
          { single: true, groupedBy: isShort ? by.projectId : undefined },
        );
      },
    ),
    route(
      {
        ...common,
        method: "GET",
        path: PATH,
        operationId: "listParagraphs",
        permission: "paragraphs.read",
        summary: "List a project's paragraphs, newest first",
        query: listQuery,
        responses: { 200: { description: "A page of paragraphs.", schema: pageSchema(paragraphView) } },
        errors: [projectErrors.PROJECT_NOT_FOUND],
      },
      async ({ actor, query: { limit, cursor, status, ...query } }) => {
        const [beforeId] = decodeCursor(cursor, z.tuple([z.uuid()])) ?? [];
        const rows = await actions.listParagraphs(db.sql, actor, {
          projectId: query.project_id ?? homeProjectId(actor),
          authorId: authorId(query.author, personOf(actor)),
          status,
          beforeId,
          limit,
        });
        return { status: 200, body: toPage(rows, limit, toParagraphView, (paragraph) => [paragraph.id]) };
      },
    ),
    route(
      {
        ...common,
        method: "GET",
        path: `${PATH}/{id}`,
        operationId: "getParagraph",
        permission: "paragraphs.read",
        summary: "Read a paragraph",
        params,
        responses: { 200: { description: "The paragraph.", schema: paragraphView } },
        errors: [no.PARAGRAPH_NOT_FOUND],
      },
      async ({ actor, params: { id } }) => {
        return { status: 200, body: toParagraphView(await actions.getParagraph(db.sql, id, actor)) };
      },
    ),
    route(
      {
        ...common,
        method: "DELETE",
        path: `${PATH}/{id}`,
        operationId: "deleteParagraph",
        permission: "paragraphs.delete",
        summary: "Delete a paragraph; its words no longer count",
        params,
        responses: { 204: { description: "It is gone." } },
        errors: [
          no.PARAGRAPH_NOT_FOUND,
          no.PARAGRAPH_OF_POST,
          projectErrors.PROJECT_FORBIDDEN,
          projectErrors.PROJECT_ARCHIVED,
        ],
      },
      ({ actor, params: { id }, write }) =>
        write(async (tx) => {
          await actions.deleteParagraph(tx, id, actor);
          return { status: 204 };
        }),
    ),
  ];
}
