// What can be done with a post: create, read, list, change, delete, bring back.
import { type Sql, type Tx, violatedUnique } from "../../../kernel/db/index.ts";
import type { Events } from "../../../kernel/events/index.ts";
import { newId } from "../../../kernel/ids/index.ts";
import type { Jobs, Task } from "../../../kernel/jobs/index.ts";
import { accessesFor, allow, type Permission, type Projects, parseAccess } from "../../projects/index.ts";
import type { Texts } from "../../texts/index.ts";
import { postErrors } from "../errors.ts";
import { postCreated, postDeleted, postMentioned, postRestored, postUpdated } from "../events.ts";
import type { EraseInput } from "../jobs.ts";
import { countLines, diffLines } from "../line-diff.ts";
import type { FindMentioned } from "../mentioned-members.ts";
import { isSameContent, type Post, type PostContent, RESTORE_DAYS } from "../model.ts";
import * as store from "../store/posts.ts";
import { requireMatch, type VersionMatch } from "../version-match.ts";

export interface PostActionDeps {
  readonly events: Pick<Events, "append">;
  readonly jobs: Pick<Jobs, "enqueue">;
  readonly projects: Pick<Projects, "access">;
  readonly texts: Texts;
  readonly findMentioned: FindMentioned;
  readonly eraseTask: Task<EraseInput>;
}

/** Which post, by whom, and which version it must be. */
export interface Target {
  readonly id: string;
  readonly userId: string;
  readonly match?: VersionMatch | undefined;
}

export interface Edit {
  readonly content: PostContent;
  readonly restoredFrom?: number | null;
}

const DAY_MS = 86_400_000;

export type PostActions = ReturnType<typeof createPostActions>;

export function createPostActions(deps: PostActionDeps) {
  const permitted = accessesFor("posts.write");
  const { events, jobs, projects, texts, findMentioned, eraseTask } = deps;

  async function syncParagraphs(tx: Tx, post: Post, authorId: string, paragraphs: readonly string[]) {
    await texts.syncPostParagraphs(tx, { projectId: post.projectId, postId: post.id, authorId, paragraphs });
  }

  async function save(
    tx: Tx,
    post: Post,
    { content, restoredFrom = null }: Edit,
    userId: string,
  ): Promise<Post> {
    const lines = diffLines(post.body, content.body);
    const edit = {
      content,
      userId,
      linesAdded: lines.added,
      linesRemoved: lines.removed,
      restoredFrom,
    };
    const saved = await orPathTaken(store.updatePost(tx, post, edit));
    if (content.body !== post.body) await syncParagraphs(tx, post, userId, texts.splitMarkdown(content.body));
    const mentioned = await findMentioned(tx, saved, userId, post.body);
    // Last of all, since they hold the project's log to the commit.
    await events.append(tx, postUpdated(saved, userId, { ...lines, path: post.path, restoredFrom }));
    if (mentioned.length > 0) await events.append(tx, postMentioned(saved, userId, mentioned));
    return saved;
  }

  return {
    /** One statement, which also looks whether its author may; who is mentioned is asked before, if there are names. */
    async createPost(tx: Tx, projectId: string, userId: string, content: PostContent): Promise<Post> {
      const paragraphs = texts.splitMarkdown(content.body);
      const linesAdded = countLines(content.body);
      const noted = { id: newId(), projectId, version: 1, ...content };
      const mentioned = await findMentioned(tx, noted, userId, "");
      const parts = texts.newPostParts(tx, { projectId, postId: noted.id, authorId: userId, paragraphs });
      const announcements = [
        postCreated(noted, userId, linesAdded),
        ...(mentioned.length > 0 ? [postMentioned(noted, userId, mentioned)] : []),
      ];
      const { access, post } = await orPathTaken(
        store.insertPost(
          tx,
          { ...noted, authorId: userId, linesAdded, parts, events: announcements },
          permitted,
        ),
      );
      allow(parseAccess(access), "posts.write");
      if (!post) throw new Error("a post that was allowed was not stored");
      return post;
    },

    async getPost(sql: Sql, id: string, userId: string): Promise<Post> {
      return present(await store.findPost(sql, id, userId), "posts.read");
    },

    async listPosts(sql: Sql, userId: string, list: store.PostList): Promise<store.Bounded<Post>> {
      allow(await projects.access(sql, list.projectId, userId), "posts.read");
      return store.listPosts(sql, list);
    },

    /** What changes nothing makes no version. */
    async changePost(
      tx: Tx,
      { id, userId, match }: Target,
      toEdit: (post: Post) => Edit | Promise<Edit>,
    ): Promise<Post> {
      const post = present(await store.findPostToChange(tx, id, userId), "posts.write");
      requireMatch(post, match);
      const edit = await toEdit(post);
      return isSameContent(post, edit.content) ? post : save(tx, post, edit, userId);
    },

    async deletePost(tx: Tx, { id, userId, match }: Target): Promise<void> {
      const post = present(await store.findPostToChange(tx, id, userId), "posts.delete");
      requireMatch(post, match);
      await store.markDeleted(tx, id);
      await syncParagraphs(tx, post, userId, []);
      await jobs.enqueue(
        tx,
        eraseTask,
        { post_id: id },
        { projectId: post.projectId, delayMs: RESTORE_DAYS * DAY_MS },
      );
      await events.append(tx, postDeleted(post, userId));
    },

    /** Safe to repeat. */
    async restorePost(tx: Tx, id: string, userId: string): Promise<Post> {
      const found = await store.findPostToChange(tx, id, userId);
      if (!found) throw postErrors.POST_NOT_FOUND();
      allow(parseAccess(found.access), "posts.delete", postErrors.POST_NOT_FOUND);
      if (found.post.deletedAt === null) return found.post;
      const post = { ...found.post, deletedAt: null };
      await orPathTaken(store.markRestored(tx, id));
      await syncParagraphs(tx, post, userId, texts.splitMarkdown(post.body));
      await events.append(tx, postRestored(post, userId));
      return post;
    },
  };
}

/** A deleted post is not there, but to those who list or restore the deleted ones. */
function present(found: store.FoundPost | undefined, permission: Permission): Post {
  if (!found) throw postErrors.POST_NOT_FOUND();
  allow(parseAccess(found.access), permission, postErrors.POST_NOT_FOUND);
  if (found.post.deletedAt !== null) throw postErrors.POST_NOT_FOUND();
  return found.post;
}

async function orPathTaken<T>(saving: Promise<T>): Promise<T> {
  try {
    return await saving;
  } catch (error) {
    if (violatedUnique(error) === "posts_path_taken") throw postErrors.POST_PATH_TAKEN({ cause: error });
    throw error;
  }
}
