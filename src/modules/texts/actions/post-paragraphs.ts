// The paragraphs that a post's body consists of: what an edit leaves as it is stays analysed, the rest is made anew.
import type { Query, Sql, Tx } from "../../../kernel/db/index.ts";
import type { Jobs, Task } from "../../../kernel/jobs/index.ts";
import { textErrors } from "../errors.ts";
import { readMarkdown } from "../import/index.ts";
import { ANALYSE_KEY, type ProjectInput } from "../jobs.ts";
import type { Pace } from "../pace.ts";
import * as store from "../store.ts";
import type { WordIndex } from "../word-index/index.ts";

export interface PostParagraphDeps {
  readonly jobs: Pick<Jobs, "prepare">;
  readonly pace: Pace;
  readonly index: Pick<WordIndex, "removeColumn">;
  readonly analyseTask: Task<ProjectInput>;
}

export interface PostText {
  readonly projectId: string;
  readonly postId: string;
  /** Who wrote what is new. */
  readonly authorId: string;
  readonly paragraphs: readonly string[];
  /** What `paragraphsColumn` gave when the post was read; of a new post nothing. */
  readonly before?: Readonly<Record<string, string>>;
}

/** Each is a row: so many are stored and taken away within a second. */
const MAX_PARAGRAPHS = 20_000;

export function createPostParagraphs({ jobs, pace, index, analyseTask }: PostParagraphDeps) {
  return {
    splitMarkdown,

    paragraphsColumn: (sql: Sql, postId: Query<unknown>): Query<unknown> =>
      store.postParagraphsColumn(sql, postId),

    postParts(tx: Tx, post: PostText): Query<unknown> {
      const { projectId, postId, authorId, paragraphs, before = {} } = post;
      const { fresh, gone } = compare(before, paragraphs);
      const changes = fresh.length + gone.length;
      const delayMs = changes > 0 ? pace.delayMs(projectId, changes) : 0;
      const options = { projectId, createdBy: authorId, uniqueKey: ANALYSE_KEY, delayMs };
      const job = jobs.prepare(analyseTask, { project_id: projectId }, options);
      if (changes > 0) tx.afterCommit(() => pace.wake(delayMs));
      const contents = gone.map((id) => before[id] ?? "");
      const forget = index.removeColumn(tx, projectId, contents);
      return store.postParts(tx, { projectId, postId, authorId, fresh, gone, job }, forget);
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
  before: Readonly<Record<string, string>>,
  contents: readonly string[],
): { readonly fresh: readonly string[]; readonly gone: readonly string[] } {
  const idsByContent = new Map<string, string[]>();
  for (const [id, content] of Object.entries(before)) {
    const ids = idsByContent.get(content);
    if (ids) ids.push(id);
    else idsByContent.set(content, [id]);
  }
  const fresh = contents.filter((content) => idsByContent.get(content)?.pop() === undefined);
  return { fresh, gone: [...idsByContent.values()].flat() };
}
