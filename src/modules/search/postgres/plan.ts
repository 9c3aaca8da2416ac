// A query made ready for the index: each of its terms with all the words that stand for it.
import type { Sql } from "../../../kernel/db/index.ts";
import { CHARACTER, type IndexView, type TextSource } from "../../texts/index.ts";
import { listPositiveTerms, type Query, type TermQuery } from "../query/query.ts";
import type { FindSimilar } from "./vocabulary.ts";

/** A word that stands for one that was asked for. */
export interface Variant {
  readonly word: string;
  /** How well it stands for it, an index into LEVEL_FACTORS; undefined: not at all, but for documents of `langs`. */
  readonly level: number | undefined;
  readonly langs: ReadonlySet<string>;
  /** In documents of `langs`. */
  readonly langLevel: number;
}

export type Leaf =
  | { readonly kind: "words"; readonly variants: readonly Variant[]; readonly isStopWord: boolean }
  | { readonly kind: "phrase"; readonly terms: readonly string[] };

export interface Plan {
  readonly query: Query;
  /** By term of the query. */
  readonly leaves: ReadonlyMap<TermQuery, Leaf>;
  /** Scores count: else all words of the query are stop words, and they must. */
  readonly leavesStopWordsOut: boolean;
}

/** More words of one stem, or of one prefix, than people have in mind; the most frequent are taken of a prefix. */
const MAX_STEM_WORDS = 100;
const MAX_PREFIX_WORDS = 200;
const EXACT = 0;
const STEMMED = 1;

function inAll(word: string, level: number): Variant {
  return { word, level, langs: new Set(), langLevel: level };
}

export interface PlanDeps {
  readonly source: TextSource;
  readonly findSimilar: FindSimilar;
}

export async function makePlan(
  deps: PlanDeps,
  sql: Sql,
  request: { readonly projectId: string; readonly query: Query; readonly isFuzzy: boolean },
  view: IndexView,
): Promise<Plan> {
  const { source } = deps;
  const terms = allTerms(request.query);
  const words = terms.filter(
    ({ match, terms: [first = ""] }) => match === "word" && source.isStemmable(first),
  );
  const byStem = await expandStems(source, sql, request.projectId, words, view);
  const leaves = new Map<TermQuery, Leaf>();
  for (const term of terms) {
    const variants = byStem.get(term);
    if (term.match === "prefix")
      leaves.set(term, await prefixLeaf(source, sql, request.projectId, term, view));
    else if (term.terms.length > 1) leaves.set(term, { kind: "phrase", terms: term.terms });
    else leaves.set(term, wordLeaf(source, term, variants ?? []));
  }
  if (request.isFuzzy) await addSimilar(deps, sql, request.projectId, { words, leaves, view });
  const positive = listPositiveTerms(request.query).map((term) => leaves.get(term));
  const leavesStopWordsOut = positive.some((leaf) => leaf && !(leaf.kind === "words" && leaf.isStopWord));
  return { query: request.query, leaves, leavesStopWordsOut };
}

function allTerms(query: Query): TermQuery[] {
  if (query.kind === "term") return [query];
  if (query.kind === "ranked") return [...allTerms(query.match), ...query.by];
  return query.kind === "not" ? allTerms(query.part) : query.parts.flatMap(allTerms);
}

function wordLeaf(source: TextSource, term: TermQuery, others: readonly Variant[]): Leaf {
  const [word = ""] = term.terms;
  const variants = [inAll(word, EXACT), ...others];
  return { kind: "words", variants, isStopWord: source.isStopWord(word) };
}

/** Other words of the same stem, in each language that documents of the project are in. */
async function expandStems(
  source: TextSource,
  sql: Sql,
  projectId: string,
  words: readonly TermQuery[],
  view: IndexView,
): Promise<ReadonlyMap<TermQuery, Variant[]>> {
  const langs = [...view.langs].filter((lang) => source.languages.hasStems(lang));
  const variants = new Map<TermQuery, Variant[]>();
  if (words.length === 0 || langs.length === 0) return variants;
  await source.languages.load();
  const stemOf = (lang: string, word: string) => source.languages.stem(lang, word);
  const wanted = new Map<string, { lang: string; stem: string }>();
  for (const { terms } of words) {
    for (const lang of langs) {
      const stem = stemOf(lang, terms[0] ?? "");
      wanted.set(`${lang} ${stem}`, { lang, stem });
    }
  }
  const found = new Map<string, Set<string>>();
  for (const [key, { lang, stem }] of wanted) {
    // The stem may be a word, and then of its own stem as a rule.
    found.set(key, new Set(stemOf(lang, stem) === stem ? [stem] : []));
  }
  for (const { lang, stem, word } of await source.listWordsByStem(
    sql,
    projectId,
    [...wanted.values()],
    MAX_STEM_WORDS,
  )) {
    found.get(`${lang} ${stem}`)?.add(word);
  }
  for (const { tail } of view.looseTails) {
    for (const [key, { lang, stem }] of wanted) {
      for (const word of tail.listWordsByStem(lang, stem, stemOf)) found.get(key)?.add(word);
    }
  }
  for (const term of words) {
    const [word = ""] = term.terms;
    const langsOf = new Map<string, Set<string>>();
    for (const lang of langs) {
      for (const other of found.get(`${lang} ${stemOf(lang, word)}`) ?? []) {
        if (other === word) continue;
        const set = langsOf.get(other) ?? new Set();
        langsOf.set(other, set.add(lang));
      }
    }
    variants.set(
      term,
      [...langsOf].map(([other, set]) => ({ word: other, level: undefined, langs: set, langLevel: STEMMED })),
    );
  }
  return variants;
}

/** A prefix of several terms, such as of a script without spaces, is searched as it stands. */
async function prefixLeaf(
  source: TextSource,
  sql: Sql,
  projectId: string,
  { terms }: TermQuery,
  view: IndexView,
): Promise<Leaf> {
  const [prefix = ""] = terms;
  if (terms.length > 1 || prefix.startsWith(CHARACTER)) {
    if (terms.length > 1) return { kind: "phrase", terms };
    return { kind: "words", variants: [inAll(prefix, EXACT)], isStopWord: false };
  }
  const words = new Set(await source.listWordsByPrefix(sql, projectId, prefix, MAX_PREFIX_WORDS));
  for (const { tail } of view.looseTails) {
    for (const word of tail.terms.keys()) {
      if (words.size >= 2 * MAX_PREFIX_WORDS) break;
      if (word.startsWith(prefix)) words.add(word);
    }
  }
  const variants = [...words].map((word) => inAll(word, EXACT));
  return { kind: "words", variants, isStopWord: false };
}

async function addSimilar(
  { findSimilar }: PlanDeps,
  sql: Sql,
  projectId: string,
  planned: { words: readonly TermQuery[]; leaves: Map<TermQuery, Leaf>; view: IndexView },
): Promise<void> {
  const { words, leaves, view } = planned;
  for (const term of words) {
    const leaf = leaves.get(term);
    if (leaf?.kind !== "words") continue;
    const levels = new Map<string, number>();
    for (const { word, distance } of await findSimilar(sql, projectId, term.terms[0] ?? "", view)) {
      levels.set(word, STEMMED + distance);
    }
    // One of the same stem in some language is merely near in documents of others.
    const known = leaf.variants.map((variant) => ({
      ...variant,
      level: variant.level ?? levels.get(variant.word),
    }));
    for (const { word } of known) levels.delete(word);
    const others = [...levels].map(([word, level]) => inAll(word, level));
    leaves.set(term, { ...leaf, variants: [...known, ...others] });
  }
}

/** The terms whose postings the plan needs, and those of them whose positions it needs, too. */
export function wantedTerms({ leaves }: Plan): { terms: Set<string>; phraseTerms: Set<string> } {
  const terms = new Set<string>();
  const phraseTerms = new Set<string>();
  for (const leaf of leaves.values()) {
    if (leaf.kind === "phrase") for (const term of leaf.terms) phraseTerms.add(term);
    else for (const { word } of leaf.variants) terms.add(word);
  }
  return { terms, phraseTerms };
}
