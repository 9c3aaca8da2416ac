// What every search engine must do, as tests: its answers at random moments are those of reading all texts.
import { expect } from "bun:test";
import type { Sql } from "../../../kernel/db/index.ts";
import type { Chance } from "../../../testing/chance.ts";
import type { FacetName, Hit, Mark, SearchEngine, SearchRequest, SearchResult } from "../engine.ts";
import type { Corpus } from "./corpus.ts";

const ALMOST = 1e-6;

export interface Tested {
  readonly engine: SearchEngine;
  /** Up to so many hits it counts them all. */
  readonly exactTotal: number;
}

/** Asks a random query of the engine, page by page, and holds the answer against reading all texts. */
export async function expectSearchRight(
  { engine, exactTotal }: Tested,
  sql: Sql,
  corpus: Corpus,
  chance: Chance,
): Promise<void> {
  const text = corpus.queryText();
  const way = corpus.pick(["and", "and", "or", "all", "any"] as const);
  const query = corpus.parse(text, way);
  if (!query) return;
  const { projectId } = corpus;
  const filter = chance.oneIn(3)
    ? {
        authorId: chance.oneIn(2) ? corpus.pick(corpus.authors) : undefined,
        postId: chance.oneIn(3) ? corpus.pick(corpus.posts) : undefined,
        source: chance.oneIn(3) ? corpus.pick(["direct", "import", "fetch", "post"] as const) : undefined,
        lang: chance.oneIn(3) ? corpus.pick(["en", "de", "und"]) : undefined,
      }
    : {};
  const sort = corpus.pick(["relevance", "relevance", "newest", "count"] as const);
  // With facets all hits are looked at, whatever the page.
  const facets: readonly FacetName[] = chance.oneIn(3) ? ["lang"] : [];
  const request = { projectId, query, filter, sort, facets, isFuzzy: chance.oneIn(3) } as const;
  const right = await corpus.byHand(request);
  const found = await readAll(engine, sql, request, 1 + chance.below(12));
  const scores = new Map(right.map(({ id, score }) => [id, score]));
  const told = { text, way, sort, filter, isFuzzy: request.isFuzzy };
  const isCounted = found.isTotalExact || right.length <= exactTotal;
  expect({ ...told, total: found.total, ids: idsOf(found.hits) }).toEqual({
    ...told,
    total: isCounted ? right.length : Math.min(Math.max(found.total, exactTotal), right.length),
    ids: right.map(({ id }) => id).sort(),
  });
  const highlights = new Map(right.map((hit) => [hit.id, hit.highlights]));
  let last: { id: string; score: number } | undefined;
  for (const { paragraph, score, highlights: shown } of found.hits) {
    const { id, content } = paragraph;
    const wanted = scores.get(id) ?? Number.NaN;
    expect({ ...told, content, highlights: shown }).toEqual({
      ...told,
      content,
      highlights: [...(highlights.get(id) ?? [])],
    });
    if (Math.abs(score - wanted) > ALMOST * Math.max(1, wanted)) {
      expect({ ...told, content, score }).toEqual({ ...told, content, score: wanted });
    }
    if (last) expect([told, isInOrder(sort, last, { id, score })]).toEqual([told, true]);
    last = { id, score };
  }
}

function isInOrder(
  sort: SearchRequest["sort"],
  a: { id: string; score: number },
  b: { id: string; score: number },
): boolean {
  if (sort === "newest") return a.id > b.id;
  const [first, second] = [Math.fround(a.score), Math.fround(b.score)];
  return first === second ? a.id > b.id : first > second;
}

function idsOf(hits: readonly Hit[]): string[] {
  return hits.map(({ paragraph }) => paragraph.id).sort();
}

/** All pages; the total is that of the first, and of the others, where they count it. */
export async function readAll(
  engine: SearchEngine,
  sql: Sql,
  request: Omit<SearchRequest, "limit" | "after">,
  limit: number,
): Promise<{ total: number; isTotalExact: boolean; hits: Hit[] }> {
  const hits: Hit[] = [];
  let first: Pick<SearchResult, "total" | "isTotalExact"> | undefined;
  for (let after: Mark | undefined, isLast = false; !isLast; ) {
    const page = await engine.search(sql, { ...request, limit, after });
    first ??= page;
    if (first.isTotalExact && page.isTotalExact) expect(page.total).toBe(first.total);
    hits.push(...page.hits);
    // Nobody deletes meanwhile: whatever is filtered out is filtered out before a page is cut.
    if (page.next) expect(page.hits.length).toBe(limit);
    after = page.next;
    isLast = after === undefined;
  }
  return { total: first?.total ?? 0, isTotalExact: first?.isTotalExact ?? true, hits };
}
