// A member's access in SQL: asked for by itself, or as one column of another module's statement.
import type { Query, Sql, Tx } from "../../kernel/db/index.ts";
import { type Access, isKey, personalProjectId, personOf, type Role, type Who } from "./model.ts";
import { isAllowed, type Permission } from "./policy.ts";

const ROLES: readonly Role[] = ["owner", "collaborator", "viewer"];
const ARCHIVED = "/archived";

/** Each text the column can hold, made once: reading it is one look-up and makes nothing. */
const ACCESS_OF_TEXT: ReadonlyMap<string, Access> = new Map(
  ROLES.flatMap((role): [string, Access][] => [
    [role, Object.freeze({ role, isArchived: false })],
    [role + ARCHIVED, Object.freeze({ role, isArchived: true })],
  ]),
);
const OWN: Access = Object.freeze({ role: "owner", isArchived: false });

/**
 * A text expression for another statement: sql`SELECT p.*, ${accessColumn(sql, sql`p.project_id`, userId)} AS access FROM …`.
 * NULL when the user is no member or the project is deleted; give what comes out to parseAccess. Nested text does not keep a
 * statement from being prepared once: measured, as fast as the same text written out. An API key has what its creator has, in
 * its own project alone.
 */
export function accessColumn(sql: Sql, projectId: Query<unknown> | string, who: Who): Query<unknown> {
  const ofKey = isKey(who) ? sql`AND m.project_id = ${who.projectId}` : sql``;
  return memberAccessColumn(sql, projectId, personOf(who), ofKey);
}

/** The same for whom another statement names: sql`c.owner_id`. */
export function memberAccessColumn(
  sql: Sql,
  projectId: Query<unknown> | string,
  userId: Query<unknown> | string,
  further: Query<unknown> = sql``,
): Query<unknown> {
  return sql`(SELECT CASE WHEN pr.status = 'archived' THEN m.role || '/archived' ELSE m.role END
    FROM project_members m JOIN projects pr ON pr.id = m.project_id
    WHERE m.project_id = ${projectId} AND m.user_id = ${userId} ${further} AND pr.deleted_at IS NULL)`;
}

/**
 * The same for a statement or transaction that writes: the access holds until it ends, since changes of roles wait for it, and
 * what they have taken away is not in it. So no write of someone who was removed commits after his removal.
 */
export function writeAccessColumn(sql: Sql, projectId: Query<unknown> | string, who: Who): Query<unknown> {
  const access = sql`projects_write_access(${projectId}, ${personOf(who)})`;
  return isKey(who) ? sql`CASE WHEN ${projectId} = ${who.projectId}::uuid THEN ${access} END` : access;
}

/** The same for whom another statement names. */
export function memberWriteAccessColumn(
  sql: Sql,
  projectId: Query<unknown>,
  userId: Query<unknown>,
): Query<unknown> {
  return sql`projects_write_access(${projectId}, ${userId})`;
}

/** What accessColumn gave; undefined for no member. */
export function parseAccess(text: string | null): Access | undefined {
  return text === null ? undefined : ACCESS_OF_TEXT.get(text);
}

/**
 * What accessColumn gives to those who may, for a statement that writes only then: sql`… WHERE access = ANY (${accessesFor(…)})`.
 * When it wrote nothing, `allow` says why.
 */
export function accessesFor(permission: Permission): string[] {
  return [...ACCESS_OF_TEXT].flatMap(([text, access]) => (isAllowed(access, permission) ? [text] : []));
}

/** As writeAccessColumn, by itself: for a transaction of several statements, in the first of them. */
export async function findWriteAccess(tx: Tx, projectId: string, who: Who): Promise<Access | undefined> {
  const isOwn = projectId === personalProjectId(personOf(who));
  if (isOwn && (!isKey(who) || who.projectId === projectId)) return OWN;
  const [row] = await tx<{ access: string | null }>`
    SELECT ${writeAccessColumn(tx, projectId, who)} AS access`;
  return parseAccess(row?.access ?? null);
}

/** One round trip; none for one's personal project, which is always one's own and active. */
export async function findAccess(sql: Sql, projectId: string, who: Who): Promise<Access | undefined> {
  const isOwn = projectId === personalProjectId(personOf(who));
  if (isOwn && (!isKey(who) || who.projectId === projectId)) return OWN;
  const [row] = await sql<{
    access: string | null;
  }>`SELECT ${accessColumn(sql, projectId, who)} AS access`;
  return parseAccess(row?.access ?? null);
}
