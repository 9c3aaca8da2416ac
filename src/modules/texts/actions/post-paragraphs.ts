// The paragraphs that a post's body consists of: what an edit leaves as it is stays analysed, the rest is made anew.
import { createHash } from "node:crypto";
import type { Query, Tx } from "../../../kernel/db/index.ts";
import type { Jobs, Task } from "../../../kernel/jobs/index.ts";
import { textErrors } from "../errors.ts";
import { readMarkdown } from "../import/index.ts";
import { ANALYSE_KEY, type ProjectInput } from "../jobs.ts";
import type { Analysis } from "../model.ts";
import type { Pace } from "../pace.ts";
import * as store from "../store.ts";
import type { RemovedParagraph, WordIndex } from "../word-index/index.ts";

export interface PostParagraphDeps {
  readonly jobs: Pick<Jobs, "prepare" | "enqueue">;
  readonly pace: Pace;
  readonly index: Pick<WordIndex, "remove">;
  readonly analyseTask: Task<ProjectInput>;
}

export interface PostText {
  readonly projectId: string;
  readonly postId: string;
  /** Who wrote what is new. */
  readonly authorId: string;
  readonly paragraphs: readonly string[];
}

/** Each is a row: so many are stored and taken away within a second. */
const MAX_PARAGRAPHS = 20_000;

export function createPostParagraphs({ jobs, pace, index, analyseTask }: PostParagraphDeps) {
  return {
    splitMarkdown,

    newPostParts(tx: Tx, post: PostText): Query<unknown> {
      const { projectId, authorId, paragraphs } = post;
      const delayMs = pace.delayMs(projectId, paragraphs.length);
      const options = { projectId, createdBy: authorId, uniqueKey: ANALYSE_KEY, delayMs };
      const job = jobs.prepare(analyseTask, { project_id: projectId }, options);
      tx.afterCommit(() => pace.wake(delayMs));
      return store.newPostParts(tx, post, paragraphs, job);
    },

    async syncPostParagraphs(tx: Tx, post: PostText): Promise<void> {
      const { projectId, postId, authorId, paragraphs } = post;
      const old = await store.lockPostParagraphs(tx, projectId, postId);
      const { fresh, gone } = compare(old, paragraphs);
      if (fresh.length === 0 && gone.length === 0) return;
      // Sent one after the other without waiting: the database does them in this order.
      const [deleted] = await Promise.all([
        gone.length > 0 ? store.deleteParagraphs(tx, gone) : [],
        fresh.length > 0 ? store.insertPostParagraphs(tx, post, fresh) : undefined,
      ]);
      // Rows, then the index, then its job: the order in which everyone takes these locks.
      const counted = deleted.flatMap(toRemoved);
      const isWorthMaintaining = counted.length > 0 && (await index.remove(tx, projectId, counted));
      if (fresh.length === 0 && !isWorthMaintaining) return;
      const delayMs = pace.delayMs(projectId, fresh.length);
      const options = { projectId, createdBy: authorId, uniqueKey: ANALYSE_KEY, delayMs };
      await jobs.enqueue(tx, analyseTask, { project_id: projectId }, options);
      tx.afterCommit(() => pace.wake(delayMs));
    },
  };
}

function splitMarkdown(text: string): readonly string[] {
  const contents: string[] = [];
  for (const piece of readMarkdown(text)) {
    if (piece.kind === "paragraph") contents.push(piece.content);
    else if (piece.code === "PARAGRAPH_TOO_LONG") {
      const message = `The paragraph that begins in line ${piece.line} is too long.`;
      throw textErrors.PARAGRAPH_TOO_LONG({ fields: [{ path: "body", message }] });
    }
  }
  if (contents.length > MAX_PARAGRAPHS) throw textErrors.TOO_MANY_PARAGRAPHS();
  return contents;
}

/** A text that stands there twice is two paragraphs. */
function compare(
  old: readonly store.PostParagraph[],
  contents: readonly string[],
): { readonly fresh: readonly string[]; readonly gone: readonly string[] } {
  const idsByHash = new Map<string, string[]>();
  for (const { id, hash } of old) {
    const ids = idsByHash.get(hash);
    if (ids) ids.push(id);
    else idsByHash.set(hash, [id]);
  }
  const fresh = contents.filter((content) => {
    const hash = createHash("sha256").update(content).digest("hex");
    return idsByHash.get(hash)?.pop() === undefined;
  });
  return { fresh, gone: [...idsByHash.values()].flat() };
}

function toRemoved({ content, analysis }: { content: string; analysis: Analysis }): RemovedParagraph[] {
  return analysis.state === "analysed" ? [{ doc: analysis.doc, content }] : [];
}
