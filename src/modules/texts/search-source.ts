// What the search module reads of texts: the index as a view of one moment, its vocabulary, the tokenizer, the paragraphs found.
import { createHash } from "node:crypto";
import type { Sql } from "../../kernel/db/index.ts";
import { isStemmable, isStopWord, type Languages } from "./language/languages.ts";
import type { Paragraph } from "./model.ts";
import { withoutFragment } from "./source/text-source.ts";
import { listFromAddress } from "./source-store.ts";
import { listParagraphsByDoc, listParagraphsById } from "./store.ts";
import type { Tokenizer, Word } from "./tokenizer/tokenizer.ts";
import type { WordIndex } from "./word-index/index.ts";
import { findFoldedDoc, listWordsByPrefix, readVocabulary } from "./word-index/vocabulary.ts";

export interface TextSource {
  readonly openView: WordIndex["openView"];
  readonly listWordsByStem: WordIndex["listWordsByStem"];
  readonly listWordsByPrefix: typeof listWordsByPrefix;
  readonly readVocabulary: typeof readVocabulary;
  readonly findFoldedDoc: typeof findFoldedDoc;
  /** See Tokenizer. */
  listTerms(content: string): Word[];
  readonly languages: Pick<Languages, "load" | "hasStems" | "stem">;
  /** Whether the word has a stem in the languages that have any. */
  isStemmable(word: string): boolean;
  /** Whether a score leaves the word out. */
  isStopWord(word: string): boolean;
  /** Those that were fetched from an address: by number, and by id, since the ones that wait have none. */
  listFromAddress(
    sql: Sql,
    projectId: string,
    url: string,
  ): Promise<{ readonly docs: ReadonlySet<number>; readonly ids: ReadonlySet<string> }>;
  /** By number, or by id those that have none yet. Those that are gone are left out. */
  listParagraphs(
    sql: Sql,
    projectId: string,
    wanted: { readonly docs: readonly number[]; readonly ids: readonly string[] },
  ): Promise<Paragraph[]>;
}

export function createTextSource(tokenizer: Tokenizer, index: WordIndex): TextSource {
  return {
    openView: index.openView,
    listWordsByStem: index.listWordsByStem,
    listWordsByPrefix,
    readVocabulary,
    findFoldedDoc,
    listTerms: tokenizer.listTerms,
    languages: index.languages,
    isStemmable,
    isStopWord,
    async listFromAddress(sql, projectId, url) {
      const found = await listFromAddress(
        sql,
        projectId,
        createHash("sha256").update(withoutFragment(url).href).digest(),
      );
      return {
        docs: new Set(found.flatMap(({ doc }) => doc ?? [])),
        ids: new Set(found.map(({ id }) => id)),
      };
    },
    async listParagraphs(sql, projectId, { docs, ids }) {
      const byDoc = docs.length > 0 ? await listParagraphsByDoc(sql, projectId, docs) : [];
      const byId = ids.length > 0 ? await listParagraphsById(sql, projectId, ids) : [];
      return [...byDoc, ...byId];
    },
  };
}
