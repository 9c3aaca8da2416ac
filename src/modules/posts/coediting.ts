// What posts have to do with documents that people write at the same time: whoever keeps those is told here, and tells.
import type { Query, Sql, Tx } from "../../kernel/db/index.ts";
import { type Access, parseAccess } from "../projects/index.ts";
import type { Post } from "./model.ts";
import { type FollowedBody, findTarget, markCoedited, saveFollowed } from "./store/coediting.ts";

type Place = Pick<Post, "id" | "projectId">;

/** Of whoever keeps the documents. */
export interface DocumentKeeper {
  /** Saves what was typed up to now as the body; read the post again after it. */
  catchUp(post: Place): Promise<void>;
  /**
   * Finds a change as small as may be by which the document says this in place of the post's body: what others have written
   * beyond that body stays. Nothing is changed by it; undefined where no document is kept.
   */
  propose(post: Place & Pick<Post, "body">, body: string): Promise<Proposal | undefined>;
  /** The post is gone for good. */
  erased(tx: Tx, postId: string): Promise<void>;
}

/** A change of a document that is stored with its post, in one statement, or not at all. */
export interface Proposal {
  /** What the document says by it. */
  readonly body: string;
  /** For the statement that saves the post as its part `post`: ends in a part `document_change`. */
  readonly part: (sql: Sql) => Query<unknown>;
  /** Call it after the commit: those who edit are told. */
  readonly stored: () => void;
}

export type Coediting = DocumentKeeper & {
  use(keeper: DocumentKeeper): void;
};

/** Stands in for the keeper, which comes after posts and knows them. */
export function createCoediting(): Coediting {
  let keeper: DocumentKeeper | undefined;
  return {
    use(given) {
      keeper = given;
    },
    catchUp: async (post) => keeper?.catchUp(post),
    propose: async (post, body) => keeper?.propose(post, body),
    erased: async (tx, postId) => keeper?.erased(tx, postId),
  };
}

/** What the keeper of the documents asks of posts. */
export interface CoeditedPosts {
  /** The project of a post that is there, and what the user may do in it. */
  findTarget(
    sql: Sql,
    postId: string,
    userId: string,
  ): Promise<{ readonly projectId: string; readonly access: Access | undefined } | undefined>;
  /** In the transaction that makes the document; holds the post, so that no change of the body is missed. */
  beginCoediting(
    tx: Tx,
    postId: string,
  ): Promise<{ readonly projectId: string; readonly body: string } | undefined>;
  /** Saves the body into the version that is open, or opens one; false when nothing differs or the post is deleted. */
  followBody(tx: Tx, followed: FollowedBody): Promise<boolean>;
  /** Completes the open version, with its event; nothing when none is open. */
  sealVersion(tx: Tx, postId: string): Promise<void>;
  useDocuments(keeper: DocumentKeeper): void;
}

export function createCoeditedPosts(
  coediting: Coediting,
  sealVersion: CoeditedPosts["sealVersion"],
): CoeditedPosts {
  return {
    async findTarget(sql, postId, userId) {
      const found = await findTarget(sql, postId, userId);
      return found && { projectId: found.projectId, access: parseAccess(found.access) };
    },
    beginCoediting: markCoedited,
    followBody: saveFollowed,
    sealVersion,
    useDocuments: coediting.use,
  };
}
