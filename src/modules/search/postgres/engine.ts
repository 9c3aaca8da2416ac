// The search engine on PostgreSQL alone: a view of the index, a plan of the query, one pass over what was found.
import type { Clock } from "../../../kernel/clock/index.ts";
import type { Sql } from "../../../kernel/db/index.ts";
import { CHARACTER, type IndexView, type Paragraph, Room, type TextSource } from "../../texts/index.ts";
import type { Hit, SearchEngine, SearchRequest, SearchResult } from "../engine.ts";
import { listPositiveTerms, type TermQuery } from "../query/query.ts";
import { offerAny, readAnyTerms } from "./any.ts";
import { Best, type Candidate, idOf } from "./best.ts";
import { combine, SumsPool, type Worth } from "./combine.ts";
import { Facets, type FromAddress, makeFilter } from "./filters.ts";
import { FoundOnShelf, type Rooms } from "./found.ts";
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
  /** From so many hits on a total may be less than there are, since what cannot come onto the page is not looked for. */
  readonly exactTotal?: number;
}

/** What the work on a question needs for its time. */
interface Workplace extends Rooms {
  readonly sums: SumsPool;
  readonly exactTotal: number;
}

const VOCABULARY: VocabularyOptions = { maxAgeMs: 30_000, maxWords: 500_000 };
const NO_TERMS = { terms: [], phraseTerms: [] };
const EXACT_TOTAL = 10_000;
/** A mark with the numbers of so many terms fits into a cursor; on later pages of a longer query scores are made anew. */
const MAX_MARKED_TERMS = 40;

export function createPostgresEngine(deps: PostgresEngineDeps): SearchEngine {
  const { source, clock } = deps;
  const { findSimilar, complete } = createVocabularies(source, clock, deps.vocabulary ?? VOCABULARY);
  const workplace = {
    room: new Room(),
    lasting: new Room(),
    sums: new SumsPool(),
    exactTotal: deps.exactTotal ?? EXACT_TOTAL,
  };

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
      const answer = evaluate({ view, plan, request, fromAddress }, workplace);
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
        if (word.startsWith(CHARACTER) || view.shelves.some((shelf) => shelf.documentsOf(word) > 0)) continue;
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

interface Asked {
  readonly view: IndexView;
  readonly plan: Plan;
  readonly request: SearchRequest;
  readonly fromAddress: FromAddress | undefined;
}

/** Nothing in it is awaited, so that all questions share the same room. */
function evaluate(
  { view, plan, request, fromAddress }: Asked,
  { room, lasting, sums, exactTotal }: Workplace,
): Evaluated {
  const { sort, limit, filter, after } = request;
  lasting.clear();
  const founds = view.shelves.map((shelf) => new FoundOnShelf(shelf, plan, { room, lasting }));
  const statistics =
    sort === "count" ? [] : (readStatistics(plan, after?.statistics) ?? count(plan, founds, room));
  const worth = sort === "count" ? worthOfCounts(plan) : worthOfScores(plan, statistics);
  const best = new Best(limit + 1, after);
  const facets = new Facets(request.facets);
  const anyTerms = facets.areWanted || sort === "newest" ? undefined : readAnyTerms(plan.query);
  const isByTime = sort === "newest" && !facets.areWanted;
  let total = 0;
  let isTotalExact = true;
  // From the newest to the oldest, as a rule: then few of equal value come to be kept.
  for (const on of founds.toReversed()) {
    room.clear();
    const { shelf, find } = on;
    const passes = makeFilter(shelf, filter, fromAddress);
    if (passes === "none") continue;
    const isCounting = total < exactTotal;
    if (anyTerms) {
      const mayLeaveOut = !isCounting && sort === "relevance";
      if (mayLeaveOut) isTotalExact = false;
      total += offerAny(anyTerms, on, { best, worth, passes, sums, isCounting: !mayLeaveOut });
      continue;
    }
    if (isByTime) {
      if (!isCounting && shelf.documents.newestMs < best.thresholdMs) isTotalExact = false;
      else total += offerNewest(best, shelf, findPlaces(shelf, plan.query, find, room), passes);
      continue;
    }
    const { places, values } = combine(shelf, plan.query, find, worth, room, sums);
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
  const page = best.list().slice(0, limit);
  const combineOn = (on: FoundOnShelf) => {
    room.clear();
    return combine(on.shelf, plan.query, on.find, worth, room, sums);
  };
  const candidates = isByTime ? withScores(page, founds, combineOn) : page;
  const last = candidates.at(-1);
  const hasMore = best.list().length > limit && last !== undefined;
  const marked = statistics.length <= MAX_MARKED_TERMS ? statistics : [];
  return {
    candidates,
    total,
    isTotalExact,
    facets: facets.list(),
    next: hasMore ? { value: last.value, id: idOf(last), statistics: marked } : undefined,
  };
}

/** Documents, their words, then for each positive leaf the documents that have it; a phrase has a number for each of its terms. */
function count(plan: Plan, founds: readonly FoundOnShelf[], room: Room): number[] {
  const terms = listPositiveTerms(plan.query).flatMap((term) => {
    const leaf = plan.leaves.get(term);
    return leaf?.kind === "phrase" ? leaf.terms.map((_, nth) => ({ term, nth })) : [{ term, nth: 0 }];
  });
  const withTerm = terms.map(() => 0);
  let documents = 0;
  let scoredWords = 0;
  for (const on of founds) {
    room.clear();
    documents += on.shelf.liveCount;
    scoredWords += on.shelf.liveScored;
    for (const [index, { term, nth }] of terms.entries()) {
      withTerm[index] = (withTerm[index] ?? 0) + on.countLive(term, nth);
    }
  }
  return [documents, scoredWords, ...withTerm];
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
