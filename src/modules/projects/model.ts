// What a project is, who its members are, and the pure rules about both.

import type { Caller, KeyActor } from "../../kernel/http/index.ts";

/** A member is the owner or a collaborator; collaborators are what the owner adds, with one of the lesser roles. */
export type Role = "owner" | CollaboratorRole;
export type CollaboratorRole = "collaborator" | "viewer";

/** What a member may count on: his role, and whether the project takes writes. Not a member: no Access at all. */
export interface Access {
  readonly role: Role;
  readonly isArchived: boolean;
}

export interface Project {
  readonly id: string;
  readonly name: string;
  readonly description: string | null;
  readonly status: "active" | "archived";
  readonly ownerId: string;
  /** Of the member who asked. */
  readonly role: Role;
  /** Members besides the owner. */
  readonly collaboratorCount: number;
  readonly createdAt: Date;
  readonly updatedAt: Date;
  /** When it will be erased; null unless it is deleted and can still be restored. */
  readonly deletesAt: Date | null;
}

export interface Collaborator {
  readonly userId: string;
  readonly role: CollaboratorRole;
  readonly invitedBy: string;
  readonly invitedAt: Date;
}

/** Binds to whoever has proved that the address is his, and accepts. */
export interface Invitation {
  readonly id: string;
  readonly email: string;
  readonly role: CollaboratorRole;
  readonly invitedBy: string;
  readonly invitedAt: Date;
  readonly expiresAt: Date;
}

/** What the list of collaborators shows. */
export type Participant =
  | { readonly state: "active"; readonly collaborator: Collaborator }
  | { readonly state: "invited"; readonly invitation: Invitation };

/** A key without its text, which nobody knows but who has it. */
export interface ApiKey {
  readonly id: string;
  readonly projectId: string;
  readonly name: string;
  readonly hint: string;
  readonly scopes: readonly string[];
  /** For whom it acts. */
  readonly createdBy: string;
  readonly createdAt: Date;
  readonly expiresAt: Date | null;
  readonly lastUsedAt: Date | null;
}

/** What a PATCH may change; a field left out stays. */
export interface ProjectChange {
  readonly name?: string | undefined;
  readonly description?: string | null | undefined;
  readonly status?: Project["status"] | undefined;
}

/** The personal project has the id of its user: a call that names no project needs no look-up. */
export function personalProjectId(userId: string): string {
  return userId;
}

/** Who asks for access: a user by his id, or whoever called a route. */
export type Who = string | Caller;

export function isKey(who: Who): who is KeyActor {
  return typeof who !== "string" && who.kind === "api_key";
}

/** The user who asks, or for whom a key asks: who then is the author of what it writes. */
export function personOf(who: Who): string {
  if (typeof who === "string") return who;
  return who.kind === "user" ? who.userId : who.creatorId;
}

/** The project that a call means when it names none: the key's, or the user's personal one. */
export function homeProjectId(caller: Caller): string {
  return caller.kind === "user" ? personalProjectId(caller.userId) : caller.projectId;
}

export function isPersonal(project: { readonly id: string; readonly ownerId: string }): boolean {
  return project.id === personalProjectId(project.ownerId);
}

export function accessOf(project: Pick<Project, "role" | "status">): Access {
  return { role: project.role, isArchived: project.status === "archived" };
}

/** The fields of a change that differ from what the project has. */
export function differing(project: Project, change: ProjectChange): ProjectChange {
  return {
    ...(change.name !== undefined && change.name !== project.name ? { name: change.name } : {}),
    ...(change.description !== undefined && change.description !== project.description
      ? { description: change.description }
      : {}),
    ...(change.status !== undefined && change.status !== project.status ? { status: change.status } : {}),
  };
}
