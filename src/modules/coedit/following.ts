// The post's body follows its document; of each editing session one version is made.
import { z } from "zod";
import type { Database } from "../../kernel/db/index.ts";
import type { Jobs, PreparedJob, Task } from "../../kernel/jobs/index.ts";
import type { CoeditedPosts } from "../posts/index.ts";
import { findDocument, saveSnapshot } from "./store/documents.ts";
import { endSession, findSession, markFollowed } from "./store/sessions.ts";
import type { DocumentThread } from "./thread/index.ts";

export interface FollowingDeps {
  readonly db: Database;
  readonly jobs: Pick<Jobs, "prepare" | "enqueue">;
  readonly posts: Pick<CoeditedPosts, "followBody" | "sealVersion">;
  readonly thread: Pick<DocumentThread, "condense">;
  /** A pause of so long ends an editing session. */
  readonly pauseMs: number;
}

const settleInput = z.strictObject({ post_id: z.uuid(), project_id: z.uuid(), has_left: z.boolean() });
type SettleInput = z.infer<typeof settleInput>;

/** A version is owed: it is tried for days. */
const MAX_ATTEMPTS = 25;

export interface Following {
  readonly task: Task<SettleInput>;
  /** Goes with the first change of a session. */
  prepareSettling(projectId: string, postId: string): PreparedJob;
  /** The last editor has left: no need to wait. */
  settleSoon(projectId: string, postId: string): Promise<void>;
  /** Nothing happens when the body said it already, or what came later. */
  follow(postId: string, seq: number, text: string): Promise<void>;
}

/** Undoes a transaction that came too late. */
class Overtaken extends Error {}

export function createFollowing({ db, jobs, posts, thread, pauseMs }: FollowingDeps): Following {
  async function follow(postId: string, seq: number, body: string): Promise<void> {
    try {
      await db.transaction(async (tx) => {
        const session = await findSession(tx, postId);
        if (!session?.editorId || !session.isBehind) return;
        const { editorId, editorIds } = session;
        await posts.followBody(tx, { id: postId, body, editorId, editorIds });
        if (!(await markFollowed(tx, postId, seq))) throw new Overtaken();
      });
    } catch (error) {
      if (!(error instanceof Overtaken)) throw error;
    }
  }

  const task: Task<SettleInput> = {
    name: "coedit.settle",
    input: settleInput,
    priority: "high",
    maxAttempts: MAX_ATTEMPTS,
    async run({ post_id: postId, project_id: projectId, has_left: hasLeft }, context) {
      const session = await findSession(db.sql, postId);
      if (!session?.isOpen) return { settled: false };
      const restMs = pauseMs - session.quietMs;
      const again = () =>
        db.transaction(async (tx) => {
          await context.fence(tx);
          await jobs.enqueue(
            tx,
            task,
            { post_id: postId, project_id: projectId, has_left: false },
            later(restMs),
          );
          return { settled: false };
        });
      const later = (delayMs: number) => ({
        projectId,
        uniqueKey: postId,
        delayMs: Math.max(delayMs, 1_000),
      });
      if (restMs > 0 && !hasLeft) return again();
      const stored = await findDocument(db.longSql, postId);
      if (!stored) return { settled: false };
      const { state, text } = await thread.condense(stored);
      if (stored.changes.length > 0) {
        const snapshot = { postId, fromSeq: stored.stateSeq, seq: stored.headSeq, state };
        await db.single((tx) => saveSnapshot(tx, snapshot), { pool: "long" });
      }
      const isSettled = await settle(postId, stored.headSeq, text);
      return isSettled ? { settled: true } : again();
    },
  };

  async function settle(postId: string, seq: number, body: string): Promise<boolean> {
    try {
      await db.transaction(async (tx) => {
        const session = await findSession(tx, postId);
        if (session?.editorId) {
          const { editorId, editorIds } = session;
          await posts.followBody(tx, { id: postId, body, editorId, editorIds });
        }
        if (!(await endSession(tx, postId, seq))) throw new Overtaken();
        // Last: it holds the project's log to the commit.
        await posts.sealVersion(tx, postId);
      });
      return true;
    } catch (error) {
      if (error instanceof Overtaken) return false;
      throw error;
    }
  }

  const input = (projectId: string, postId: string, hasLeft: boolean): SettleInput => ({
    post_id: postId,
    project_id: projectId,
    has_left: hasLeft,
  });

  return {
    task,
    follow,
    prepareSettling: (projectId, postId) =>
      jobs.prepare(task, input(projectId, postId, false), { projectId, uniqueKey: postId, delayMs: pauseMs }),
    async settleSoon(projectId, postId) {
      const options = { projectId, uniqueKey: `${postId} left` };
      await db.transaction((tx) => jobs.enqueue(tx, task, input(projectId, postId, true), options));
    },
  };
}
