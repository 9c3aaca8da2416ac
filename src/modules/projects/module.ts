// Wiring of projects: mounts the routes, hears of sign-ups, registers the erasing, returns the face.
import { join } from "node:path";
import { createAnswerAudit } from "../../kernel/audit/index.ts";
import type { MigrationSet, Sql } from "../../kernel/db/index.ts";
import type { Kernel } from "../../kernel/index.ts";
import type { Accounts } from "../accounts/index.ts";
import { findAccess } from "./access.ts";
import { createApiKeyActions } from "./actions/api-keys.ts";
import { createCollaboratorActions } from "./actions/collaborators.ts";
import { createProjectActions } from "./actions/projects.ts";
import { looksLikeApiKey } from "./api-key.ts";
import { createAnnounce, createDenials } from "./audit-trail.ts";
import { apiKeyRoutes } from "./http/api-keys.ts";
import { auditRoutes } from "./http/audit.ts";
import { collaboratorRoutes } from "./http/collaborators.ts";
import { projectRoutes } from "./http/projects.ts";
import { createEraseTask, type Eraser } from "./jobs.ts";
import { createKeyring } from "./keyring.ts";
import type { Access, Who } from "./model.ts";
import { listMemberIds } from "./store/collaborators.ts";

export interface Projects {
  /** A user's or a key's access to a project, in one round trip or none; undefined when he is no member. Give it to `allow`. */
  access(sql: Sql, projectId: string, who: Who): Promise<Access | undefined>;
  /** Ids of all members, the owner's too. */
  listMemberIds(sql: Sql, projectId: string): Promise<readonly string[]>;
  /** A module's part in erasing deleted projects; call it while wiring. */
  onErase(eraser: Eraser): void;
}

export type ProjectsKernel = Pick<
  Kernel,
  "config" | "clock" | "log" | "db" | "events" | "bus" | "jobs" | "http" | "audit" | "lifecycle"
>;

export const projectsMigrations: MigrationSet = {
  module: "projects",
  directory: join(import.meta.dirname, "migrations"),
};

export function createProjects(kernel: ProjectsKernel, accounts: Accounts): Projects {
  const { config, clock, log, db, events, bus, jobs, http, audit, lifecycle } = kernel;
  const publicUrl = config.publicUrl ?? `http://localhost:${config.port}`;
  const erasers: Eraser[] = [];
  const eraseTask = createEraseTask(db, erasers, events);
  jobs.register(eraseTask);

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
  const collaborators = createCollaboratorActions({ events, announce, accounts, keys });
  // Accounts come before projects and know nothing of them: the personal project is made by hearing of the sign-up.
  accounts.onSignUp((tx, user) => actions.createPersonal(tx, user));
  http.mount([
    ...projectRoutes({ db, events, actions, publicUrl }),
    ...collaboratorRoutes({ db, actions: collaborators }),
    ...apiKeyRoutes({ db, clock, actions: keys }),
    ...auditRoutes({ db, answer: createAnswerAudit(audit) }),
  ]);
  http.onForbidden(createDenials(audit, clock));
  erasers.push({ module: "audit", erase: audit.erase });

  return { access: findAccess, listMemberIds, onErase: (eraser) => void erasers.push(eraser) };
}
