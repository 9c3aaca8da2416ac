// Routes of the dictionary: the most frequent words, and all about one.
import { z } from "zod";
import type { Clock } from "../../kernel/clock/index.ts";
import type { Database } from "../../kernel/db/index.ts";
import { integerParameter, type Route, route } from "../../kernel/http/index.ts";
import { allow, homeProjectId, type Projects, projectErrors } from "../projects/index.ts";
import { type Texts, textErrors } from "../texts/index.ts";
import type { Definitions } from "./definitions.ts";
import type { Asked, FindFrequentWords } from "./frequent-words.ts";
import { definitionFields, toMeaning, toWordView, wordView } from "./view.ts";

export interface DictionaryRouteDeps {
  readonly clock: Clock;
  readonly db: Database;
  readonly projects: Pick<Projects, "access">;
  readonly texts: Pick<Texts, "findTop" | "listDays">;
  readonly definitions: Definitions;
  readonly findFrequentWords: FindFrequentWords;
  /** Of an answer that was given. */
  readonly onAnswer: (asked: Asked) => void;
}

const PATH = "/api/v1/dictionary";
const MAX_WORD_UNITS = 1_000;

const projectId = z.uuid().toLowerCase().optional().meta({ description: "Left out, your personal project." });
const listQuery = z.strictObject({
  limit: integerParameter({ min: 1, max: 1_000, default: 10 }),
  stop_words: z
    .enum(["include", "exclude"])
    .default("include")
    .meta({ description: "Words of English grammar, such as the and of." }),
  project_id: projectId,
});
const list = z.strictObject({
  words: z.array(wordView),
  computed_at: z.iso.datetime().meta({ description: "When the words were counted." }),
  cached: z.boolean().meta({ description: "Whether they had been counted before this request." }),
});
const wordParams = z.strictObject({ word: z.string().min(1).max(MAX_WORD_UNITS) });
const wordQuery = z.strictObject({
  limit: integerParameter({
    min: 0,
    max: 100,
    default: 10,
    description: "How many of the paragraphs with most occurrences, 0 to 100.",
  }),
  project_id: projectId,
});
const word = z.strictObject({
  word: z.string().meta({ description: "In the form in which it is counted: NFKC, lower case." }),
  count: z.int().meta({ description: "How often it occurs in analysed paragraphs." }),
  paragraph_count: z.int().meta({ description: "In how many of them." }),
  ...definitionFields,
  by_day: z
    .array(z.strictObject({ day: z.iso.date(), paragraphs: z.int(), count: z.int() }))
    .meta({ description: "By the day (UTC) on which the paragraphs were handed in, oldest first." }),
  paragraphs: z
    .array(z.strictObject({ id: z.uuid(), content: z.string(), count: z.int() }))
    .meta({ description: "Those in which it occurs most, then the oldest." }),
});

export function dictionaryRoutes(deps: DictionaryRouteDeps): Route[] {
  const { clock, db, projects, texts, definitions, findFrequentWords, onAnswer } = deps;
  const common = {
    tag: "dictionary",
    access: "user or key",
    permission: "paragraphs.read",
    method: "GET",
  } as const;

  return [
    route(
      {
        ...common,
        path: PATH,
        operationId: "listDictionary",
        summary: "Read the most frequent words of a project and what they mean",
        description:
          "From a cache, which is made anew soon after text has been analysed. With If-None-Match and the ETag one has, 304 when the words are still the same.",
        query: listQuery,
        requestHeaders: { "If-None-Match": "An ETag that you have; 304 when the words are still the same." },
        responses: {
          200: {
            description: "Most occurrences first, then by letters.",
            schema: list,
            headers: { ETag: "Of the words and what they mean." },
          },
          304: { description: "They are those that you have." },
        },
        errors: [projectErrors.PROJECT_NOT_FOUND],
      },
      async ({ actor, query, request }) => {
        const asked = {
          projectId: query.project_id ?? homeProjectId(actor),
          limit: query.limit,
          withStopWords: query.stop_words === "include",
        };
        // Before the cache is looked at: what it holds belongs to the project.
        allow(await projects.access(db.sql, asked.projectId, actor), "paragraphs.read");
        const startedMs = clock.now();
        const found = await findFrequentWords(asked);
        onAnswer(asked);
        const headers = { ETag: `W/"${found.digest}"`, "Cache-Control": "private, no-cache" };
        if (isKnown(request, found.digest)) return { status: 304, headers };
        const words = found.words.map(({ count, definition }) => toWordView(count, definition));
        const computedAt = new Date(found.countedAtMs).toISOString();
        const body = { words, computed_at: computedAt, cached: found.countedAtMs < startedMs };
        return { status: 200, headers, body };
      },
    ),
    route(
      {
        ...common,
        path: `${PATH}/{word}`,
        operationId: "getDictionaryWord",
        summary: "Read what a word means and where it occurs",
        params: wordParams,
        query: wordQuery,
        responses: { 200: { description: "The word; with zeros when it does not occur.", schema: word } },
        errors: [projectErrors.PROJECT_NOT_FOUND, textErrors.WORD_MISSING, textErrors.WORD_NOT_SINGLE],
      },
      async ({ actor, params, query }) => {
        const home = query.project_id ?? homeProjectId(actor);
        const top = await texts.findTop(db.sql, actor, {
          projectId: home,
          word: params.word,
          limit: Math.max(1, query.limit),
        });
        const days = await texts.listDays(db.sql, home, top.word);
        const [definition] = await definitions.define([top.word]);
        if (!definition) throw new Error("a word was asked for and none was defined");
        return {
          status: 200,
          body: {
            word: top.word,
            count: top.totalCount,
            paragraph_count: top.paragraphCount,
            ...toMeaning(definition),
            by_day: days.map(({ day, documents, occurrences }) => ({
              day,
              paragraphs: documents,
              count: occurrences,
            })),
            paragraphs: top.items
              .slice(0, query.limit)
              .map(({ paragraph: { id, content }, count }) => ({ id, content, count })),
          },
        };
      },
    ),
  ];
}

/** If-None-Match compares weakly (RFC 9110 section 13.1.2). */
function isKnown(request: Request, digest: string): boolean {
  const header = request.headers.get("If-None-Match")?.trim();
  if (header === undefined) return false;
  return header === "*" || header.split(",").some((tag) => tag.trim().replace(/^W\//, "") === `"${digest}"`);
}
