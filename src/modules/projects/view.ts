// What of projects leaves the server.
import { z } from "zod";
import type { StoredEvent } from "../../kernel/events/index.ts";
import type { ShownInvitation } from "./actions/invitations.ts";
import {
  type ApiKey,
  type Collaborator,
  type Invitation,
  isPersonal,
  type Participant,
  type Project,
} from "./model.ts";

const role = z.enum(["owner", "collaborator", "viewer"]);
export const collaboratorRole = z.enum(["collaborator", "viewer"]);
export const projectStatus = z.enum(["active", "archived"]);
const time = z.iso.datetime();

export const projectView = z
  .strictObject({
    id: z.uuid(),
    name: z.string(),
    description: z.string().nullable(),
    status: projectStatus,
    is_personal: z.boolean().meta({ description: "The project that calls mean when they name none." }),
    owner_id: z.uuid(),
    role: role.meta({ description: "Yours." }),
    collaborator_count: z.int().meta({ description: "Members besides the owner." }),
    created_at: time,
    updated_at: time,
    deletes_at: time
      .nullable()
      .meta({ description: "Of a deleted project: until then its owner can restore it, then it is erased." }),
    live_url: z.url().meta({ description: "The project's events as they happen (server-sent events)." }),
  })
  .meta({ id: "Project" });

export const collaboratorView = z
  .strictObject({
    status: z.enum(["active", "invited"]),
    user_id: z.uuid().optional().meta({ description: "Of who is active." }),
    invitation_id: z.uuid().optional().meta({ description: "Of who is invited by email." }),
    email: z.string().optional().meta({ description: "Of who is invited by email." }),
    role: collaboratorRole,
    invited_at: time,
    invited_by: z.uuid(),
    expires_at: time.optional().meta({ description: "When the invitation ends." }),
  })
  .meta({ id: "Collaborator" });

export const invitationView = z
  .strictObject({
    id: z.uuid(),
    project_id: z.uuid(),
    project_name: z.string(),
    role: collaboratorRole,
    invited_by: z.uuid(),
    invited_by_name: z.string().nullable(),
    invited_at: time,
    expires_at: time,
  })
  .meta({ id: "Invitation" });

export const eventView = z
  .strictObject({
    seq: z.int(),
    id: z.uuid(),
    event: z.string(),
    actor_id: z.uuid().nullable().meta({ description: "Null: the server itself." }),
    subject: z.string().meta({ description: "Id of what changed." }),
    data: z.record(z.string(), z.unknown()),
    at: time,
  })
  .meta({ id: "Event" });

export function toProjectView(project: Project, publicUrl: string): z.infer<typeof projectView> {
  return {
    id: project.id,
    name: project.name,
    description: project.description,
    status: project.status,
    is_personal: isPersonal(project),
    owner_id: project.ownerId,
    role: project.role,
    collaborator_count: project.collaboratorCount,
    created_at: project.createdAt.toISOString(),
    updated_at: project.updatedAt.toISOString(),
    deletes_at: project.deletesAt?.toISOString() ?? null,
    live_url: `${publicUrl}/api/v1/projects/${project.id}/live`,
  };
}

export function toCollaboratorView(collaborator: Collaborator): z.infer<typeof collaboratorView> {
  return {
    status: "active",
    user_id: collaborator.userId,
    role: collaborator.role,
    invited_at: collaborator.invitedAt.toISOString(),
    invited_by: collaborator.invitedBy,
  };
}

export function toInvitedView(invitation: Invitation): z.infer<typeof collaboratorView> {
  return {
    status: "invited",
    invitation_id: invitation.id,
    email: invitation.email,
    role: invitation.role,
    invited_at: invitation.invitedAt.toISOString(),
    invited_by: invitation.invitedBy,
    expires_at: invitation.expiresAt.toISOString(),
  };
}

export function toParticipantView(participant: Participant): z.infer<typeof collaboratorView> {
  return participant.state === "active"
    ? toCollaboratorView(participant.collaborator)
    : toInvitedView(participant.invitation);
}

export function toInvitationView({
  invitation,
  inviterName,
}: ShownInvitation): z.infer<typeof invitationView> {
  return {
    id: invitation.id,
    project_id: invitation.projectId,
    project_name: invitation.projectName,
    role: invitation.role,
    invited_by: invitation.invitedBy,
    invited_by_name: inviterName,
    invited_at: invitation.invitedAt.toISOString(),
    expires_at: invitation.expiresAt.toISOString(),
  };
}

export function toEventView(event: StoredEvent): z.infer<typeof eventView> {
  return {
    seq: event.seq,
    id: event.id,
    event: event.event,
    actor_id: event.actorId,
    subject: event.subject,
    data: event.data,
    at: event.at.toISOString(),
  };
}

export const apiKeyView = z
  .strictObject({
    id: z.uuid(),
    project_id: z.uuid(),
    name: z.string(),
    hint: z.string().meta({ description: "How the key begins." }),
    scopes: z.array(z.string()),
    created_by: z.uuid().meta({ description: "For whom it acts." }),
    created_at: time,
    expires_at: time.nullable(),
    last_used_at: time.nullable().meta({ description: "True to the minute." }),
  })
  .meta({ id: "ApiKey" });

export const newApiKeyView = z
  .strictObject({ ...apiKeyView.shape, key: z.string().meta({ description: "Shown this once." }) })
  .meta({ id: "NewApiKey" });

export function toApiKeyView(key: ApiKey): z.infer<typeof apiKeyView> {
  return {
    id: key.id,
    project_id: key.projectId,
    name: key.name,
    hint: key.hint,
    scopes: [...key.scopes],
    created_by: key.createdBy,
    created_at: key.createdAt.toISOString(),
    expires_at: key.expiresAt?.toISOString() ?? null,
    last_used_at: key.lastUsedAt?.toISOString() ?? null,
  };
}
