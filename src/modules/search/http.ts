// Routes of search: by a query, by a list of words, and suggestions while typing.
import { z } from "zod";
import type { Database } from "../../kernel/db/index.ts";
import { kernelErrors } from "../../kernel/errors/index.ts";
import { decodeCursor, integerParameter, pageQuery, type Route, route } from "../../kernel/http/index.ts";
import { homeProjectId, personOf, projectErrors } from "../projects/index.ts";
import { PARAGRAPH_SOURCES, paragraphView, toParagraphView } from "../texts/index.ts";
import type { SearchActions } from "./actions.ts";
import { FACETS, type FacetName, type Filter, type Sort } from "./engine.ts";
import { searchErrors as no } from "./errors.ts";
import { cursorSchema, resultView, toMark, toNextCursor, toResultView } from "./view.ts";

export interface SearchRouteDeps {
  readonly db: Database;
  readonly actions: SearchActions;
}

const PATH = "/api/v1/search";
const MAX_QUERY_UNITS = 4_000;
const MAX_WORD_UNITS = 1_000;
/** As many as a query may have. */
const MAX_WORDS = 300;
const MAX_ADDRESS_UNITS = 2_000;
const SOURCES = `Must be ${PARAGRAPH_SOURCES.join(", ")}, or an address that begins with http:// or https://.`;

const projectId = z.uuid().toLowerCase().optional().meta({ description: "Left out, your personal project." });
const time = z
  .union([z.iso.datetime({ offset: true }), z.iso.date()])
  .optional()
  .meta({ description: "A time, or a day in UTC." });

const searchQuery = z.strictObject({
  ...pageQuery,
  q: z.string().min(1).max(MAX_QUERY_UNITS).meta({
    description: 'Words, all of which must occur; `one OR two`, `"a phrase"`, `-not`, `pre*`, parentheses.',
  }),
  project_id: projectId,
  sort: z
    .enum(["relevance", "newest", "count"])
    .default("relevance")
    .meta({ description: "`count`: most occurrences first." }),
  operator: z.enum(["and", "or"]).optional().meta({
    description:
      "Whether all words that stand side by side must occur, or any: `or` is for questions and whole sentences. Left out, `and`; but when no paragraph has all of 5 words or more, those are shown that have some, and the answer says so.",
  }),
  fuzzy: z.enum(["0", "1"]).optional().meta({
    description:
      "1: also words with a letter wrong, two from 8 letters on; left out, when there are no hits.",
  }),
  author: z
    .union([z.literal("me"), z.uuid().toLowerCase()])
    .optional()
    .meta({ description: "`me` or the id of a user; left out, everyone." }),
  post: z.uuid().toLowerCase().optional().meta({ description: "Only paragraphs of this post." }),
  source: z
    .union([
      z.enum(PARAGRAPH_SOURCES),
      z.url({ protocol: /^https?$/, error: SOURCES }).max(MAX_ADDRESS_UNITS),
    ])
    .optional()
    .meta({
      description:
        "How a paragraph came: `direct` (handed in), `import`, `fetch` or `post`; or the address it was fetched from.",
    }),
  lang: z.string().max(10).optional().meta({ description: "ISO 639-1, or `und`." }),
  from: time,
  to: time,
  facets: z
    .string()
    .optional()
    .refine(
      (text) => parseFacets(text) !== undefined,
      `Must be some of ${FACETS.join(", ")}, with commas between.`,
    )
    .meta({ description: `Hits counted by any of ${FACETS.join(", ")}; names with commas between.` }),
});
const wordsBody = z.strictObject({
  words: z.array(z.string().min(1).max(MAX_WORD_UNITS)).min(1).max(MAX_WORDS),
  operator: z
    .enum(["and", "or", "AND", "OR"])
    .default("and")
    .meta({ description: "Whether a paragraph must have all of them, or any." }),
  limit: z.int().min(1).max(100).default(20),
  cursor: pageQuery.cursor,
  project_id: projectId,
});
const found = z.strictObject({
  paragraphs: z.array(paragraphView).meta({ description: "The best first." }),
  total_count: z.int(),
  next_cursor: z.string().nullable(),
});
const suggestQuery = z.strictObject({
  q: z.string().min(1).max(MAX_WORD_UNITS).meta({ description: "What was typed so far." }),
  limit: integerParameter({ min: 1, max: 20, default: 8 }),
  project_id: projectId,
});
const suggestions = z.strictObject({
  items: z.array(
    z.strictObject({
      text: z.string().meta({ description: "What was typed, with its last word made whole." }),
      word: z.string(),
      paragraph_count: z.int().meta({ description: "In how many paragraphs the word occurs, about." }),
    }),
  ),
});

function parseFacets(text: string | undefined): FacetName[] | undefined {
  const names = text === undefined ? [] : text.split(",");
  const known = FACETS.filter((name) => names.includes(name));
  return known.length === names.length ? known : undefined;
}

function toSource(text: string | undefined): Pick<Filter, "source" | "sourceUrl"> {
  const source = PARAGRAPH_SOURCES.find((known) => known === text);
  return source === undefined ? { sourceUrl: text } : { source };
}

function readMark(cursor: string | undefined, sort: Sort): ReturnType<typeof toMark> {
  const decoded = decodeCursor(cursor, cursorSchema);
  const mark = decoded && toMark(decoded, sort);
  if (decoded && !mark) throw kernelErrors.INVALID_CURSOR();
  return mark;
}

/** A day is its first moment; as an end it is included. */
function toMs(text: string | undefined, isEnd: boolean): number | undefined {
  if (text === undefined) return undefined;
  const ms = Date.parse(text);
  return isEnd && !text.includes("T") ? ms + DAY_MS : ms;
}

const DAY_MS = 86_400_000;

const SEARCH_DESCRIPTION = `
Ranked by BM25 as Lucene computes it (k1 1.2, b 0.75, English stop words left out), with the statistics of the project. Words also
match others of their stem, in the language of each paragraph; of a single word its own form comes first, in longer queries the form
means little. For a question or a whole sentence, send it with operator=or: the more of its words and the rarer, the better. Pages
neither skip nor repeat while text arrives.`.trim();
const WORDS_DESCRIPTION = `
Whole words in any case, whatever characters they hold; what falls apart into several must stand side by side. What is found has all
of them (and) or any (or), as they are. It comes in the order of BM25 over the stems of all words, without English stop words: hand
in the words of a question with "or" to have the paragraphs that fit best.`.trim();

export function searchRoutes({ db, actions }: SearchRouteDeps): Route[] {
  const common = { tag: "search", access: "user or key", permission: "paragraphs.read" } as const;
  const errors = [projectErrors.PROJECT_NOT_FOUND, no.QUERY_TOO_LONG];

  return [
    route(
      {
        ...common,
        method: "GET",
        path: PATH,
        operationId: "search",
        summary: "Search paragraphs by a query",
        description: SEARCH_DESCRIPTION,
        query: searchQuery,
        responses: { 200: { description: "A page of hits.", schema: resultView } },
        errors: [...errors, kernelErrors.INVALID_CURSOR],
      },
      async ({ actor, query: { q, operator, sort, limit, cursor, fuzzy, ...query } }) => {
        const mark = readMark(cursor, sort);
        const result = await actions.search(db.sql, actor, {
          projectId: query.project_id ?? homeProjectId(actor),
          text: q,
          sort,
          limit,
          after: mark?.after,
          mode: mark?.mode,
          operator,
          isFuzzy: fuzzy === undefined ? undefined : fuzzy === "1",
          facets: parseFacets(query.facets) ?? [],
          filter: {
            authorId: query.author === "me" ? personOf(actor) : query.author,
            postId: query.post,
            ...toSource(query.source),
            lang: query.lang,
            fromMs: toMs(query.from, false),
            toMs: toMs(query.to, true),
          },
        });
        return { status: 200, body: toResultView(result, sort) };
      },
    ),
    route(
      {
        ...common,
        method: "POST",
        path: PATH,
        operationId: "searchWords",
        summary: "Search paragraphs by a list of words",
        description: WORDS_DESCRIPTION,
        body: wordsBody,
        responses: { 200: { description: "The best paragraphs, and how many there are.", schema: found } },
        errors: [...errors, kernelErrors.INVALID_CURSOR],
      },
      async ({ actor, body: { project_id, words, limit, ...body } }) => {
        const operator = body.operator === "or" || body.operator === "OR" ? "or" : "and";
        const mark = readMark(body.cursor, "relevance");
        const result = await actions.searchWords(db.sql, actor, {
          projectId: project_id ?? homeProjectId(actor),
          words,
          limit,
          operator,
          after: mark?.after,
        });
        return {
          status: 200,
          body: {
            paragraphs: result.hits.map(({ paragraph }) => toParagraphView(paragraph)),
            total_count: result.total,
            next_cursor: toNextCursor("relevance", { operator, isFuzzy: false }, result.next),
          },
        };
      },
    ),
    route(
      {
        ...common,
        method: "GET",
        path: `${PATH}/suggest`,
        operationId: "suggest",
        summary: "Suggest words while one types",
        query: suggestQuery,
        responses: { 200: { description: "The most frequent first.", schema: suggestions } },
        errors: [projectErrors.PROJECT_NOT_FOUND],
      },
      async ({ actor, query }) => {
        const items = await actions.suggest(db.sql, actor, {
          projectId: query.project_id ?? homeProjectId(actor),
          text: query.q,
          limit: query.limit,
        });
        const shown = items.map(({ text, word, paragraphs }) => ({
          text,
          word,
          paragraph_count: paragraphs,
        }));
        return { status: 200, body: { items: shown } };
      },
    ),
  ];
}
