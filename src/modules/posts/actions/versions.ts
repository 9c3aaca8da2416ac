// What can be done with a post's history: list, read, take up an earlier version.
import type { Sql, Tx } from "../../../kernel/db/index.ts";
import { postErrors } from "../errors.ts";
import type { Post, PostVersion } from "../model.ts";
import { findVersion, listVersions } from "../store/versions.ts";
import type { PostActions, Target } from "./posts.ts";

export type VersionText = PostVersion & { readonly body: string };

export type VersionActions = ReturnType<typeof createVersionActions>;

export function createVersionActions({ getPost, changePost }: Pick<PostActions, "getPost" | "changePost">) {
  async function getVersion(sql: Sql, postId: string, version: number): Promise<VersionText> {
    const found = await findVersion(sql, postId, version);
    if (!found) throw postErrors.VERSION_NOT_FOUND();
    return found;
  }

  return {
    /** Newest first, one more than `limit` if there are. */
    async listVersions(
      sql: Sql,
      { id, caller }: Target,
      page: { readonly beforeVersion: number | undefined; readonly limit: number },
    ): Promise<PostVersion[]> {
      await getPost(sql, id, caller);
      return listVersions(sql, id, page);
    },

    async getVersion(sql: Sql, { id, caller }: Target, version: number): Promise<VersionText> {
      await getPost(sql, id, caller);
      return getVersion(sql, id, version);
    },

    /** A new version with the title and the body of an earlier one. The path stays: where a post lies is not what it says. */
    restoreVersion: (tx: Tx, target: Target, version: number): Promise<Post> =>
      changePost(tx, target, async (post) => {
        const { title, body } = await getVersion(tx, post.id, version);
        return { content: { title, body, path: post.path }, restoredFrom: version };
      }),
  };
}
