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

export function projectRestored({ projectId, actorId }: By): NewEvent {
  return { projectId, event: "project.restored", actorId, subject: projectId, data: {} };
}

/** In the project's log, and on the personal stream of the new owner. */
export function projectHandedOver({ projectId, actorId }: By, ownerId: string): NewEvent {
  return {
    projectId,
    event: "project.handed_over",
    actorId,
    subject: projectId,
    data: { owner_id: ownerId, previous_owner_id: actorId },
  };
}

/** Without the address: every member reads the log. */
export function collaboratorInvited(
  { projectId, actorId }: By,
  invitationId: string,
  role: CollaboratorRole,
): NewEvent {
  return { projectId, event: "collaborator.invited", actorId, subject: invitationId, data: { role } };
}

/** The invitation was withdrawn, or declined. */
export function collaboratorUninvited({ projectId, actorId }: By, invitationId: string): NewEvent {
  return { projectId, event: "collaborator.uninvited", actorId, subject: invitationId, data: {} };
}

/** On the personal stream of whose verified address was invited. */
export function invitationReceived(invitation: {
  readonly id: string;
  readonly projectId: string;
  readonly invitedBy: string;
  readonly role: CollaboratorRole;
}): Omit<NewEvent, "projectId"> {
  return {
    event: "invitation.received",
    actorId: invitation.invitedBy,
    subject: invitation.id,
    data: { project_id: invitation.projectId, role: invitation.role },
  };
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
