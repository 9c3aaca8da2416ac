// What of posts is exported with a project.
import { type ExportPart, pagesByKey } from "../projects/index.ts";
import { countExported, listCollectionsAt, listPostsAt, listVersionsAt } from "./store/export.ts";

export const exportParts: readonly ExportPart[] = [
  {
    kind: "post",
    count: async (sql, scope) => (await countExported(sql, scope)).posts,
    pages: (sql, scope) =>
      pagesByKey(
        (after?: string) => listPostsAt(sql, scope, after),
        ({ id }) => id,
      ),
  },
  {
    kind: "post_version",
    count: async (sql, scope) => (await countExported(sql, scope)).versions,
    pages: (sql, scope) =>
      pagesByKey(
        (after?: readonly [string, number]) => listVersionsAt(sql, scope, after),
        ({ post_id, version }) => [post_id, version] as const,
      ),
  },
  {
    kind: "collection",
    count: async (sql, scope) => (await countExported(sql, scope)).collections,
    pages: (sql, scope) =>
      pagesByKey(
        (after?: string) => listCollectionsAt(sql, scope, after),
        ({ id }) => id,
      ),
  },
];
