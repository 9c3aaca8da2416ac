// The paragraphs in which a word occurs most.
import type { Sql } from "../../../kernel/db/index.ts";
import { allow, type Projects, type Who } from "../../projects/index.ts";
import { textErrors } from "../errors.ts";
import type { Paragraph } from "../model.ts";
import { listParagraphsByDoc } from "../store.ts";
import type { Tokenizer } from "../tokenizer/tokenizer.ts";
import type { Top, WordIndex } from "../word-index/index.ts";

export interface TopDeps {
  readonly projects: Pick<Projects, "access">;
  readonly tokenizer: Tokenizer;
  readonly index: Pick<WordIndex, "top">;
}

export interface TopRequest {
  readonly projectId: string;
  readonly word: string;
  readonly limit: number;
  readonly authorId?: string | undefined;
}

export interface TopParagraphs {
  /** As it was counted. */
  readonly word: string;
  readonly items: readonly { readonly paragraph: Paragraph; readonly count: number }[];
  /** Occurrences in all paragraphs, and how many paragraphs have any. */
  readonly totalCount: number;
  readonly paragraphCount: number;
}

/** Between the index and the paragraphs one may be deleted; after so many tries the answer is short of it. */
const MAX_TRIES = 3;

export type FindTop = (sql: Sql, who: Who, request: TopRequest) => Promise<TopParagraphs>;

export function createFindTop({ projects, tokenizer, index }: TopDeps): FindTop {
  return async (sql, who, { projectId, word: text, limit, authorId }) => {
    allow(await projects.access(sql, projectId, who), "paragraphs.read");
    const found = tokenizer.findWord(text);
    if (!found)
      throw tokenizer.listWords(text).length > 0 ? textErrors.WORD_NOT_SINGLE() : textErrors.WORD_MISSING();
    const { word } = found;
    for (let tries = 1; ; tries++) {
      const top = await index.top(sql, { projectId, word, limit, authorId });
      // Taken apart by the dictionary here, it may still be one word in the midst of a text. If not, "no hits" would be untrue.
      if (found.isSegmented && top.documents === 0) throw textErrors.WORD_NOT_SINGLE();
      const items = await withParagraphs(sql, projectId, top);
      if (items.length < top.items.length && tries < MAX_TRIES) continue;
      return { word, items, totalCount: top.occurrences, paragraphCount: top.documents };
    }
  };
}

async function withParagraphs(sql: Sql, projectId: string, top: Top): Promise<TopParagraphs["items"]> {
  if (top.items.length === 0) return [];
  const docs = top.items.map((item) => item.doc);
  const paragraphs = new Map<number, Paragraph>();
  for (const paragraph of await listParagraphsByDoc(sql, projectId, docs)) {
    if (paragraph.analysis.state === "analysed") paragraphs.set(paragraph.analysis.doc, paragraph);
  }
  const items = top.items.flatMap(({ doc, count }) => {
    const paragraph = paragraphs.get(doc);
    return paragraph ? [{ paragraph, count }] : [];
  });
  // Ids tell the older of two made in the same millisecond.
  return items.sort((a, b) => b.count - a.count || (a.paragraph.id < b.paragraph.id ? -1 : 1));
}
