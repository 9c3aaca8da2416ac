// What can be done with paragraphs: hand in, read, list, delete, count their words.
import type { Sql, Tx } from "../../../kernel/db/index.ts";
import type { Events } from "../../../kernel/events/index.ts";
import { newId } from "../../../kernel/ids/index.ts";
import type { Jobs, Task } from "../../../kernel/jobs/index.ts";
import {
  accessesFor,
  allow,
  type Permission,
  type Projects,
  parseAccess,
  personOf,
  type Who,
  writeAccessColumn,
} from "../../projects/index.ts";
import { textErrors } from "../errors.ts";
import { type ParagraphsFrom, paragraphDeleted, paragraphsCreated } from "../events.ts";
import { ANALYSE_KEY, type ProjectInput } from "../jobs.ts";
import type { Paragraph } from "../model.ts";
import type { Pace } from "../pace.ts";
import * as store from "../store.ts";
import type { Tokenizer } from "../tokenizer/tokenizer.ts";
import type { WordIndex } from "../word-index/index.ts";

export interface ParagraphActionDeps {
  readonly events: Pick<Events, "append" | "hint">;
  readonly jobs: Pick<Jobs, "prepare" | "enqueue">;
  readonly pace: Pace;
  readonly projects: Pick<Projects, "access">;
  readonly tokenizer: Tokenizer;
  readonly index: WordIndex;
  readonly analyseTask: Task<ProjectInput>;
  /** After the counts of a project have changed. */
  readonly onCounted: (projectId: string) => void;
}

export interface StoredBatch {
  readonly ids: readonly string[];
  readonly jobId: string;
}

export interface BatchOptions {
  /** ISO 639-1; left out, it is recognised. */
  readonly lang?: string | null | undefined;
  /** Left out: handed in. */
  readonly source?: "import" | "fetch" | null;
  /** Whether more of the same text follows at once: what is counted together takes less room. */
  readonly isPart?: boolean;
}

export interface WordCount {
  readonly word: string;
  readonly count: number;
}

export type ParagraphActions = ReturnType<typeof createParagraphActions>;

export function createParagraphActions(deps: ParagraphActionDeps) {
  const permitted = accessesFor("paragraphs.write");
  const { events, jobs, pace, projects, tokenizer, index, analyseTask } = deps;
  const jobOptions = (projectId: string, createdBy: string) => ({
    projectId,
    createdBy,
    uniqueKey: ANALYSE_KEY,
  });

  async function getParagraph(
    sql: Sql,
    id: string,
    who: Who,
    permission: Permission,
    column?: typeof writeAccessColumn,
  ): Promise<Paragraph> {
    const found = await store.findParagraph(sql, id, who, column);
    if (!found) throw textErrors.PARAGRAPH_NOT_FOUND();
    allow(parseAccess(found.access), permission, textErrors.PARAGRAPH_NOT_FOUND);
    return found.paragraph;
  }

  return {
    /** For what takes its time before anything is stored. */
    async allowWriting(sql: Sql, { projectId, caller }: ParagraphsFrom): Promise<void> {
      allow(await projects.access(sql, projectId, caller), "paragraphs.write");
    },

    /** Stores a batch, its events and its job in one statement, which also looks whether its author may. */
    async storeBatch(
      tx: Tx,
      by: ParagraphsFrom,
      contents: readonly string[],
      { lang = null, source = null, isPart = false }: BatchOptions = {},
    ): Promise<StoredBatch> {
      const { projectId, actorId } = by;
      const ids = contents.map(() => newId());
      const delayMs = pace.delayMs(projectId, contents.length, isPart);
      const options = { ...jobOptions(projectId, actorId), delayMs };
      const job = jobs.prepare(analyseTask, { project_id: projectId }, options);
      const insert = ids.length === 1 ? store.insertParagraph : store.insertParagraphs;
      const { access, jobId } = await insert(tx, {
        projectId,
        authorId: actorId,
        caller: by.caller,
        ids,
        contents,
        lang,
        source,
        events: paragraphsCreated(by, ids),
        job,
        permitted,
      });
      allow(parseAccess(access), "paragraphs.write");
      if (jobId === null) throw new Error("a batch of paragraphs that was allowed was not stored");
      events.hint(tx, projectId);
      tx.afterCommit(() => pace.wake(delayMs));
      return { ids, jobId };
    },

    getParagraph: (sql: Sql, id: string, who: Who) => getParagraph(sql, id, who, "paragraphs.read"),

    async listParagraphs(sql: Sql, who: Who, list: store.ParagraphList): Promise<Paragraph[]> {
      allow(await projects.access(sql, list.projectId, who), "paragraphs.read");
      return store.listParagraphs(sql, list);
    },

    /** Its counts go with it: from the commit on no total has them. */
    async deleteParagraph(tx: Tx, id: string, who: Who): Promise<void> {
      const userId = personOf(who);
      const { postId } = await getParagraph(tx, id, who, "paragraphs.delete", writeAccessColumn);
      if (postId !== null) throw textErrors.PARAGRAPH_OF_POST();
      const deleted = await store.deleteParagraph(tx, id);
      if (!deleted) throw textErrors.PARAGRAPH_NOT_FOUND();
      const { projectId, content, analysis } = deleted;
      if (analysis.state === "analysed") {
        tx.afterCommit(() => deps.onCounted(projectId));
        const isWorthMaintaining = await index.remove(tx, projectId, [{ doc: analysis.doc, content }]);
        if (isWorthMaintaining) {
          await jobs.enqueue(tx, analyseTask, { project_id: projectId }, jobOptions(projectId, userId));
        }
      }
      await events.append(tx, paragraphDeleted({ projectId, actorId: userId }, id));
    },

    /** Most frequent first, then in the order of their letters. Exact at once, analysed or not: the text itself is counted. */
    async countWords(sql: Sql, id: string, who: Who): Promise<WordCount[]> {
      const { content } = await getParagraph(sql, id, who, "paragraphs.read");
      const counts = [...tokenizer.countWords(content)].map(([word, count]) => ({ word, count }));
      return counts.sort((a, b) => b.count - a.count || compare(a.word, b.word));
    },
  };
}

/** By code point, the same on every machine. */
function compare(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}
