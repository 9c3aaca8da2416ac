// What the posts module announces in a project's log, and in the personal streams of those who are mentioned.
import { type NewEvent, personalStreamId } from "../../kernel/events/index.ts";
import type { LineCounts } from "./line-diff.ts";
import type { Collection, Post } from "./model.ts";

/** An event holds small facts; the version names all. */
const MAX_NAMED = 100;

type Noted = Pick<Post, "id" | "projectId" | "version" | "path">;

export interface EditFacts extends LineCounts {
  /** Of the version before. */
  readonly path: string | null;
  readonly restoredFrom: number | null;
  /** Where several wrote it together. */
  readonly editorIds?: readonly string[];
}

export function postCreated(post: Noted, actorId: string, added: number): NewEvent {
  return ofPost("post.created", post, actorId, { lines_added: added, lines_removed: 0 });
}

/** `previous_path` when it has moved, `restored_from` when it took up an earlier version. */
export function postUpdated(post: Noted, actorId: string, edit: EditFacts): NewEvent {
  return ofPost("post.updated", post, actorId, {
    lines_added: edit.added,
    lines_removed: edit.removed,
    ...(edit.path === post.path ? {} : { previous_path: edit.path }),
    ...(edit.restoredFrom === null ? {} : { restored_from: edit.restoredFrom }),
    ...(edit.editorIds ? { editors: edit.editorIds.slice(0, MAX_NAMED) } : {}),
  });
}

/** One in the project's log for all members, and one in the stream of each who is mentioned, in the order of their ids. */
export function postMentioned(post: Noted, actorId: string, userIds: readonly string[]): NewEvent[] {
  if (userIds.length === 0) return [];
  const mine = ofPost("post.mentioned", post, actorId, { project_id: post.projectId });
  return [
    ofPost("post.mentioned", post, actorId, { user_ids: userIds }),
    ...userIds.toSorted().map((userId) => ({ ...mine, projectId: personalStreamId(userId) })),
  ];
}

export function postDeleted(post: Noted, actorId: string): NewEvent {
  return ofPost("post.deleted", post, actorId, {});
}

export function postRestored(post: Noted, actorId: string): NewEvent {
  return ofPost("post.restored", post, actorId, {});
}

/** By the server itself: it was deleted, and cannot be restored any more. */
export function postErased(post: Noted): NewEvent {
  return ofPost("post.erased", post, null, {});
}

function ofPost(
  event: string,
  { id, projectId, version, path }: Noted,
  actorId: string | null,
  facts: Readonly<Record<string, unknown>>,
): NewEvent {
  return { projectId, event, actorId, subject: id, data: { id, version, path, ...facts } };
}

export type CollectionEvent =
  | { readonly event: "collection.created" | "collection.updated"; readonly data: { readonly name: string } }
  | {
      readonly event: "collection.taken_over";
      readonly data: { readonly owner_id: string; readonly previous_owner_id: string };
    }
  | { readonly event: "collection.deleted"; readonly data: Readonly<Record<string, never>> }
  | {
      readonly event: "collection.post_added" | "collection.post_moved";
      readonly data: { readonly post_id: string; readonly position: number };
    }
  | { readonly event: "collection.post_removed"; readonly data: { readonly post_id: string } };

export function ofCollection(
  { id, projectId }: Pick<Collection, "id" | "projectId">,
  actorId: string,
  { event, data }: CollectionEvent,
): NewEvent {
  return { projectId, event, actorId, subject: id, data };
}
