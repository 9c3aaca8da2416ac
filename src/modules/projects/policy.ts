// Who may do what in a project: the one table that every route of every module asks, and how it says no.
import type { ErrorDefinition } from "../../kernel/errors/index.ts";
import { projectErrors } from "./errors.ts";
import { type Access, accessOf, isPersonal, type Project, type ProjectChange, type Role } from "./model.ts";

interface Rule {
  readonly roles: readonly Role[];
  /** Refused while the project is archived. */
  readonly isWrite: boolean;
}

const MEMBERS: readonly Role[] = ["owner", "collaborator", "viewer"];
const WRITERS: readonly Role[] = ["owner", "collaborator"];
const OWNER: readonly Role[] = ["owner"];

const canSee = (roles: readonly Role[]): Rule => ({ roles, isWrite: false });
const canChange = (roles: readonly Role[]): Rule => ({ roles, isWrite: true });

/** Every permission of every module. Taking access away and bringing a project back must work on an archived one too. */
export const permissions = {
  "project.read": canSee(MEMBERS),
  "project.update": canChange(OWNER),
  "project.archive": canSee(OWNER),
  "project.delete": canSee(OWNER),
  "project.restore": canSee(OWNER),
  "project.hand_over": canSee(OWNER),
  "project.leave": canSee(MEMBERS),
  "collaborators.read": canSee(MEMBERS),
  "collaborators.manage": canChange(OWNER),
  "collaborators.remove": canSee(OWNER),
  "invitations.read": canSee(OWNER),
  "invitations.withdraw": canSee(OWNER),
  "project.export": canSee(OWNER),
  "events.read": canSee(MEMBERS),
  "audit.read": canSee(OWNER),
  "api_keys.manage": canSee(OWNER),
  "jobs.read": canSee(MEMBERS),
  "jobs.run": canChange(WRITERS),
  "jobs.cancel": canSee(WRITERS),
  "schedules.read": canSee(MEMBERS),
  "schedules.manage": canChange(WRITERS),
  "schedules.delete": canSee(WRITERS),
  "signing_secrets.manage": canSee(OWNER),
  "files.read": canSee(MEMBERS),
  "files.write": canChange(WRITERS),
  "files.delete": canChange(WRITERS),
  "paragraphs.read": canSee(MEMBERS),
  "paragraphs.write": canChange(WRITERS),
  "paragraphs.delete": canChange(WRITERS),
  "posts.read": canSee(MEMBERS),
  "posts.write": canChange(WRITERS),
  "posts.delete": canChange(WRITERS),
  "collections.read": canSee(MEMBERS),
  "collections.write": canChange(WRITERS),
} as const satisfies Record<string, Rule>;

export type Permission = keyof typeof permissions;

/** Of a name that the kernel hands through as a text, such as that of a task. */
export function toPermission(name: string): Permission {
  if (!Object.hasOwn(permissions, name)) throw new Error(`there is no permission ${name}`);
  // The table has it.
  return name as Permission;
}

/**
 * Throws unless the access allows it: no member, `notFound` (of the thing asked for, since what one may not know exists is
 * not there); a role without the right, PROJECT_FORBIDDEN; a write to an archived project, PROJECT_ARCHIVED.
 */
export function allow(
  access: Access | undefined,
  permission: Permission,
  notFound: ErrorDefinition = projectErrors.PROJECT_NOT_FOUND,
): Access {
  if (!access) throw notFound();
  const rule = permissions[permission];
  if (!rule.roles.includes(access.role)) throw projectErrors.PROJECT_FORBIDDEN();
  if (rule.isWrite && access.isArchived) throw projectErrors.PROJECT_ARCHIVED();
  return access;
}

/** Whether `allow` would let it pass. */
export function isAllowed(access: Access, permission: Permission): boolean {
  const rule = permissions[permission];
  return rule.roles.includes(access.role) && !(rule.isWrite && access.isArchived);
}

/** A PATCH may bring an archived project back and rename it at once, but not rename one that stays archived. */
export function allowChange(project: Project, change: ProjectChange): void {
  const access = accessOf(project);
  const staysArchived = access.isArchived && change.status !== "active";
  if (change.status !== undefined) allow(access, "project.archive");
  if (change.name !== undefined || change.description !== undefined) {
    allow({ ...access, isArchived: staysArchived }, "project.update");
  }
  if (change.status === "archived" && isPersonal(project)) throw projectErrors.PERSONAL_PROJECT();
}

export function allowDeletion(project: Project): void {
  allow(accessOf(project), "project.delete");
  if (isPersonal(project)) throw projectErrors.PERSONAL_PROJECT();
}

/** Adding a collaborator or changing a role. A personal project has none: it stands for "mine alone" in every other call. */
export function allowSharing(project: Project): void {
  allow(accessOf(project), "collaborators.manage");
  if (isPersonal(project)) throw projectErrors.PERSONAL_PROJECT();
}

/** The personal project stays with its user: calls that name no project mean it. */
export function allowHandOver(project: Project): void {
  allow(accessOf(project), "project.hand_over");
  if (isPersonal(project)) throw projectErrors.PERSONAL_PROJECT();
}

/** The owner removes others, everyone removes himself; the owner stays. */
export function allowRemoval(project: Project, actorId: string, userId: string): void {
  allow(accessOf(project), actorId === userId ? "project.leave" : "collaborators.remove");
  if (userId === project.ownerId) throw projectErrors.OWNER_STAYS();
}
