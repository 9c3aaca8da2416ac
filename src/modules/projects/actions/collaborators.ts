// What can be done about who works in a project.
import type { Tx } from "../../../kernel/db/index.ts";
import type { Events } from "../../../kernel/events/index.ts";
import type { Accounts } from "../../accounts/index.ts";
import type { Announce } from "../audit-trail.ts";
import { projectErrors } from "../errors.ts";
import {
  collaboratorAdded,
  collaboratorChanged,
  collaboratorRemoved,
  projectHandedOver,
  projectShared,
  projectUnshared,
} from "../events.ts";
import type { Collaborator, CollaboratorRole, Project } from "../model.ts";
import { allowHandOver, allowRemoval, allowSharing } from "../policy.ts";
import * as store from "../store/collaborators.ts";
import { findProject, findProjectToChange } from "../store/projects.ts";
import type { ApiKeyActions } from "./api-keys.ts";
import type { Place } from "./projects.ts";

export interface CollaboratorActionDeps {
  readonly events: Pick<Events, "appendPersonal">;
  readonly accounts: Pick<Accounts, "getUser">;
  readonly announce: Announce;
  readonly keys: Pick<ApiKeyActions, "deleteKeysOf">;
}

export type CollaboratorActions = ReturnType<typeof createCollaboratorActions>;

export function createCollaboratorActions({ events, accounts, announce, keys }: CollaboratorActionDeps) {
  return {
    async addCollaborator(
      tx: Tx,
      place: Place,
      { userId, role }: { userId: string; role: CollaboratorRole },
    ): Promise<Collaborator> {
      allowSharing(await load(tx, place));
      await accounts.getUser(tx, userId);
      const added = await store.insertCollaborator(tx, place.projectId, {
        userId,
        role,
        invitedBy: place.actorId,
      });
      if (!added) throw projectErrors.COLLABORATOR_EXISTS();
      await announce(tx, collaboratorAdded(place, userId, role), place.address);
      await events.appendPersonal(tx, userId, projectShared(place, role));
      return added;
    },

    async changeCollaborator(
      tx: Tx,
      place: Place,
      { userId, role }: { userId: string; role: CollaboratorRole },
    ): Promise<Collaborator> {
      const project = await load(tx, place);
      allowSharing(project);
      if (userId === project.ownerId) throw projectErrors.OWNER_STAYS();
      const collaborator = present(await store.findCollaborator(tx, place.projectId, userId));
      if (collaborator.role === role) return collaborator;
      await store.updateCollaborator(tx, place.projectId, userId, role);
      await announce(tx, collaboratorChanged(place, userId, role), place.address);
      return { ...collaborator, role };
    },

    /** Removing another, or leaving. */
    async removeCollaborator(tx: Tx, place: Place, userId: string): Promise<void> {
      allowRemoval(await load(tx, place), place.actorId, userId);
      present(await store.findCollaborator(tx, place.projectId, userId));
      await store.deleteCollaborator(tx, place.projectId, userId);
      const { projectId, actorId, address } = place;
      await keys.deleteKeysOf(tx, projectId, userId, { userId: actorId, address });
      await announce(tx, collaboratorRemoved(place, userId), place.address);
      await events.appendPersonal(tx, userId, projectUnshared(place));
    },

    /** The collaborator becomes the owner and the owner a collaborator; of two at once the second is no owner any more. */
    async handOver(tx: Tx, place: Place, userId: string): Promise<Project> {
      const { projectId, actorId } = place;
      allowHandOver(await load(tx, place));
      present(await store.findCollaborator(tx, projectId, userId));
      await store.swapOwner(tx, projectId, { from: actorId, to: userId });
      const event = projectHandedOver(place, userId);
      await announce(tx, event, place.address);
      await events.appendPersonal(tx, userId, event);
      const project = await findProject(tx, projectId, actorId);
      if (!project) throw new Error("who handed a project over is not in it any more");
      return project;
    },
  };
}

/** Locked, so that two changes of one project's members come one after the other. */
async function load(tx: Tx, { projectId, actorId }: Place): Promise<Project> {
  const project = await findProjectToChange(tx, projectId, actorId);
  if (!project) throw projectErrors.PROJECT_NOT_FOUND();
  return project;
}

function present(collaborator: Collaborator | undefined): Collaborator {
  if (!collaborator) throw projectErrors.COLLABORATOR_NOT_FOUND();
  return collaborator;
}
