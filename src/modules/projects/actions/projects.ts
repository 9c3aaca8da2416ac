// What can be done with a project as a whole.
import type { Sql, Tx } from "../../../kernel/db/index.ts";
import type { Events } from "../../../kernel/events/index.ts";
import { newId } from "../../../kernel/ids/index.ts";
import type { Jobs, Task } from "../../../kernel/jobs/index.ts";
import type { Announce } from "../audit-trail.ts";
import { projectErrors } from "../errors.ts";
import { projectChanged, projectCreated, projectDeleted, projectRestored } from "../events.ts";
import type { EraseInput } from "../jobs.ts";
import type { Keyring } from "../keyring.ts";
import {
  accessOf,
  differing,
  type Project,
  type ProjectChange,
  personalProjectId,
  type Who,
} from "../model.ts";
import { allow, allowChange, allowDeletion } from "../policy.ts";
import * as store from "../store/projects.ts";

export interface ProjectActionDeps {
  readonly events: Pick<Events, "open" | "append">;
  readonly announce: Announce;
  readonly keyring: Pick<Keyring, "end">;
  readonly jobs: Pick<Jobs, "enqueue">;
  readonly eraseTask: Task<EraseInput>;
  readonly eraseAfterDays: number;
}

/** Which project, by whom, from which address. */
export interface Place {
  readonly projectId: string;
  readonly actorId: string;
  readonly address: string;
}

export interface ProjectTexts {
  readonly name: string;
  readonly description: string | null;
}

/** Who changes a project, and from where. */
export interface ProjectBy {
  readonly userId: string;
  readonly address: string;
}

const PERSONAL: ProjectTexts = { name: "Personal", description: null };
const DAY_MS = 86_400_000;

export type ProjectActions = ReturnType<typeof createProjectActions>;

export function createProjectActions(deps: ProjectActionDeps) {
  const { events, jobs, eraseTask, eraseAfterDays, announce, keyring } = deps;

  async function open(tx: Tx, id: string, ownerId: string, texts: ProjectTexts) {
    const project = await store.insertProject(tx, { id, ownerId, ...texts });
    await events.open(tx, id);
    return { project, created: projectCreated({ projectId: id, actorId: ownerId }, project.name) };
  }

  return {
    async createProject(tx: Tx, ownerId: string, texts: ProjectTexts, address: string): Promise<Project> {
      const { project, created } = await open(tx, newId(), ownerId, texts);
      await announce(tx, created, address);
      return project;
    },

    /**
     * In the transaction of the sign-up: nobody ever sees an account without its personal project. The audit trail has the
     * sign-up itself.
     */
    async createPersonal(tx: Tx, user: { readonly id: string }): Promise<void> {
      const { created } = await open(tx, personalProjectId(user.id), user.id, PERSONAL);
      await events.append(tx, created);
    },

    async getProject(sql: Sql, id: string, who: Who): Promise<Project> {
      return present(await store.findProject(sql, id, who));
    },

    async changeProject(
      tx: Tx,
      id: string,
      { userId, address }: ProjectBy,
      change: ProjectChange,
    ): Promise<Project> {
      const project = present(await store.findProjectToChange(tx, id, userId));
      allowChange(project, change);
      const difference = differing(project, change);
      const announcements = projectChanged({ projectId: id, actorId: userId }, difference);
      if (announcements.length === 0) return project;
      const changed = await store.updateProject(tx, { ...project, ...difference });
      for (const event of announcements) await announce(tx, event, address);
      return changed;
    },

    /** From its commit on nobody sees the project; what it held is erased by a job after the time of grace. */
    async deleteProject(tx: Tx, place: Place): Promise<void> {
      const { projectId: id, actorId } = place;
      allowDeletion(present(await store.findProjectToChange(tx, id, actorId)));
      const deletionId = newId();
      await store.markDeleted(tx, id, { id: deletionId, graceDays: eraseAfterDays });
      await keyring.end(tx);
      const input = { project_id: id, deletion_id: deletionId };
      await jobs.enqueue(tx, eraseTask, input, { delayMs: eraseAfterDays * DAY_MS });
      await announce(tx, projectDeleted(place), place.address);
    },

    /** Safe to repeat: a project that is not deleted is given back as it is. */
    async restoreProject(tx: Tx, place: Place): Promise<Project> {
      const { projectId: id, actorId } = place;
      const found = present(
        (await store.findProjectToChange(tx, id, actorId)) ??
          (await store.findDeletedProject(tx, id, actorId)),
      );
      allow(accessOf(found), "project.restore");
      if (found.deletesAt === null) return found;
      await store.markRestored(tx, id);
      await announce(tx, projectRestored(place), place.address);
      return present(await store.findProject(tx, id, actorId));
    },
  };
}

/** A project is found through a membership only, and every member may see it. */
function present(project: Project | undefined): Project {
  if (!project) throw projectErrors.PROJECT_NOT_FOUND();
  return project;
}
