// What posts, their versions and collections are, and the pure rules about them.

export interface Post {
  readonly id: string;
  readonly projectId: string;
  readonly title: string;
  /** Markdown. */
  readonly body: string;
  /** As a file of the project; null when it is none. */
  readonly path: string | null;
  /** Who created it. */
  readonly authorId: string;
  /** 1, 2, 3 … without gaps. */
  readonly version: number;
  /** Who saved this version. */
  readonly updatedBy: string;
  readonly createdAt: Date;
  readonly updatedAt: Date;
  /** Null unless it is deleted and can still be restored. */
  readonly deletedAt: Date | null;
  /** How often this version was saved while people write it together; null once it is complete. */
  readonly draft: number | null;
  /** There is a document that its body follows. */
  readonly isCoedited: boolean;
}

/** What an edit may change. */
export type PostContent = Pick<Post, "title" | "body" | "path">;

/** A version as the history tells of it; the current one too. */
export interface PostVersion {
  readonly postId: string;
  readonly version: number;
  readonly title: string;
  readonly path: string | null;
  /** Who saved it. */
  readonly authorId: string;
  readonly createdAt: Date;
  readonly linesAdded: number;
  readonly linesRemoved: number;
  /** The version whose text it took up again, if it is a restored one. */
  readonly restoredFrom: number | null;
  /** All who wrote it; its author among them. */
  readonly editorIds: readonly string[];
}

export interface Collection {
  readonly id: string;
  readonly projectId: string;
  readonly ownerId: string;
  readonly name: string;
  /** Posts in it that are not deleted. */
  readonly postCount: number;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

/** UTF-16 code units. */
export const MAX_TITLE_UNITS = 500;
export const MAX_BODY_UNITS = 1_048_576;
/** Days from the deletion of a post to its erasing, in which it can be restored. */
export const RESTORE_DAYS = 30;
export const MAX_COLLECTION_POSTS = 10_000;

/** A post's content after an edit; the fields left out stay. */
export function edited(post: PostContent, change: Partial<PostContent>): PostContent {
  const { title = post.title, body = post.body, path = post.path } = change;
  return { title, body, path };
}

export function isSameContent(a: PostContent, b: PostContent): boolean {
  return a.title === b.title && a.body === b.body && a.path === b.path;
}

/** Below it two ranks are too near for another between them; doubles of our size tell 1e-9 apart. */
const LEAST_GAP = 1e-6;

/**
 * The rank of a post between two others, of which each may be missing at its end; undefined when they stand so near that the
 * ranks must be given anew.
 */
export function rankBetween(before: number | undefined, after: number | undefined): number | undefined {
  if (before === undefined) return after === undefined ? 0 : after - 1;
  if (after === undefined) return before + 1;
  return after - before > LEAST_GAP ? (before + after) / 2 : undefined;
}
