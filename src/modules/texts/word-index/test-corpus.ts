// For tests of the index: a project's paragraphs, stored as analysed and kept beside it, to count them naively.
import { expect } from "bun:test";
import type { Tx } from "../../../kernel/db/index.ts";
import { newId } from "../../../kernel/ids/index.ts";
import type { Chance } from "../../../testing/chance.ts";
import type { TestDatabase } from "../../../testing/database.ts";
import { createTokenizer } from "../tokenizer/tokenizer.ts";
import type { AnalysedParagraph, MaintenanceRun, WordIndex } from "./index.ts";

export const tokenizer = createTokenizer();

interface Known extends AnalysedParagraph {
  readonly counts: ReadonlyMap<string, number>;
}

const VOCABULARY = [
  "the",
  "whale",
  "a",
  "Don’t",
  "naïve",
  "数据库",
  "x".repeat(300),
  "e😀ji",
  "1,000.5",
  `"{},\\'%`,
];
export const WORDS = [
  "the",
  "whale",
  "a",
  "don't",
  "naïve",
  "数据",
  "库",
  "x".repeat(300),
  "ji",
  "1,000.5",
  "no",
];

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
    const added = contents.map((content) => {
      const counts = tokenizer.countWords(content);
      const wordCount = sum(counts.values());
      return { id: newId(), authorId: this.#pick(this.authors), content, counts, wordCount };
    });
    const known = await this.#db.transaction(async (tx) => {
      const occurrences = sum(added.map(({ wordCount }) => wordCount));
      const first = await index.takeNumbers(tx, this.projectId, { documents: added.length, occurrences });
      const numbered = added.map((paragraph, place) => ({ ...paragraph, doc: first + place }));
      await this.#insert(tx, numbered);
      return numbered;
    });
    for (const paragraph of known) this.paragraphs.set(paragraph.id, paragraph);
    if (this.#chance.oneIn(2))
      await index.remember(
        this.projectId,
        known,
        known.map(({ counts }) => counts),
      );
  }

  async #insert(tx: Tx, paragraphs: readonly Known[]): Promise<void> {
    const column = <T>(of: (paragraph: Known) => T) => paragraphs.map(of);
    await tx`
      INSERT INTO paragraphs (id, project_id, author_id, content, length, doc, word_count, tokenizer_version)
      SELECT p.id, ${this.projectId}, p.author_id, p.content, p.length, p.doc, p.word_count, 1
      FROM unnest(${column(({ id }) => id)}::uuid[], ${column(({ authorId }) => authorId)}::uuid[],
        ${column(({ content }) => content)}::text[], ${column(({ content }) => content.length)}::int[],
        ${column(({ doc }) => doc)}::int[], ${column(({ wordCount }) => wordCount)}::int[])
        AS p (id, author_id, content, length, doc, word_count)`;
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
    const inTransaction = <T>(work: (tx: Tx) => Promise<T>) => this.#db.transaction(work, { pool: "long" });
    return { sql: this.#db.longSql, inTransaction, signal: new AbortController().signal };
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
      occurrences: sum([...this.paragraphs.values()].map(({ wordCount }) => wordCount)),
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
