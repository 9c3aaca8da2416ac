// What of search leaves the server.
import { z } from "zod";
import { encodeCursor } from "../../kernel/http/index.ts";
import { paragraphView, toParagraphView } from "../texts/index.ts";
import type { SearchMode, TextResult } from "./actions.ts";
import { FACETS, type Mark, type Sort } from "./engine.ts";

const facetValues = z.array(z.strictObject({ value: z.string(), count: z.int() }));

export const resultView = z.strictObject({
  items: z.array(
    z.strictObject({
      paragraph: paragraphView,
      score: z.number().meta({ description: "With sort=count how often the words occur in it." }),
      highlights: z
        .array(z.tuple([z.int(), z.int()]))
        .meta({ description: "Start and end of what matched in `content`, in UTF-16 code units." }),
    }),
  ),
  total_count: z.int(),
  total_is_exact: z.boolean().meta({ description: "False: there are at least so many." }),
  next_cursor: z.string().nullable(),
  parsed_as: z.enum(["query", "words"]).meta({
    description: "`words`: it could not be read as a query, so all its words were searched as they are.",
  }),
  notice: z.string().nullable().meta({ description: "Why it could not be read." }),
  is_fuzzy: z.boolean().meta({ description: "Words with a letter wrong were searched as well." }),
  operator: z.enum(["and", "or"]).meta({
    description:
      "`or` though it was not asked for: no paragraph has all of the words, so those are shown that have some.",
  }),
  did_you_mean: z.string().nullable().meta({ description: "When there were no hits: the query put right." }),
  facets: z
    .partialRecord(z.enum(FACETS), facetValues)
    .meta({ description: "Of those that were asked for, the values with most hits." }),
});

export function toResultView(result: TextResult, sort: Sort): z.infer<typeof resultView> {
  return {
    items: result.hits.map(({ paragraph, score, highlights }) => ({
      paragraph: toParagraphView(paragraph),
      score,
      highlights: highlights.map(([start, end]) => [start, end]),
    })),
    total_count: result.total,
    total_is_exact: result.isTotalExact,
    next_cursor: toNextCursor(sort, result.mode, result.next),
    parsed_as: result.problem === undefined ? "query" : "words",
    notice: result.problem ?? null,
    is_fuzzy: result.mode.isFuzzy,
    operator: result.mode.operator,
    did_you_mean: result.correction ?? null,
    facets: Object.fromEntries(
      Object.entries(result.facets).map(([name, values]) => [name, values.map((value) => ({ ...value }))]),
    ),
  };
}

/** Sort, how it was searched, value, id, then the statistics; null after the last page. */
export function toNextCursor(
  sort: Sort,
  { isFuzzy, operator }: SearchMode,
  next: Mark | undefined,
): string | null {
  if (!next) return null;
  const { value, id, statistics } = next;
  return encodeCursor([sort, operator, isFuzzy ? 1 : 0, value, id, ...statistics]);
}

export const cursorSchema = z.tuple(
  [
    z.enum(["relevance", "newest", "count"]),
    z.enum(["and", "or"]),
    z.union([z.literal(0), z.literal(1)]),
    z.number(),
    z.uuid(),
  ],
  z.number().min(0),
);

/** Undefined when the cursor is of another sort. */
export function toMark(
  [sort, operator, isFuzzy, value, id, ...statistics]: z.infer<typeof cursorSchema>,
  wanted: Sort,
): { readonly after: Mark; readonly mode: SearchMode } | undefined {
  if (sort !== wanted) return undefined;
  return { after: { value, id, statistics }, mode: { operator, isFuzzy: isFuzzy === 1 } };
}
