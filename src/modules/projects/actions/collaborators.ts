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
  projectShared,
  projectUnshared,
} from "../events.ts";
import type { Collaborator, CollaboratorRole, Project } from "../model.ts";
import { allowRemoval, allowSharing } from "../policy.ts";
import * as store from "../store/collaborators.ts";
import { findProjectToChange } from "../store/projects.ts";
import type { ApiKeyActions } from "./api-keys.ts";

export interface CollaboratorActionDeps {
  readonly events: Pick<Events, "appendPersonal">;
  readonly announce: Announce;
  readonly accounts: Pick<Accounts, "getUser">;
  readonly keys: Pick<ApiKeyActions, "deleteKeysOf">;
}

interface Place {
  readonly projectId: string;
  readonly actorId: string;
  /** Where the request came from. */
  readonly address: string;
}

export type CollaboratorActions = ReturnType<typeof createCollaboratorActions>;

export function createCollaboratorActions({ events, announce, accounts, keys }: CollaboratorActionDeps) {
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
