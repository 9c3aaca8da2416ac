// Wiring of projects: mounts the routes, hears of sign-ups, registers the erasing, returns the face.

import { join } from "node:path";
import { createAnswerAudit } from "../../kernel/audit/index.ts";
import { publicAddressOf } from "../../kernel/config/index.ts";
import type { MigrationSet, Sql, Tx } from "../../kernel/db/index.ts";
import type { Kernel } from "../../kernel/index.ts";
import type { Accounts } from "../accounts/index.ts";
import { findAccess, findWriteAccess } from "./access.ts";
import { createApiKeyActions } from "./actions/api-keys.ts";
import { createCollaboratorActions } from "./actions/collaborators.ts";
import { createInvitationActions } from "./actions/invitations.ts";
import { createProjectActions } from "./actions/projects.ts";
import { looksLikeApiKey } from "./api-key.ts";
import { createAnnounce, createDenials } from "./audit-trail.ts";
import type { ExportPart } from "./export/part.ts";
import { createExportTask } from "./export/task.ts";
import { createHousekeeping } from "./housekeeping.ts";
import { apiKeyRoutes } from "./http/api-keys.ts";
import { auditRoutes } from "./http/audit.ts";
import { collaboratorRoutes } from "./http/collaborators.ts";
import { invitationRoutes } from "./http/invitations.ts";
import { ownershipRoutes } from "./http/ownership.ts";
import { projectRoutes } from "./http/projects.ts";
import { createEraseTask, createNoticeTask, type Eraser } from "./jobs.ts";
import { createKeyring } from "./keyring.ts";
import type { Access, Who } from "./model.ts";
import { listMemberIds } from "./store/collaborators.ts";

export interface Projects {
  /** A user's access to a project, in one round trip or none; undefined when he is no member. Give it to `allow`. */
  access(sql: Sql, projectId: string, who: Who): Promise<Access | undefined>;
  /** The same, and it stays so until the transaction ends: for one that writes, in its first statement. */
  writeAccess(tx: Tx, projectId: string, who: Who): Promise<Access | undefined>;
  /** Ids of all members, the owner's too. */
  listMemberIds(sql: Sql, projectId: string): Promise<readonly string[]>;
  /** A module's part in erasing deleted projects; call it while wiring. */
  onErase(eraser: Eraser): void;
  /** A module's part in exporting projects; call it while wiring. */
  onExport(part: ExportPart): void;
}

export type ProjectsKernel = Pick<
  Kernel,
  | "config"
  | "clock"
  | "log"
  | "db"
  | "events"
  | "bus"
  | "files"
  | "jobs"
  | "http"
  | "lifecycle"
  | "mail"
  | "audit"
>;

export const projectsMigrations: MigrationSet = {
  module: "projects",
  directory: join(import.meta.dirname, "migrations"),
};

export function createProjects(kernel: ProjectsKernel, accounts: Accounts): Projects {
  const { config, clock, log, db, events, bus, files, jobs, http, lifecycle, mail, audit } = kernel;
  const { url: publicUrl } = publicAddressOf(config);
  const erasers: Eraser[] = [];
  const parts: ExportPart[] = [];
  const eraseTask = createEraseTask(db, erasers, events);
  jobs.register(eraseTask);
  // A finished job is dropped by the day, and so up to a day later than it says.
  const keepDays = config.jobRetentionDays + 1;
  jobs.register(createExportTask({ db, events, files, audit, parts, keepDays }));
  const noticeTask = createNoticeTask(db, accounts, events);
  jobs.register(noticeTask);
  lifecycle.add(createHousekeeping({ db, log }));

  const announce = createAnnounce(events, audit);
  const keyring = createKeyring({ db, bus, clock, log });
  lifecycle.add(keyring);
  http.useKeyAuthenticator(looksLikeApiKey, keyring.authenticate);
  const keys = createApiKeyActions({ audit, keyring });
  const actions = createProjectActions({
    events,
    announce,
    keyring,
    jobs,
    eraseTask,
    eraseAfterDays: config.projectEraseAfterDays,
  });
  const collaborators = createCollaboratorActions({ events, accounts, announce, keys });
  const invitations = createInvitationActions({
    events,
    jobs,
    mailer: mail,
    announce,
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
    ...apiKeyRoutes({ db, clock, actions: keys }),
    ...auditRoutes({ db, answer: createAnswerAudit(audit) }),
  ]);
  http.onForbidden(createDenials(audit, clock));
  erasers.push({ module: "audit", erase: audit.erase });

  return {
    access: findAccess,
    writeAccess: findWriteAccess,
    listMemberIds,
    onErase: (eraser) => void erasers.push(eraser),
    onExport: (part) => void parts.push(part),
  };
}
