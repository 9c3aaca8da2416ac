// What can be done with a post: create, read, list, change, delete, bring back.
import { type Sql, type Tx, violatedUnique } from "../../../kernel/db/index.ts";
import { Refusal } from "../../../kernel/errors/index.ts";
import type { Events, NewEvent } from "../../../kernel/events/index.ts";
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
} from "../../projects/index.ts";
import type { Texts } from "../../texts/index.ts";
import type { Coediting, Proposal } from "../coediting.ts";
import { postErrors } from "../errors.ts";
import { postCreated, postDeleted, postMentioned, postRestored, postUpdated } from "../events.ts";
import type { EraseInput } from "../jobs.ts";
import { countLines, diffLines } from "../line-diff.ts";
import type { FindMentioned } from "../mentioned-members.ts";
import { isSameContent, type Post, type PostContent, RESTORE_DAYS } from "../model.ts";
import { completeVersion, findOpenVersion } from "../store/coediting.ts";
import * as store from "../store/posts.ts";
import { insertPost, markDeleted, markRestored, updatePost } from "../store/saving.ts";
import { requireMatch, type VersionMatch } from "../version-match.ts";

export interface PostActionDeps {
  readonly events: Pick<Events, "openPersonal" | "hint">;
  readonly jobs: Pick<Jobs, "prepare">;
  readonly projects: Pick<Projects, "access">;
  readonly texts: Texts;
  readonly findMentioned: FindMentioned;
  readonly eraseTask: Task<EraseInput>;
  readonly coediting: Coediting;
}

/** Which post, by whom, and which version it must be. */
export interface Target {
  readonly id: string;
  readonly caller: Who;
  readonly match?: VersionMatch | undefined;
}

export interface Edit {
  readonly content: PostContent;
  readonly restoredFrom?: number | null;
  /** The change of its document, where it has one. */
  readonly proposal?: Proposal | undefined;
}

const DAY_MS = 86_400_000;

export type PostActions = ReturnType<typeof createPostActions>;

export function createPostActions(deps: PostActionDeps) {
  const permitted = accessesFor("posts.write");
  const { events, jobs, projects, texts, findMentioned, eraseTask, coediting } = deps;

  function toParts(tx: Tx, post: Pick<Post, "id" | "projectId" | "body">, authorId: string, before = {}) {
    const text = { projectId: post.projectId, postId: post.id, authorId, before };
    return texts.postParts(tx, { ...text, paragraphs: texts.splitMarkdown(post.body) });
  }

  async function mention(
    tx: Tx,
    post: Pick<Post, "id" | "projectId" | "version" | "path" | "body">,
    userId: string,
    before: string,
  ): Promise<NewEvent[]> {
    const mentioned = await findMentioned(tx, post, userId, before);
    if (mentioned.length > 0) await events.openPersonal(tx, mentioned);
    return postMentioned(post, userId, mentioned);
  }

  /** Events that the caller's statement will append: wakes their readers once they are there. */
  function announced(tx: Tx, appended: readonly NewEvent[]): readonly NewEvent[] {
    for (const { projectId } of appended) events.hint(tx, projectId);
    return appended;
  }

  /** Undefined when the post is not any more as it was found. */
  async function save(
    tx: Tx,
    found: store.PostToChange,
    { content, restoredFrom = null, proposal }: Edit,
    userId: string,
  ): Promise<Post | undefined> {
    const { post, paragraphs } = found;
    const lines = diffLines(post.body, content.body);
    const next = { ...post, ...content, version: post.version + 1 };
    const mentions = await mention(tx, next, userId, post.body);
    const edit = { content, userId, linesAdded: lines.added, linesRemoved: lines.removed, restoredFrom };
    const updated = postUpdated(next, userId, { ...lines, path: post.path, restoredFrom });
    const saved = await orPathTaken(
      updatePost(tx, found, edit, {
        parts: toParts(tx, next, userId, paragraphs),
        events: announced(tx, [updated, ...mentions]),
        documentPart: proposal?.part(tx),
      }),
    );
    if (saved && proposal) tx.afterCommit(proposal.stored);
    return saved;
  }

  /** Completes the version that people have written together, if one is open, as of now. */
  async function sealVersion(tx: Tx, id: string): Promise<void> {
    await untilSaved(async () => {
      const open = await findOpenVersion(tx, id, texts.paragraphsColumn(tx, tx`p.id`));
      if (!open) return true;
      const { post, before, editorIds } = open;
      const lines = diffLines(before.body, post.body);
      const mentions = await mention(tx, post, post.updatedBy, before.body);
      const edit = { ...lines, path: before.path, restoredFrom: null, editorIds };
      const companions = {
        parts: toPartsIfFit(tx, post, post.updatedBy, open.paragraphs),
        events: announced(tx, [postUpdated(post, post.updatedBy, edit), ...mentions]),
      };
      return (await completeVersion(tx, open, lines, companions)) || undefined;
    });
  }

  /** People typed it, and cannot be told: what the analysis does not take stays as it was analysed last. */
  function toPartsIfFit(tx: Tx, post: Post, authorId: string, before: Readonly<Record<string, string>>) {
    try {
      return toParts(tx, post, authorId, before);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      const text = { projectId: post.projectId, postId: post.id, authorId, before };
      return texts.postParts(tx, { ...text, paragraphs: Object.values(before) });
    }
  }

  async function load(tx: Tx, id: string, who: Who, permission: Permission) {
    const found = await store.findPostToChange(tx, id, who, texts.paragraphsColumn(tx, tx`p.id`));
    if (!found) throw postErrors.POST_NOT_FOUND();
    allow(parseAccess(found.access), permission, postErrors.POST_NOT_FOUND);
    return found;
  }

  return {
    /** One statement, which also looks whether its author may; who is mentioned is asked before, if there are names. */
    async createPost(tx: Tx, projectId: string, caller: Who, content: PostContent): Promise<Post> {
      const userId = personOf(caller);
      const linesAdded = countLines(content.body);
      const noted = { id: newId(), projectId, version: 1, ...content };
      const mentions = await mention(tx, noted, userId, "");
      const created = postCreated(noted, userId, linesAdded);
      const { access, post } = await orPathTaken(
        insertPost(tx, { ...noted, authorId: userId, caller, linesAdded }, permitted, {
          parts: toParts(tx, noted, userId),
          events: announced(tx, [created, ...mentions]),
        }),
      );
      allow(parseAccess(access), "posts.write");
      if (!post) throw new Error("a post that was allowed was not stored");
      return post;
    },

    async getPost(sql: Sql, id: string, who: Who): Promise<Post> {
      const found = await store.findPost(sql, id, who);
      if (!found) throw postErrors.POST_NOT_FOUND();
      allow(parseAccess(found.access), "posts.read", postErrors.POST_NOT_FOUND);
      return live(found);
    },

    async listPosts(sql: Sql, who: Who, list: store.PostList): Promise<store.Bounded<Post>> {
      allow(await projects.access(sql, list.projectId, who), "posts.read");
      return store.listPosts(sql, list);
    },

    sealVersion,

    /**
     * What changes nothing makes no version. Two round trips: what was read is written only if it is still the same. Where
     * there is a document the body catches up with it before, and a new body is a change of the document, stored with the post.
     */
    async changePost(
      tx: Tx,
      { id, caller, match }: Target,
      toEdit: (post: Post) => Edit | Promise<Edit>,
    ): Promise<Post> {
      let hasCaughtUp = false;
      let isMatched = false;
      return untilSaved(async () => {
        const found = await load(tx, id, caller, "posts.write");
        const post = live(found);
        if (post.isCoedited && !hasCaughtUp) {
          hasCaughtUp = true;
          await coediting.catchUp(post);
          // Also where that had nothing to do: another may have done it since the post was read.
          return undefined;
        }
        if (!isMatched) requireMatch(post, match);
        const edit = await toEdit(post);
        if (isSameContent(post, edit.content)) return post;
        if (post.draft !== null) {
          await sealVersion(tx, id);
          // Its ETag is another now, and says the same.
          isMatched = true;
          return undefined;
        }
        const isNewBody = post.isCoedited && edit.content.body !== post.body;
        const proposal = isNewBody ? await coediting.propose(post, edit.content.body) : undefined;
        if (!proposal) return save(tx, found, edit, personOf(caller));
        // With what others have written since: that is not to be taken away again.
        const content = { ...edit.content, body: proposal.body };
        return save(tx, found, { ...edit, content, proposal }, personOf(caller));
      });
    },

    async deletePost(tx: Tx, { id, caller, match }: Target): Promise<void> {
      const userId = personOf(caller);
      const job = (projectId: string) =>
        jobs.prepare(eraseTask, { post_id: id }, { projectId, delayMs: RESTORE_DAYS * DAY_MS });
      await untilSaved(async () => {
        const found = await load(tx, id, caller, "posts.delete");
        const post = live(found);
        requireMatch(post, match);
        const parts = toParts(tx, { ...post, body: "" }, userId, found.paragraphs);
        const companions = { parts, events: announced(tx, [postDeleted(post, userId)]) };
        return (await markDeleted(tx, found, userId, job(post.projectId), companions)) || undefined;
      });
    },

    /** Safe to repeat. */
    restorePost: (tx: Tx, id: string, caller: Who): Promise<Post> =>
      untilSaved(async () => {
        const userId = personOf(caller);
        const found = await load(tx, id, caller, "posts.delete");
        const { post, paragraphs } = found;
        if (post.deletedAt === null) return post;
        const parts = toParts(tx, post, userId, paragraphs);
        const companions = { parts, events: announced(tx, [postRestored(post, userId)]) };
        const isSaved = await orPathTaken(markRestored(tx, found, userId, companions));
        return isSaved ? { ...post, deletedAt: null } : undefined;
      }),
  };
}

/** Reads and tries anew until nobody was faster. Whenever one has to, another's change was saved: all of them get through. */
async function untilSaved<T>(attempt: () => Promise<T | undefined>): Promise<T> {
  for (;;) {
    const saved = await attempt();
    if (saved !== undefined) return saved;
  }
}

/** A deleted post is not there, but to those who list or restore the deleted ones. */
function live({ post }: store.FoundPost): Post {
  if (post.deletedAt !== null) throw postErrors.POST_NOT_FOUND();
  return post;
}

async function orPathTaken<T>(saving: Promise<T>): Promise<T> {
  try {
    return await saving;
  } catch (error) {
    if (violatedUnique(error) === "posts_path_taken") throw postErrors.POST_PATH_TAKEN({ cause: error });
    throw error;
  }
}
