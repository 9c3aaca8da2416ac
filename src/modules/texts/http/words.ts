// Routes of words: those of a paragraph, and the paragraphs in which a word occurs most.
import { z } from "zod";
import type { Database } from "../../../kernel/db/index.ts";
import { integerParameter, type Route, route } from "../../../kernel/http/index.ts";
import { homeProjectId, personOf, projectErrors } from "../../projects/index.ts";
import type { ParagraphActions } from "../actions/paragraphs.ts";
import type { FindTop } from "../actions/top.ts";
import { textErrors as no } from "../errors.ts";
import { paragraphView, toParagraphView } from "../view.ts";
import { author, authorId, PATH, projectId } from "./paragraphs.ts";

export interface WordRouteDeps {
  readonly db: Database;
  readonly actions: ParagraphActions;
  readonly findTop: FindTop;
}

/** Longer than any word that people ask for; the address has its own bound. */
const MAX_WORD_UNITS = 1_000;

const params = z.strictObject({ id: z.uuid().toLowerCase() });
const words = z.strictObject({ items: z.array(z.strictObject({ word: z.string(), count: z.int() })) });
const topQuery = z.strictObject({
  word: z.string().min(1).max(MAX_WORD_UNITS).meta({ description: "One word, in any case." }),
  limit: integerParameter({ min: 1, max: 100, default: 10 }),
  author,
  project_id: projectId,
});
const top = z.strictObject({
  word: z.string().meta({ description: "In the form in which it is counted: NFKC, lower case." }),
  items: z.array(z.strictObject({ paragraph: paragraphView, count: z.int() })),
  total_count: z
    .int()
    .meta({ description: "How often the word occurs in all paragraphs that were asked for." }),
  paragraph_count: z.int().meta({ description: "In how many of them." }),
});

export function wordRoutes({ db, actions, findTop }: WordRouteDeps): Route[] {
  const common = { tag: "paragraphs", access: "user or key", permission: "paragraphs.read" } as const;

  return [
    route(
      {
        ...common,
        method: "GET",
        path: `${PATH}/{id}/words`,
        operationId: "listParagraphWords",
        summary: "Count the words of a paragraph, the most frequent first",
        params,
        responses: { 200: { description: "Each word with its count.", schema: words } },
        errors: [no.PARAGRAPH_NOT_FOUND],
      },
      async ({ actor, params: { id } }) => {
        return { status: 200, body: { items: await actions.countWords(db.sql, id, actor) } };
      },
    ),
    route(
      {
        ...common,
        method: "GET",
        path: `${PATH}/top`,
        operationId: "topParagraphs",
        summary: "Find the paragraphs in which a word occurs most, then the oldest",
        description: "Only analysed paragraphs are counted.",
        query: topQuery,
        responses: { 200: { description: "The paragraphs, and the totals of the word.", schema: top } },
        errors: [projectErrors.PROJECT_NOT_FOUND, no.WORD_MISSING, no.WORD_NOT_SINGLE],
      },
      async ({ actor, query }) => {
        const found = await findTop(db.sql, actor, {
          projectId: query.project_id ?? homeProjectId(actor),
          word: query.word,
          limit: query.limit,
          authorId: authorId(query.author, personOf(actor)),
        });
        const items = found.items.map(({ paragraph, count }) => ({
          paragraph: toParagraphView(paragraph),
          count,
        }));
        const totals = { total_count: found.totalCount, paragraph_count: found.paragraphCount };
        return { status: 200, body: { word: found.word, items, ...totals } };
      },
    ),
  ];
}
