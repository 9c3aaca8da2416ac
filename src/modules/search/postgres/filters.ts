// Which documents of a shelf a search may show: not deleted, and of the author, post, source, language and time that were asked for.
import { idAt, PARAGRAPH_SOURCES, postAt, type Shelf, type TextSource } from "../../texts/index.ts";
import type { FacetName, FacetValue, Filter } from "../engine.ts";

/** Whether the document at a place passes; undefined when all do. */
export type Passes = (place: number) => boolean;

/** What came from the address that was asked for; undefined when none was. */
export type FromAddress = Awaited<ReturnType<TextSource["listFromAddress"]>>;

/** `none` when no document of the shelf can pass. */
export function makeFilter(
  shelf: Shelf,
  filter: Filter,
  fromAddress: FromAddress | undefined,
): Passes | undefined | "none" {
  const { documents, deleted } = shelf;
  const { authorOf, langOf, postOf, sourceOf, createdMs } = documents;
  const { authorId, postId, source, lang, fromMs, toMs } = filter;
  const checks: Passes[] = [];
  if (deleted) checks.push((place) => deleted[place] === 0);
  if (authorId !== undefined) {
    const author = documents.authors.indexOf(authorId);
    if (author === -1) return "none";
    checks.push((place) => authorOf[place] === author);
  }
  if (lang !== undefined) {
    const index = documents.langs.indexOf(lang);
    if (index === -1) return "none";
    checks.push((place) => langOf[place] === index);
  }
  if (postId !== undefined) {
    const post = indexOfPost(shelf, postId);
    if (post === -1) return "none";
    checks.push((place) => postOf[place] === post + 1);
  }
  if (source !== undefined) {
    const index = PARAGRAPH_SOURCES.indexOf(source);
    checks.push((place) => sourceOf[place] === index);
  }
  if (fromAddress) {
    const { docs, ids } = fromAddress;
    checks.push(
      shelf.isNumbered
        ? (place) => docs.has(documents.docs[place] ?? 0)
        : (place) => ids.has(idAt(documents, place)),
    );
  }
  if (fromMs !== undefined) checks.push((place) => (createdMs[place] ?? 0) >= fromMs);
  if (toMs !== undefined) checks.push((place) => (createdMs[place] ?? 0) < toMs);
  const [first, second] = checks;
  if (!second) return first;
  return (place) => checks.every((check) => check(place));
}

function indexOfPost({ documents }: Shelf, postId: string): number {
  const posts = documents.posts.length / POST_BYTES;
  for (let index = 0; index < posts; index++) if (postAt(documents, index) === postId) return index;
  return -1;
}

const POST_BYTES = 16;
/** Of each facet. */
const MAX_VALUES = 20;

/** Counts hits by author, post, language or source. */
export class Facets {
  readonly #counts = new Map<FacetName, Map<string, number>>();

  constructor(names: readonly FacetName[]) {
    for (const name of names) this.#counts.set(name, new Map());
  }

  get areWanted(): boolean {
    return this.#counts.size > 0;
  }

  /** @param places of hits. */
  add({ documents }: Shelf, places: readonly number[]): void {
    const { authors, authorOf, langs, langOf, postOf, sourceOf } = documents;
    this.#count("author", authorOf, places, (index) => authors[index]);
    this.#count("lang", langOf, places, (index) => langs[index]);
    this.#count("source", sourceOf, places, (index) => PARAGRAPH_SOURCES[index]);
    this.#count("post", postOf, places, (index) => (index === 0 ? undefined : postAt(documents, index - 1)));
  }

  #count(
    name: FacetName,
    indexOf: ArrayLike<number>,
    places: readonly number[],
    toValue: (index: number) => string | undefined,
  ): void {
    const counts = this.#counts.get(name);
    if (!counts) return;
    const byIndex = new Map<number, number>();
    for (const place of places) {
      const index = indexOf[place] ?? 0;
      byIndex.set(index, (byIndex.get(index) ?? 0) + 1);
    }
    for (const [index, count] of byIndex) {
      const value = toValue(index);
      if (value !== undefined) counts.set(value, (counts.get(value) ?? 0) + count);
    }
  }

  /** Most hits first. */
  list(): Partial<Record<FacetName, FacetValue[]>> {
    const lists: Partial<Record<FacetName, FacetValue[]>> = {};
    for (const [name, counts] of this.#counts) {
      const values = [...counts].map(([value, count]) => ({ value, count }));
      values.sort((a, b) => b.count - a.count || (a.value < b.value ? -1 : 1));
      lists[name] = values.slice(0, MAX_VALUES);
    }
    return lists;
  }
}
