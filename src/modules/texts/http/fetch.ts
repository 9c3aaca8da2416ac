// The route that fetches a text from an address.
import { z } from "zod";
import type { Database } from "../../../kernel/db/index.ts";
import { type Route, route } from "../../../kernel/http/index.ts";
import { homeProjectId, personOf, projectErrors } from "../../projects/index.ts";
import type { FetchActions } from "../actions/fetch.ts";
import { textErrors as no } from "../errors.ts";
import { paragraphView, toParagraphView } from "../view.ts";
import { PATH, projectId } from "./paragraphs.ts";

export interface FetchRouteDeps {
  readonly db: Database;
  readonly actions: FetchActions;
}

const fetched = z.strictObject({
  paragraphs: z.array(paragraphView).meta({
    description: "In the order of the source; those that came from there before are the same again.",
  }),
  job_id: z
    .uuid()
    .nullable()
    .meta({ description: "The job that counts the words of those that are new; null when none is." }),
});

const DESCRIPTION = `
Plain text, Markdown, HTML (what is worth reading in the page) or a feed (RSS, Atom, JSON Feed: each entry's title and text).
At most 5 MB and 1,000 paragraphs, within 10 seconds, over at most 3 redirects; only servers on the public internet, on ports 80
and 443. Larger ones are for the task text.import.`;

export function fetchRoutes({ db, actions }: FetchRouteDeps): Route[] {
  return [
    route(
      {
        tag: "paragraphs",
        access: "user or key",
        permission: "paragraphs.write",
        method: "POST",
        path: `${PATH}/fetch`,
        operationId: "fetchParagraphs",
        summary: "Fetch a text from an address and store its paragraphs",
        description: DESCRIPTION.trim(),
        body: z.strictObject({
          url: z
            .string()
            .min(1)
            .max(2_000)
            .optional()
            .meta({ description: "Left out, the text source of this server (TEXT_SOURCE_URL)." }),
          project_id: projectId,
        }),
        isIdempotent: true,
        responses: { 201: { description: "Stored, and waiting to be analysed.", schema: fetched } },
        errors: [
          projectErrors.PROJECT_NOT_FOUND,
          projectErrors.PROJECT_FORBIDDEN,
          projectErrors.PROJECT_ARCHIVED,
          no.SOURCE_REFUSED,
          no.SOURCE_UNAVAILABLE,
          no.SOURCE_NOT_READ,
          no.SOURCE_EMPTY,
          no.SOURCE_TOO_LONG,
          no.SOURCE_BUSY,
          no.PARAGRAPH_TOO_LONG,
        ],
      },
      async ({ actor, body, signal, write }) => {
        const of = body.project_id ?? homeProjectId(actor);
        const by = { projectId: of, actorId: personOf(actor), caller: actor };
        // No connection is held while the source is waited for.
        const text = await actions.readText(db.sql, by, body.url, signal);
        return write(async (tx) => {
          const { paragraphs, jobId } = await actions.storeText(tx, by, text);
          return { status: 201, body: { paragraphs: paragraphs.map(toParagraphView), job_id: jobId } };
        });
      },
    ),
  ];
}
