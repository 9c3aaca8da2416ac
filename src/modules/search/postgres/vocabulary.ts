// The words of a project in memory, for what looks at all of them: words with a letter wrong, and what one may be typing.
import type { Clock } from "../../../kernel/clock/index.ts";
import type { Sql } from "../../../kernel/db/index.ts";
import { CHARACTER, type IndexView, type TextSource } from "../../texts/index.ts";
import { allowedDistance, editDistance, letterBits, mayBeNear } from "./edit-distance.ts";

export interface SimilarWord {
  readonly word: string;
  readonly distance: number;
  readonly documents: number;
}

/** Words that differ from one by a slip or two, the nearest first, then the most frequent. */
export type FindSimilar = (
  sql: Sql,
  projectId: string,
  word: string,
  view: IndexView,
) => Promise<SimilarWord[]>;

export interface Vocabularies {
  readonly findSimilar: FindSimilar;
  /** Words that begin so, the most frequent first. */
  complete(
    sql: Sql,
    projectId: string,
    prefix: string,
    options: { readonly view: IndexView; readonly limit: number },
  ): Promise<{ word: string; documents: number }[]>;
}

export interface VocabularyOptions {
  /** How old a vocabulary may be before it is read again, if the index has changed; beside that a search goes on with the old. */
  readonly maxAgeMs: number;
  /** How many words of all projects together are kept. */
  readonly maxWords: number;
}

interface Vocabulary {
  /** Ascending by UTF-16. */
  readonly words: readonly string[];
  readonly documents: Uint32Array;
  readonly bits: Uint32Array;
  readonly foldedDoc: number;
  checkedMs: number;
}

const MAX_SIMILAR = 20;

export function createVocabularies(
  source: TextSource,
  clock: Clock,
  options: VocabularyOptions,
): Vocabularies {
  const { maxAgeMs, maxWords } = options;
  // The first is the one used longest ago.
  const known = new Map<string, Vocabulary>();
  const loading = new Map<string, Promise<Vocabulary>>();

  async function get(sql: Sql, projectId: string): Promise<Vocabulary> {
    const found = known.get(projectId);
    if (found) {
      known.delete(projectId);
      known.set(projectId, found);
      if (clock.now() - found.checkedMs <= maxAgeMs && maxAgeMs > 0) return found;
      const renewed = renew(sql, projectId, found);
      if (maxAgeMs === 0) return renewed;
      // Meanwhile the old one is good enough; when the database is away the search itself will say so.
      renewed.catch(() => {});
      return found;
    }
    return load(sql, projectId);
  }

  async function renew(sql: Sql, projectId: string, old: Vocabulary): Promise<Vocabulary> {
    old.checkedMs = clock.now();
    const foldedDoc = await source.findFoldedDoc(sql, projectId);
    return foldedDoc === old.foldedDoc ? old : load(sql, projectId);
  }

  function load(sql: Sql, projectId: string): Promise<Vocabulary> {
    const running = loading.get(projectId);
    if (running) return running;
    const started = read(sql, projectId).finally(() => loading.delete(projectId));
    loading.set(projectId, started);
    return started;
  }

  async function read(sql: Sql, projectId: string): Promise<Vocabulary> {
    // Before the words: what is folded meanwhile may be missing among them, and is then read by the next.
    const foldedDoc = await source.findFoldedDoc(sql, projectId);
    const words: string[] = [];
    const documents: number[] = [];
    for await (const chunk of source.readVocabulary(sql, projectId)) {
      for (const [index, word] of chunk.words.entries()) {
        words.push(word);
        documents.push(chunk.documents[index] ?? 0);
      }
    }
    const read = { ...inOrder(words, documents), foldedDoc, checkedMs: clock.now() };
    known.set(projectId, read);
    let total = 0;
    for (const { words: each } of known.values()) total += each.length;
    for (const [id, oldest] of known) {
      if (total <= maxWords || id === projectId) break;
      known.delete(id);
      total -= oldest.words.length;
    }
    return read;
  }

  return {
    async findSimilar(sql, projectId, word, view) {
      const bound = allowedDistance(word);
      if (bound === 0) return [];
      const found = new Map<string, SimilarWord>();
      const bits = letterBits(word);
      const offer = (other: string, otherBits: number, documents: number) => {
        if (Math.abs(other.length - word.length) > bound || !mayBeNear(bits, otherBits, bound)) return;
        const distance = editDistance(word, other, bound);
        if (distance === 0 || distance > bound) return;
        found.set(other, {
          word: other,
          distance,
          documents: (found.get(other)?.documents ?? 0) + documents,
        });
      };
      const vocabulary = await get(sql, projectId);
      for (let index = 0; index < vocabulary.words.length; index++) {
        offer(vocabulary.words[index] ?? "", vocabulary.bits[index] ?? 0, vocabulary.documents[index] ?? 0);
      }
      for (const [other, documents] of looseWords(view)) offer(other, letterBits(other), documents);
      return [...found.values()].sort(byNearness).slice(0, MAX_SIMILAR);
    },

    async complete(sql, projectId, prefix, { view, limit }) {
      const { words, documents } = await get(sql, projectId);
      const loose = new Map<string, number>();
      for (const [word, count] of looseWords(view)) {
        if (word.startsWith(prefix)) loose.set(word, (loose.get(word) ?? 0) + count);
      }
      const best = new MostFrequent(limit);
      for (let index = lowerBound(words, prefix); index < words.length; index++) {
        const word = words[index] ?? "";
        if (!word.startsWith(prefix)) break;
        best.offer(word, (documents[index] ?? 0) + (loose.get(word) ?? 0));
        loose.delete(word);
      }
      for (const [word, count] of loose) best.offer(word, count);
      return best.list;
    },
  };
}

/** The most frequent of many words; equal ones by their letters. */
class MostFrequent {
  readonly list: { word: string; documents: number }[] = [];
  readonly #limit: number;

  constructor(limit: number) {
    this.#limit = limit;
  }

  offer(word: string, documents: number): void {
    const last = this.list.at(-1);
    if (this.list.length === this.#limit && last && documents < last.documents) return;
    this.list.push({ word, documents });
    this.list.sort((a, b) => b.documents - a.documents || (a.word < b.word ? -1 : 1));
    if (this.list.length > this.#limit) this.list.pop();
  }
}

/** Words of the documents that are in no segment yet, and in how many of these they are. */
function* looseWords(view: IndexView): Generator<[word: string, documents: number]> {
  for (const { tail, size } of view.looseTails) {
    for (const [word, { flat }] of tail.terms) {
      let documents = flat.length / 2;
      while (documents > 0 && (flat[documents * 2 - 2] ?? 0) >= size) documents--;
      if (documents > 0 && !word.startsWith(CHARACTER)) yield [word, documents];
    }
  }
}

function byNearness(a: SimilarWord, b: SimilarWord): number {
  return a.distance - b.distance || b.documents - a.documents || (a.word < b.word ? -1 : 1);
}

/** PostgreSQL orders by UTF-8, which differs from UTF-16 for words with letters beyond the basic plane. */
function inOrder(
  words: string[],
  documents: readonly number[],
): Pick<Vocabulary, "words" | "documents" | "bits"> {
  const isSorted = words.every((word, index) => index === 0 || (words[index - 1] ?? "") < word);
  const order = isSorted
    ? undefined
    : words.map((_, index) => index).sort((a, b) => ((words[a] ?? "") < (words[b] ?? "") ? -1 : 1));
  const sorted = order ? order.map((index) => words[index] ?? "") : words;
  const counts = order ? order.map((index) => documents[index] ?? 0) : documents;
  return { words: sorted, documents: Uint32Array.from(counts), bits: Uint32Array.from(sorted, letterBits) };
}

function lowerBound(words: readonly string[], prefix: string): number {
  let low = 0;
  let high = words.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((words[middle] ?? "") < prefix) low = middle + 1;
    else high = middle;
  }
  return low;
}
