// What the projects module announces in a project's log.
import type { NewEvent, StoredEvent } from "../../kernel/events/index.ts";
import type { CollaboratorRole, ProjectChange } from "./model.ts";

interface By {
  readonly projectId: string;
  readonly actorId: string;
}

export function projectCreated({ projectId, actorId }: By, name: string): NewEvent {
  return { projectId, event: "project.created", actorId, subject: projectId, data: { name } };
}

/** One event for the texts, and one for the status, in this order; none for a change that changes nothing. */
export function projectChanged({ projectId, actorId }: By, change: ProjectChange): NewEvent[] {
  const { name, description, status } = change;
  const by = { projectId, actorId, subject: projectId };
  const events: NewEvent[] = [];
  if (name !== undefined || description !== undefined) {
    // The description itself may be longer than a small fact: clients fetch it.
    const fields = [
      ...(name !== undefined ? ["name"] : []),
      ...(description !== undefined ? ["description"] : []),
    ];
    events.push({
      ...by,
      event: "project.updated",
      data: { fields, ...(name !== undefined ? { name } : {}) },
    });
  }
  if (status === "archived") events.push({ ...by, event: "project.archived", data: {} });
  if (status === "active") events.push({ ...by, event: "project.unarchived", data: {} });
  return events;
}

export function projectDeleted({ projectId, actorId }: By): NewEvent {
  return { projectId, event: "project.deleted", actorId, subject: projectId, data: {} };
}

export function collaboratorAdded(
  { projectId, actorId }: By,
  userId: string,
  role: CollaboratorRole,
): NewEvent {
  return { projectId, event: "collaborator.added", actorId, subject: userId, data: { role } };
}

export function collaboratorChanged(
  { projectId, actorId }: By,
  userId: string,
  role: CollaboratorRole,
): NewEvent {
  return { projectId, event: "collaborator.changed", actorId, subject: userId, data: { role } };
}

/** Also when he leaves; then the actor is the subject. */
export function collaboratorRemoved({ projectId, actorId }: By, userId: string): NewEvent {
  return { projectId, event: "collaborator.removed", actorId, subject: userId, data: {} };
}

/** On the personal stream of whom the project was shared with; he cannot see the project's log before. */
export function projectShared(
  { projectId, actorId }: By,
  role: CollaboratorRole,
): Omit<NewEvent, "projectId"> {
  return { event: "project.shared", actorId, subject: projectId, data: { role } };
}

/** On the personal stream of who was taken out or has left; he cannot see the project's log after. */
export function projectUnshared({ projectId, actorId }: By): Omit<NewEvent, "projectId"> {
  return { event: "project.unshared", actorId, subject: projectId, data: {} };
}

/** Who may not read the log on after this event, by what it says; nobody for most. */
export function accessWithdrawnBy(
  event: Pick<StoredEvent, "event" | "subject">,
): { readonly userId: string } | "everyone" | undefined {
  if (event.event === "collaborator.removed") return { userId: event.subject };
  return event.event === "project.deleted" ? "everyone" : undefined;
}
