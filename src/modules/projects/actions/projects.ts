// What can be done with a project as a whole.
import type { Audit } from "../../../kernel/audit/index.ts";
import type { Sql, Tx } from "../../../kernel/db/index.ts";
import type { Events } from "../../../kernel/events/index.ts";
import { newId } from "../../../kernel/ids/index.ts";
import type { Jobs, Task } from "../../../kernel/jobs/index.ts";
import { projectErrors } from "../errors.ts";
import { projectChanged, projectCreated, projectDeleted, projectRestored } from "../events.ts";
import type { EraseInput } from "../jobs.ts";
import { accessOf, differing, type Project, type ProjectChange, personalProjectId } from "../model.ts";
import { allow, allowChange, allowDeletion } from "../policy.ts";
import * as store from "../store/projects.ts";

export interface ProjectActionDeps {
  readonly events: Events;
  readonly jobs: Pick<Jobs, "enqueue">;
  readonly eraseTask: Task<EraseInput>;
  readonly eraseAfterDays: number;
  readonly audit: Audit;
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

const PERSONAL: ProjectTexts = { name: "Personal", description: null };
const DAY_MS = 86_400_000;

export type ProjectActions = ReturnType<typeof createProjectActions>;

export function createProjectActions(deps: ProjectActionDeps) {
  const { events, jobs, eraseTask, eraseAfterDays, audit } = deps;

  async function create(tx: Tx, id: string, ownerId: string, texts: ProjectTexts): Promise<Project> {
    const project = await store.insertProject(tx, { id, ownerId, ...texts });
    await events.open(tx, id);
    await events.append(tx, projectCreated({ projectId: id, actorId: ownerId }, project.name));
    return project;
  }

  return {
    createProject: (tx: Tx, ownerId: string, texts: ProjectTexts) => create(tx, newId(), ownerId, texts),

    /** In the transaction of the sign-up: nobody ever sees an account without its personal project. */
    async createPersonal(tx: Tx, user: { readonly id: string }): Promise<void> {
      await create(tx, personalProjectId(user.id), user.id, PERSONAL);
    },

    async getProject(sql: Sql, id: string, userId: string): Promise<Project> {
      return present(await store.findProject(sql, id, userId));
    },

    async changeProject(tx: Tx, id: string, userId: string, change: ProjectChange): Promise<Project> {
      const project = present(await store.findProjectToChange(tx, id, userId));
      allowChange(project, change);
      const difference = differing(project, change);
      const announcements = projectChanged({ projectId: id, actorId: userId }, difference);
      if (announcements.length === 0) return project;
      const changed = await store.updateProject(tx, { ...project, ...difference });
      for (const event of announcements) await events.append(tx, event);
      return changed;
    },

    /** From its commit on nobody sees the project; what it held is erased by a job after the time of grace. */
    async deleteProject(tx: Tx, place: Place): Promise<void> {
      const { projectId: id, actorId } = place;
      allowDeletion(present(await store.findProjectToChange(tx, id, actorId)));
      const deletionId = newId();
      await store.markDeleted(tx, id, { id: deletionId, graceDays: eraseAfterDays });
      const input = { project_id: id, deletion_id: deletionId };
      await jobs.enqueue(tx, eraseTask, input, { delayMs: eraseAfterDays * DAY_MS });
      await audit.record(tx, { action: "project.deletion_scheduled", ...place, subject: id });
      await events.append(tx, projectDeleted(place));
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
      await audit.record(tx, { action: "project.restored", ...place, subject: id });
      await events.append(tx, projectRestored(place));
      return present(await store.findProject(tx, id, actorId));
    },
  };
}

/** A project is found through a membership only, and every member may see it. */
function present(project: Project | undefined): Project {
  if (!project) throw projectErrors.PROJECT_NOT_FOUND();
  return project;
}
