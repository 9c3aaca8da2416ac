// What can be done about who works in a project.
import type { Tx } from "../../../kernel/db/index.ts";
import type { Events } from "../../../kernel/events/index.ts";
import type { Accounts } from "../../accounts/index.ts";
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

export interface CollaboratorActionDeps {
  readonly events: Pick<Events, "append" | "appendPersonal">;
  readonly accounts: Pick<Accounts, "getUser">;
}

interface Place {
  readonly projectId: string;
  readonly actorId: string;
}

export type CollaboratorActions = ReturnType<typeof createCollaboratorActions>;

export function createCollaboratorActions({ events, accounts }: CollaboratorActionDeps) {
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
      await events.append(tx, collaboratorAdded(place, userId, role));
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
      await events.append(tx, collaboratorChanged(place, userId, role));
      return { ...collaborator, role };
    },

    /** Removing another, or leaving. */
    async removeCollaborator(tx: Tx, place: Place, userId: string): Promise<void> {
      allowRemoval(await load(tx, place), place.actorId, userId);
      present(await store.findCollaborator(tx, place.projectId, userId));
      await store.deleteCollaborator(tx, place.projectId, userId);
      await events.append(tx, collaboratorRemoved(place, userId));
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
