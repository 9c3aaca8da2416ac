// For tests of the index: a project's paragraphs, stored as analysed and kept beside it, to count them naively.
import { expect } from "bun:test";
import { createHash } from "node:crypto";
import { newId } from "../../../kernel/ids/index.ts";
import type { Chance } from "../../../testing/chance.ts";
import type { TestDatabase } from "../../../testing/database.ts";
import { sourceOf } from "../model.ts";
import { createTokenizer } from "../tokenizer/tokenizer.ts";
import type { MaintenanceRun, WaitingParagraph, WordIndex } from "./index.ts";

export const tokenizer = createTokenizer();

interface Stored extends WaitingParagraph {
  /** Of all words, however long. */
  readonly counts: ReadonlyMap<string, number>;
}

interface Known extends Stored {
  readonly doc: number;
}

/** Longer than a key may be, and of no kind that could be packed into one. */
const LONG_WORD = Array.from({ length: 90 }, (_, part) =>
  createHash("sha256").update(`${part}`).digest("hex"),
).join("");
const VOCABULARY = [
  "the",
  "whale",
  "a",
  "Don’t",
  "naïve",
  "数据库",
  LONG_WORD,
  "e😀ji",
  "1,000.5",
  `"{},\\'%`,
];
export const WORDS = ["the", "whale", "a", "don't", "naïve", "数据", "库", LONG_WORD, "ji", "1,000.5", "no"];

export class Corpus {
  readonly projectId = newId();
  readonly authors = [newId(), newId(), newId()];
  readonly paragraphs = new Map<string, Known>();
  readonly #db: TestDatabase;
  readonly #chance: Chance;

  constructor(db: TestDatabase, chance: Chance) {
    this.#db = db;
    this.#chance = chance;
  }

  randomContent(): string {
    const length = 1 + this.#chance.below(8);
    return Array.from({ length }, () => (this.#chance.oneIn(2) ? "the" : this.#pick(VOCABULARY))).join(" ");
  }

  /** Stores paragraphs and gives them to the index, as the analysis does. */
  async add(index: WordIndex, contents: readonly string[]): Promise<void> {
    const added = await this.store(contents);
    const counted = await index.count(added);
    const { ids } = await this.#db.transaction((tx) => index.take(tx, this.projectId, counted));
    expect(ids).toEqual(added.map(({ id }) => id));
    await this.learn(added);
  }

  /** Stores paragraphs that wait to be analysed. */
  async store(contents: readonly string[]): Promise<Stored[]> {
    const added = contents.map((content) => {
      const postId = this.#chance.oneIn(3) ? this.#pick(this.authors) : null;
      return {
        id: newId(),
        authorId: this.#pick(this.authors),
        postId,
        source: sourceOf(postId, null),
        content,
        lang: this.#chance.oneIn(3) ? "de" : "en",
        counts: tokenizer.countWords(content),
      };
    });
    const column = (of: (paragraph: WaitingParagraph) => string) => added.map(of);
    await this.#db.sql`
      INSERT INTO paragraphs (id, project_id, author_id, post_id, content, length)
      SELECT p.id, ${this.projectId}, p.author_id, p.post_id, p.content, length(p.content)
      FROM unnest(${column(({ id }) => id)}::uuid[], ${column(({ authorId }) => authorId)}::uuid[],
        ${added.map(({ postId }) => postId)}::uuid[], ${column(({ content }) => content)}::text[])
        AS p (id, author_id, post_id, content)`;
    return added;
  }

  /** Counts paragraphs that the index has taken among those it should know. */
  async learn(added: readonly Stored[]): Promise<void> {
    const rows = await this.#db.sql<{ id: string; doc: number }>`
      SELECT id, doc FROM paragraphs WHERE id = ANY (${added.map(({ id }) => id)}::uuid[])`;
    const docs = new Map(rows.map(({ id, doc }) => [id, doc]));
    for (const paragraph of added) {
      this.paragraphs.set(paragraph.id, { ...paragraph, doc: docs.get(paragraph.id) ?? -1 });
    }
  }

  /** Deletes one at random; says whether there was one and what the index said. */
  async remove(index: WordIndex): Promise<boolean> {
    const paragraph = this.#pick([...this.paragraphs.values()]);
    if (!paragraph) return false;
    this.paragraphs.delete(paragraph.id);
    return this.#db.transaction(async (tx) => {
      await tx`DELETE FROM paragraphs WHERE id = ${paragraph.id}`;
      return index.remove(tx, this.projectId, [paragraph]);
    });
  }

  maintenance(): MaintenanceRun {
    return {
      sql: this.#db.longSql,
      inTransaction: (work) => this.#db.transaction(work, { pool: "long" }),
      signal: new AbortController().signal,
    };
  }

  maintain(index: WordIndex): Promise<void> {
    return index.maintain(this.maintenance(), this.projectId);
  }

  /** Every word, of everyone and of each author, asked of the index and counted naively. */
  async expectRight(index: WordIndex): Promise<void> {
    const { projectId } = this;
    for (const word of WORDS) {
      for (const authorId of [undefined, ...this.authors]) {
        const limit = 1 + this.#chance.below(12);
        const top = await index.top(this.#db.sql, { projectId, word, limit, authorId });
        expect({ word, authorId, ...top }).toEqual({
          word,
          authorId,
          ...this.countNaively(word, limit, authorId),
        });
      }
    }
    await this.expectTotals();
  }

  countNaively(word: string, limit: number, authorId?: string) {
    const hits = [...this.paragraphs.values()]
      .filter((each) => authorId === undefined || each.authorId === authorId)
      .flatMap(({ doc, id, counts }) => (counts.has(word) ? [{ doc, id, count: counts.get(word) ?? 0 }] : []))
      .sort((a, b) => b.count - a.count || (a.id < b.id ? -1 : 1));
    return {
      items: hits.slice(0, limit).map(({ doc, count }) => ({ doc, count })),
      documents: hits.length,
      occurrences: sum(hits.map(({ count }) => count)),
    };
  }

  /** What the rows say of themselves. */
  async expectTotals(): Promise<void> {
    const { projectId } = this;
    const [head] = await this.#db.sql<{ documents: number; occurrences: number; tombstones: number }>`
      SELECT document_count AS documents, occurrence_count::int AS occurrences, tombstone_count AS tombstones
      FROM text_indexes WHERE project_id = ${projectId}`;
    if (!head) return;
    const [found] = await this.#db.sql<{ tombstones: number }>`
      SELECT count(*)::int AS tombstones FROM text_tombstones WHERE project_id = ${projectId}`;
    expect({ ...head }).toEqual({
      documents: this.paragraphs.size,
      occurrences: sum([...this.paragraphs.values()].map(({ counts }) => sum(counts.values()))),
      tombstones: found?.tombstones ?? 0,
    });
  }

  #pick<T>(list: readonly T[]): T {
    // Undefined only of an empty list; remove() looks for that.
    return list[this.#chance.below(list.length)] as T;
  }
}

export function sum(numbers: Iterable<number>): number {
  let total = 0;
  for (const number of numbers) total += number;
  return total;
}
