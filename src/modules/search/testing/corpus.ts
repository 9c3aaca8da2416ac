// For tests of engines: a project's paragraphs, random ones in several scripts, stored, analysed, deleted, and known beside.
import { newId } from "../../../kernel/ids/index.ts";
import type { Chance } from "../../../testing/chance.ts";
import type { TestDatabase } from "../../../testing/database.ts";
import {
  createTextSource,
  createTokenizer,
  createWordIndex,
  type TextSource,
  type WordIndex,
} from "../../texts/index.ts";
import type { SearchRequest } from "../engine.ts";
import { parseQuery, queryOfWords } from "../query/parse.ts";
import type { Query } from "../query/query.ts";
import { type ReferenceHit, type ReferenceText, searchByHand } from "./reference.ts";

/** So small that a few paragraphs go through everything that a hundred thousand go through. */
const SMALL = { foldDocuments: 20, foldUnits: 3_000, tiers: [40, 160], minTombstones: 1 };

const VOCABULARY = {
  en: "whale whales whaling run running runs the of and don’t naïve café 1,000.5 1990s".split(" "),
  de: "haus häuser die der laufen läuft whales Straße STRASSE".split(" "),
  und: [
    "数据库",
    "检索系统",
    "数据",
    "библиотека",
    "библиотеки",
    "ภาษาไทย",
    "かなカナ",
    "한국어",
    "e😀ji",
    "ﬁne",
    "a\u0301b",
    "x\u00adray",
  ],
};
const TYPED = [
  ..."whale whales run running the of don't naïve 1990s haus häuser die laufen strasse".split(" "),
  "数据",
  "库",
  "библиотеки",
  "ภาษา",
  "カナ",
  "한국어",
  "ji",
  "fine",
  "ÁB",
  "xray",
  "whael",
  "runing",
  "laufenn",
  "библиотика",
  "nowhere",
  "e-mail",
  "1,000.5",
];

/** The query language with its operators, or a list of words. */
export type Way = "and" | "or" | "all" | "any";
const OPERATORS = { all: "and", any: "or" } as const;

export class Corpus {
  readonly projectId = newId();
  readonly authors = [newId(), newId()];
  readonly posts = [newId(), newId()];
  readonly texts = new Map<string, ReferenceText>();
  readonly tokenizer = createTokenizer();
  /** Two processes that share nothing but the database. */
  readonly processes: readonly { readonly index: WordIndex; readonly source: TextSource }[];
  readonly #db: TestDatabase;
  readonly #chance: Chance;
  #pending: ReferenceText[] = [];

  constructor(db: TestDatabase, chance: Chance) {
    this.#db = db;
    this.#chance = chance;
    this.processes = [0, 1].map(() => {
      const index = createWordIndex(this.tokenizer, SMALL);
      return { index, source: createTextSource(this.tokenizer, index) };
    });
  }

  get either(): { readonly index: WordIndex; readonly source: TextSource } {
    return this.pick(this.processes);
  }

  pick<T>(list: readonly T[]): T {
    // No list here is empty.
    return list[this.#chance.below(list.length)] as T;
  }

  /** Stores some; they wait until `analyse`. */
  async store(count: number): Promise<void> {
    const added = Array.from({ length: count }, (): ReferenceText => {
      const lang = this.pick(["en", "en", "de", "und"] as const);
      const words = [...VOCABULARY[lang], ...(this.#chance.oneIn(3) ? VOCABULARY.und : [])];
      const length = 1 + this.#chance.below(this.#chance.oneIn(9) ? 60 : 9);
      const content = Array.from({ length }, () => this.pick(words)).join(
        this.pick([" ", " ", ", ", "-", ""]),
      );
      const postId = this.#chance.oneIn(3) ? this.pick(this.posts) : null;
      const source = postId === null ? this.pick(["direct", "import", "fetch"] as const) : "post";
      return { id: newId(), authorId: this.pick(this.authors), postId, source, lang, content };
    });
    const column = <Key extends keyof ReferenceText>(key: Key) => added.map((text) => text[key]);
    await this.#db.sql`
      INSERT INTO paragraphs (id, project_id, author_id, post_id, source, lang, content, length)
      SELECT p.id, ${this.projectId}, p.author_id, p.post_id, nullif(nullif(p.source, 'direct'), 'post'), p.lang, p.content, length(p.content)
      FROM unnest(${column("id")}::uuid[], ${column("authorId")}::uuid[], ${column("postId")}::uuid[],
        ${column("source")}::text[], ${column("lang")}::text[], ${column("content")}::text[])
        AS p (id, author_id, post_id, source, lang, content)`;
    for (const text of added) this.texts.set(text.id, text);
    this.#pending.push(...added);
  }

  async analyse(): Promise<void> {
    const { index } = this.either;
    const there = this.#pending.filter(({ id }) => this.texts.has(id));
    // So an older one may come after newer ones.
    this.#pending = this.#chance.oneIn(3) ? there.filter(() => this.#chance.oneIn(2)) : [];
    const waiting = there.filter((text) => !this.#pending.includes(text));
    const counted = await index.count(waiting);
    await this.#db.transaction((tx) => index.take(tx, this.projectId, counted));
  }

  async remove(): Promise<void> {
    if (this.texts.size === 0) return;
    const { id, content } = this.pick([...this.texts.values()]);
    this.texts.delete(id);
    await this.#db.transaction(async (tx) => {
      const [row] = await tx<{ doc: number | null }>`DELETE FROM paragraphs WHERE id = ${id} RETURNING doc`;
      if (typeof row?.doc === "number")
        await this.either.index.remove(tx, this.projectId, [{ doc: row.doc, content }]);
    });
  }

  async maintain(): Promise<void> {
    await this.either.index.maintain(
      {
        sql: this.#db.longSql,
        inTransaction: (work) => this.#db.transaction(work, { pool: "long" }),
        signal: new AbortController().signal,
      },
      this.projectId,
    );
  }

  async requestRebuild(): Promise<void> {
    await this.#db.transaction((tx) => this.either.index.requestRebuild(tx, this.projectId));
  }

  /** One of the steps that a project lives through. */
  async step(): Promise<void> {
    const roll = this.#chance.below(100);
    if (roll < 45) await this.store(1 + this.#chance.below(12));
    else if (roll < 70) await this.analyse();
    else if (roll < 82)
      for (let times = this.#chance.oneIn(5) ? 20 : 1; times > 0; times--) await this.remove();
    else if (roll < 96) await this.maintain();
    else await this.requestRebuild();
  }

  /** What the index says of itself against what the paragraphs say. */
  async listProblems(): Promise<readonly string[]> {
    const verification = await this.either.index.verify(this.#db, this.projectId);
    return verification?.problems ?? [];
  }

  /** Text of a query, with a query in it as a rule. */
  queryText(depth = 0): string {
    const term = () => {
      const word = this.pick(TYPED);
      const roll = this.#chance.below(10);
      if (roll === 0) return `"${word} ${this.pick(TYPED)}"`;
      if (roll === 1) return `"${word}"`;
      if (roll === 2 && depth < 2) return `(${this.queryText(depth + 1)})`;
      if (roll === 3) return `${[...word].slice(0, 2).join("")}*`;
      if (roll === 4) return `-${word}`;
      return word;
    };
    const parts = Array.from({ length: 1 + this.#chance.below(3) }, term);
    return parts.reduce((text, part) => `${text}${this.pick([" ", " ", " OR "])}${part}`);
  }

  /** The query of a text, as one of the calls would understand it. */
  parse(text: string, way: Way): Query | undefined {
    const readTerms = (part: string) => this.tokenizer.listTerms(part).map(({ word }) => word);
    if (way === "all" || way === "any") return queryOfWords(text.split(" "), OPERATORS[way], readTerms);
    return parseQuery(text, readTerms, way).query;
  }

  async byHand(
    request: Pick<SearchRequest, "query" | "filter" | "isFuzzy" | "sort">,
  ): Promise<ReferenceHit[]> {
    const { languages } = this.processes[0]?.index ?? this.either.index;
    await languages.load();
    return searchByHand({ tokenizer: this.tokenizer, languages }, [...this.texts.values()], request);
  }
}
