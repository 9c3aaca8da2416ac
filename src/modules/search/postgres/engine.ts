// The search engine on PostgreSQL alone: a view of the index, a plan of the query, one pass over what was found.
import type { Clock } from "../../../kernel/clock/index.ts";
import type { Sql } from "../../../kernel/db/index.ts";
import { CHARACTER, type IndexView, type Paragraph, type Shelf, type TextSource } from "../../texts/index.ts";
import type { Hit, SearchEngine, SearchRequest, SearchResult } from "../engine.ts";
import { listPositiveTerms, type TermQuery } from "../query/query.ts";
import { Best, type Candidate, idOf } from "./best.ts";
import { combine, SumsPool, type Worth } from "./combine.ts";
import { Facets, type FromAddress, makeFilter } from "./filters.ts";
import { countLive, type Found, findLeaf } from "./found.ts";
import { findHighlights } from "./highlights.ts";
import { findPlaces, offerNewest, withScores } from "./newest.ts";
import { makePlan, type Plan, wantedTerms } from "./plan.ts";
import { inverseFrequency, lengthNorms, levelFactors } from "./ranking.ts";
import { createVocabularies, type VocabularyOptions } from "./vocabulary.ts";

export interface PostgresEngineDeps {
  readonly source: TextSource;
  readonly clock: Clock;
  /** Left out, what was measured to be good. */
  readonly vocabulary?: VocabularyOptions;
}

const VOCABULARY: VocabularyOptions = { maxAgeMs: 30_000, maxWords: 500_000 };
const NO_TERMS = { terms: [], phraseTerms: [] };
/** A mark with the numbers of so many terms fits into a cursor; on later pages of a longer query scores are made anew. */
const MAX_MARKED_TERMS = 40;

export function createPostgresEngine(deps: PostgresEngineDeps): SearchEngine {
  const { source, clock } = deps;
  const { findSimilar, complete } = createVocabularies(source, clock, deps.vocabulary ?? VOCABULARY);

  async function open(sql: Sql, request: SearchRequest): Promise<{ view: IndexView; plan: Plan }> {
    let plan: Plan | undefined;
    const view = await source.openView(sql, request.projectId, async (opened) => {
      plan = await makePlan({ source, findSimilar }, sql, request, opened);
      return wantedTerms(plan);
    });
    if (!plan) throw new Error("the view was opened without a plan");
    return { view, plan };
  }

  return {
    async search(sql, request) {
      const { view, plan } = await open(sql, request);
      const { sourceUrl } = request.filter;
      // After the view: whatever had no number by then may have one by now, and not the other way round.
      const fromAddress =
        sourceUrl === undefined ? undefined : await source.listFromAddress(sql, request.projectId, sourceUrl);
      const answer = evaluate(view, plan, request, fromAddress);
      const hits = await withParagraphs(sql, request.projectId, answer.candidates, plan);
      return { ...answer, hits };
    },

    async suggest(sql, projectId, prefix, limit) {
      const view = await source.openView(sql, projectId, async () => NO_TERMS);
      const words = await complete(sql, projectId, prefix, { view, limit });
      return words.map(({ word, documents }) => ({ word, paragraphs: documents }));
    },

    async correct(sql, projectId, words) {
      const view = await source.openView(sql, projectId, async () => ({ terms: words, phraseTerms: [] }));
      const corrections = new Map<string, string>();
      for (const word of words) {
        if (word.startsWith(CHARACTER) || view.shelves.some((shelf) => shelf.postingsOf(word))) continue;
        const [nearest] = await findSimilar(sql, projectId, word, view);
        if (nearest) corrections.set(word, nearest.word);
      }
      return corrections;
    },
  };

  async function withParagraphs(
    sql: Sql,
    projectId: string,
    candidates: readonly Candidate[],
    plan: Plan,
  ): Promise<Hit[]> {
    if (candidates.length === 0) return [];
    const docs = candidates.flatMap(({ shelf, place }) =>
      shelf.isNumbered ? [shelf.documents.docs[place] ?? 0] : [],
    );
    const ids = candidates.flatMap((candidate) => (candidate.shelf.isNumbered ? [] : [idOf(candidate)]));
    const byId = new Map<string, Paragraph>();
    const byDoc = new Map<number, Paragraph>();
    for (const paragraph of await source.listParagraphs(sql, projectId, { docs, ids })) {
      byId.set(paragraph.id, paragraph);
      if (paragraph.analysis.state === "analysed") byDoc.set(paragraph.analysis.doc, paragraph);
    }
    return candidates.flatMap((candidate) => {
      const { shelf, place, score } = candidate;
      const paragraph = shelf.isNumbered
        ? byDoc.get(shelf.documents.docs[place] ?? 0)
        : byId.get(idOf(candidate));
      // Deleted since: the page is shorter, and the next goes on after it.
      if (!paragraph) return [];
      const lang = shelf.documents.langs[shelf.documents.langOf[place] ?? 0] ?? "";
      return [{ paragraph, score, highlights: findHighlights(source, plan, paragraph.content, lang) }];
    });
  }
}

type Evaluated = Omit<SearchResult, "hits"> & { readonly candidates: readonly Candidate[] };

function evaluate(
  view: IndexView,
  plan: Plan,
  request: SearchRequest,
  fromAddress: FromAddress | undefined,
): Evaluated {
  const { sort, limit, filter, after } = request;
  const founds = view.shelves.map((shelf) => {
    return { shelf, founds: new Map([...plan.leaves].map(([term, leaf]) => [term, findLeaf(shelf, leaf)])) };
  });
  const statistics =
    sort === "count" ? [] : (readStatistics(plan, after?.statistics) ?? count(view, plan, founds));
  const worth = sort === "count" ? worthOfCounts(plan) : worthOfScores(plan, statistics);
  const best = new Best(limit + 1, after);
  const facets = new Facets(request.facets);
  const sums = new SumsPool();
  let total = 0;
  const isByTime = sort === "newest" && !facets.areWanted;
  // From the newest to the oldest, as a rule: then few of equal value come to be kept.
  for (const { shelf, founds: found } of founds.toReversed()) {
    const passes = makeFilter(shelf, filter, fromAddress);
    if (passes === "none") continue;
    if (isByTime) {
      total += offerNewest(best, shelf, findPlaces(shelf, plan.query, found), passes);
      continue;
    }
    const { places, values } = combine(shelf, plan.query, found, worth, sums);
    const hits: number[] = [];
    for (let index = places.length - 1; index >= 0; index--) {
      const place = places[index] ?? 0;
      if (passes && !passes(place)) continue;
      total++;
      if (facets.areWanted) hits.push(place);
      const score = values[index] ?? 0;
      // Rounded: what differs only in how its sum was rounded counts as equal.
      const value = sort === "newest" ? 0 : Math.fround(score);
      if (value >= best.threshold) best.offer(shelf, place, value, score);
    }
    if (facets.areWanted) facets.add(shelf, hits);
  }
  const combineOn = (on: Shelf) => {
    const found = founds.find(({ shelf }) => shelf === on)?.founds ?? new Map();
    return combine(on, plan.query, found, worth, sums);
  };
  const page = best.list().slice(0, limit);
  const candidates = isByTime ? withScores(page, combineOn) : page;
  const last = candidates.at(-1);
  const hasMore = best.list().length > limit && last !== undefined;
  const marked = statistics.length <= MAX_MARKED_TERMS ? statistics : [];
  return {
    candidates,
    total,
    isTotalExact: true,
    facets: facets.list(),
    next: hasMore ? { value: last.value, id: idOf(last), statistics: marked } : undefined,
  };
}

interface FoundOnShelf {
  readonly shelf: Shelf;
  readonly founds: ReadonlyMap<TermQuery, Found>;
}

/** Documents, their words, then for each positive leaf the documents that have it; a phrase has a number for each of its terms. */
function count(view: IndexView, plan: Plan, founds: readonly FoundOnShelf[]): number[] {
  let documents = 0;
  let scoredWords = 0;
  for (const { liveCount, liveScored } of view.shelves) {
    documents += liveCount;
    scoredWords += liveScored;
  }
  const statistics = [documents, scoredWords];
  for (const term of listPositiveTerms(plan.query)) {
    const leaf = plan.leaves.get(term);
    const terms = leaf?.kind === "phrase" ? leaf.terms : [undefined];
    for (const each of terms) {
      let withTerm = 0;
      for (const { shelf, founds: found } of founds) {
        const list = each === undefined ? found.get(term) : shelf.postingsOf(each);
        if (list) withTerm += countLive(shelf, list);
      }
      statistics.push(withTerm);
    }
  }
  return statistics;
}

/** Those of the page before; undefined when they cannot be of this query. */
function readStatistics(plan: Plan, given: readonly number[] | undefined): number[] | undefined {
  if (!given || given.length === 0) return undefined;
  const wanted = listPositiveTerms(plan.query).reduce((sum, term) => {
    const leaf = plan.leaves.get(term);
    return sum + (leaf?.kind === "phrase" ? leaf.terms.length : 1);
  }, 2);
  return given.length === wanted ? [...given] : undefined;
}

function worthOfScores(plan: Plan, [documents = 0, scoredWords = 0, ...withTerm]: readonly number[]): Worth {
  const weights = new Map<TermQuery, number>();
  let next = 0;
  let scored = 0;
  for (const term of listPositiveTerms(plan.query)) {
    const leaf = plan.leaves.get(term);
    let weight = 0;
    // A phrase weighs what its words weigh together, as in Lucene.
    for (let nth = leaf?.kind === "phrase" ? leaf.terms.length : 1; nth > 0; nth--) {
      weight += inverseFrequency(documents, withTerm[next++] ?? 0);
    }
    const isLeftOut = plan.leavesStopWordsOut && leaf?.kind === "words" && leaf.isStopWord;
    weights.set(term, isLeftOut ? 0 : weight);
    if (!isLeftOut) scored++;
  }
  return { weights, norms: lengthNorms({ documents, scoredWords }), factors: levelFactors(scored) };
}

function worthOfCounts(plan: Plan): Worth {
  return {
    weights: new Map(listPositiveTerms(plan.query).map((term) => [term, 1])),
    norms: undefined,
    factors: [],
  };
}
