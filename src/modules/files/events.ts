// What files announce in a project's log. Those that jobs make are told of by the job's end.
import type { NewEvent } from "../../kernel/events/index.ts";
import type { StoredFile } from "../../kernel/files/index.ts";

export function fileCreated(
  { projectId, id, name, size, contentType }: StoredFile,
  actorId: string,
): NewEvent {
  return {
    projectId,
    actorId,
    event: "file.created",
    subject: id,
    data: { name, size, content_type: contentType },
  };
}

export function fileDeleted({ projectId, id }: StoredFile, actorId: string): NewEvent {
  return { projectId, actorId, event: "file.deleted", subject: id, data: {} };
}
