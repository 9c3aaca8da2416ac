// Wiring of projects: mounts the routes, hears of sign-ups, registers the erasing, returns the face.
import { join } from "node:path";
import type { MigrationSet, Sql, Tx } from "../../kernel/db/index.ts";
import type { Kernel } from "../../kernel/index.ts";
import type { Accounts } from "../accounts/index.ts";
import { findAccess, findWriteAccess } from "./access.ts";
import { createCollaboratorActions } from "./actions/collaborators.ts";
import { createInvitationActions } from "./actions/invitations.ts";
import { createProjectActions } from "./actions/projects.ts";
import { createHousekeeping } from "./housekeeping.ts";
import { collaboratorRoutes } from "./http/collaborators.ts";
import { invitationRoutes } from "./http/invitations.ts";
import { ownershipRoutes } from "./http/ownership.ts";
import { projectRoutes } from "./http/projects.ts";
import { createEraseTask, createNoticeTask, type Eraser } from "./jobs.ts";
import type { Access } from "./model.ts";
import { listMemberIds } from "./store/collaborators.ts";

export interface Projects {
  /** A user's access to a project, in one round trip or none; undefined when he is no member. Give it to `allow`. */
  access(sql: Sql, projectId: string, userId: string): Promise<Access | undefined>;
  /** The same, and it stays so until the transaction ends: for one that writes, in its first statement. */
  writeAccess(tx: Tx, projectId: string, userId: string): Promise<Access | undefined>;
  /** Ids of all members, the owner's too. */
  listMemberIds(sql: Sql, projectId: string): Promise<readonly string[]>;
  /** A module's part in erasing deleted projects; call it while wiring. */
  onErase(eraser: Eraser): void;
}

export type ProjectsKernel = Pick<
  Kernel,
  "config" | "log" | "db" | "events" | "jobs" | "http" | "lifecycle" | "mail" | "audit"
>;

export const projectsMigrations: MigrationSet = {
  module: "projects",
  directory: join(import.meta.dirname, "migrations"),
};

export function createProjects(kernel: ProjectsKernel, accounts: Accounts): Projects {
  const { config, log, db, events, jobs, http, lifecycle, mail, audit } = kernel;
  const publicUrl = config.publicUrl ?? `http://localhost:${config.port}`;
  const erasers: Eraser[] = [];
  const eraseTask = createEraseTask(db, erasers, events);
  jobs.register(eraseTask);
  const noticeTask = createNoticeTask(db, accounts, events);
  jobs.register(noticeTask);
  lifecycle.add(createHousekeeping({ db, log }));

  const actions = createProjectActions({
    events,
    jobs,
    eraseTask,
    eraseAfterDays: config.projectEraseAfterDays,
    audit,
  });
  const collaborators = createCollaboratorActions({ events, accounts, audit });
  const invitations = createInvitationActions({
    events,
    jobs,
    mailer: mail,
    audit,
    accounts,
    noticeTask,
    publicUrl,
  });
  // Accounts come before projects and know nothing of them: the personal project is made by hearing of the sign-up.
  accounts.onSignUp((tx, user) => actions.createPersonal(tx, user));
  accounts.onEmailVerified((tx, user) => invitations.announceAll(tx, user));
  http.mount([
    ...projectRoutes({ db, events, actions, publicUrl }),
    ...ownershipRoutes({ projects: actions, collaborators, publicUrl }),
    ...collaboratorRoutes({ db, actions: collaborators, invitations }),
    ...invitationRoutes({ db, actions: invitations, publicUrl }),
  ]);

  return {
    access: findAccess,
    writeAccess: findWriteAccess,
    listMemberIds,
    onErase: (eraser) => void erasers.push(eraser),
  };
}
