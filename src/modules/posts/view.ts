// What of posts leaves the server.
import { z } from "zod";
import type { Collection, Post, PostVersion } from "./model.ts";

const time = z.iso.datetime();
const version = z.int().meta({
  description:
    "1, 2, 3 …; the ETag of the post is this number in quotes, with a further number while people write it together.",
});
const path = z.string().nullable().meta({ description: "As a file of the project; null when it is none." });

export const postView = z
  .strictObject({
    id: z.uuid(),
    project_id: z.uuid(),
    title: z.string(),
    body: z.string().meta({ description: "Markdown." }),
    path,
    author_id: z.uuid().meta({ description: "Who created it." }),
    version,
    updated_by: z.uuid().meta({ description: "Who saved this version." }),
    created_at: time,
    updated_at: time,
    deleted_at: time.nullable().meta({ description: "Null unless it is deleted and can be restored." }),
  })
  .meta({ id: "Post" });

export const versionView = z
  .strictObject({
    post_id: z.uuid(),
    version,
    title: z.string(),
    path,
    author_id: z.uuid().meta({ description: "Who saved it." }),
    created_at: time,
    lines_added: z.int().meta({ description: "Against the version before." }),
    lines_removed: z.int(),
    restored_from: z
      .int()
      .nullable()
      .meta({ description: "The version that it took up again, if it is a restored one." }),
    editor_ids: z.array(z.uuid()).meta({ description: "All who wrote it; its author among them." }),
  })
  .meta({ id: "PostVersion" });

export const versionWithBodyView = versionView.extend({ body: z.string() }).meta({ id: "PostVersionText" });

export const renderedView = z
  .strictObject({
    id: z.uuid(),
    version,
    html: z.string().meta({
      description:
        "Listed elements and attributes only: no scripts, styles, ids, forms or frames. Safe to put in a page.",
    }),
  })
  .meta({ id: "RenderedPost" });

export const collectionView = z
  .strictObject({
    id: z.uuid(),
    project_id: z.uuid(),
    owner_id: z.uuid(),
    name: z.string(),
    post_count: z.int(),
    created_at: time,
    updated_at: time,
  })
  .meta({ id: "Collection" });

export function toPostView(post: Post): z.infer<typeof postView> {
  return {
    id: post.id,
    project_id: post.projectId,
    title: post.title,
    body: post.body,
    path: post.path,
    author_id: post.authorId,
    version: post.version,
    updated_by: post.updatedBy,
    created_at: post.createdAt.toISOString(),
    updated_at: post.updatedAt.toISOString(),
    deleted_at: post.deletedAt?.toISOString() ?? null,
  };
}

export function toVersionView(of: PostVersion): z.infer<typeof versionView> {
  return {
    post_id: of.postId,
    version: of.version,
    title: of.title,
    path: of.path,
    author_id: of.authorId,
    created_at: of.createdAt.toISOString(),
    lines_added: of.linesAdded,
    lines_removed: of.linesRemoved,
    restored_from: of.restoredFrom,
    editor_ids: [...of.editorIds],
  };
}

export function toCollectionView(collection: Collection): z.infer<typeof collectionView> {
  return {
    id: collection.id,
    project_id: collection.projectId,
    owner_id: collection.ownerId,
    name: collection.name,
    post_count: collection.postCount,
    created_at: collection.createdAt.toISOString(),
    updated_at: collection.updatedAt.toISOString(),
  };
}
