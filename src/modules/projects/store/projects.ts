// SQL over projects: found only through a membership, so that no statement can forget who asks.
import type { Query, Sql, Tx } from "../../../kernel/db/index.ts";
import { isKey, type Project, personOf, type Role, type Who } from "../model.ts";

interface ProjectRow {
  readonly id: string;
  readonly name: string;
  readonly description: string | null;
  readonly status: Project["status"];
  readonly owner_id: string;
  readonly role: Role;
  readonly collaborator_count: number;
  readonly created_at: Date;
  readonly updated_at: Date;
  readonly deletes_at: Date | null;
}

export interface NewProject {
  readonly id: string;
  readonly ownerId: string;
  readonly name: string;
  readonly description: string | null;
}

/** Saves a project with its owner as the first member. */
export async function insertProject(tx: Tx, project: NewProject): Promise<Project> {
  const [row] = await tx<ProjectRow>`
    WITH made AS (
      INSERT INTO projects (id, owner_id, name, description)
      VALUES (${project.id}, ${project.ownerId}, ${project.name}, ${project.description})
      RETURNING *
    ), member AS (
      INSERT INTO project_members (project_id, user_id, role) SELECT id, owner_id, 'owner' FROM made
    )
    SELECT id, name, description, status, owner_id, 'owner' AS role, 0 AS collaborator_count, created_at, updated_at, deletes_at
    FROM made`;
  if (!row) throw new Error("INSERT … RETURNING gave no row");
  return toProject(row);
}

/** The project as this member sees it; undefined when he is none, or it is deleted. */
export async function findProject(sql: Sql, id: string, who: Who): Promise<Project | undefined> {
  const ofKey = isKey(who) ? sql`AND m.project_id = ${who.projectId}` : sql``;
  const [row] =
    await sql<ProjectRow>`${selectProjects(sql, personOf(who))} AND m.project_id = ${id} ${ofKey}`;
  return row && toProject(row);
}

/**
 * The same, and no one else changes the project or its members before the transaction ends; the writes of members that have
 * begun are over, and others wait.
 */
export async function findProjectToChange(tx: Tx, id: string, userId: string): Promise<Project | undefined> {
  await lockProject(tx, id);
  return findProject(tx, id, userId);
}

/** First the row: of two changes only one waits for the writers. The second lock is what projects_write_access takes shared. */
export async function lockProject(tx: Tx, id: string): Promise<void> {
  await tx`SELECT FROM projects WHERE id = ${id} FOR UPDATE`;
  await tx`SELECT pg_advisory_xact_lock(hashtext('project access'), hashtext(${id}::uuid::text))`;
}

export interface ProjectList {
  readonly userId: string;
  /** Instead of those that are there, those that the user may restore. */
  readonly isDeleted: boolean;
  readonly beforeId: string | undefined;
  readonly limit: number;
}

/** Newest first, one row more than `limit` when there are more. */
export async function listProjects(sql: Sql, page: ProjectList): Promise<Project[]> {
  const { userId, isDeleted } = page;
  const older = page.beforeId === undefined ? sql`` : sql`AND m.project_id < ${page.beforeId}`;
  const rows = await sql<ProjectRow>`
    ${isDeleted ? selectDeleted(sql, userId) : selectProjects(sql, userId)} ${older} ORDER BY m.project_id DESC LIMIT ${page.limit + 1}`;
  return rows.map(toProject);
}

/** Saves name, description and status. */
export async function updateProject(tx: Tx, project: Project): Promise<Project> {
  const [row] = await tx<{ updated_at: Date }>`
    UPDATE projects SET name = ${project.name}, description = ${project.description}, status = ${project.status},
      updated_at = now()
    WHERE id = ${project.id} RETURNING updated_at`;
  return { ...project, updatedAt: row?.updated_at ?? project.updatedAt };
}

export interface Deletion {
  readonly id: string;
  readonly graceDays: number;
}

export async function markDeleted(tx: Tx, id: string, deletion: Deletion): Promise<void> {
  await tx`UPDATE projects SET deleted_at = now(), updated_at = now(), deletion_id = ${deletion.id},
      deletes_at = now() + make_interval(days => ${deletion.graceDays}::int)
    WHERE id = ${id}`;
}

/** What this user deleted and can still have back. */
export async function findDeletedProject(sql: Sql, id: string, userId: string): Promise<Project | undefined> {
  const [row] = await sql<ProjectRow>`${selectDeleted(sql, userId)} AND m.project_id = ${id}`;
  return row && toProject(row);
}

export async function markRestored(tx: Tx, id: string): Promise<void> {
  await tx`UPDATE projects SET deleted_at = NULL, deletes_at = NULL, deletion_id = NULL, updated_at = now()
    WHERE id = ${id}`;
}

/**
 * Whether the project is deleted, by this deletion, so that its rows may go: true once is true for ever, since from here on it
 * cannot be restored.
 */
export async function beginErasing(tx: Tx, id: string, deletionId: string | null): Promise<boolean> {
  const rows = await tx`
    UPDATE projects SET erasing_since = coalesce(erasing_since, now())
    WHERE id = ${id} AND deleted_at IS NOT NULL AND deletion_id IS NOT DISTINCT FROM ${deletionId}::uuid RETURNING 1`;
  return rows.length > 0;
}

/** Takes a deleted project and its members out of the tables. */
export async function eraseProject(tx: Tx, id: string): Promise<void> {
  await tx`DELETE FROM projects WHERE id = ${id} AND deleted_at IS NOT NULL`;
}

function selectProjects(sql: Sql, userId: string): Query<unknown> {
  return sql`SELECT ${columns(sql)}
    FROM project_members m JOIN projects pr ON pr.id = m.project_id
    WHERE m.user_id = ${userId} AND pr.deleted_at IS NULL`;
}

/** The owner's alone: to all others it is as if it had never been. */
function selectDeleted(sql: Sql, userId: string): Query<unknown> {
  return sql`SELECT ${columns(sql)}
    FROM project_members m JOIN projects pr ON pr.id = m.project_id
    WHERE m.user_id = ${userId} AND m.role = 'owner' AND pr.deleted_at IS NOT NULL AND pr.erasing_since IS NULL
      AND pr.deletes_at > now()`;
}

function columns(sql: Sql): Query<unknown> {
  return sql`pr.id, pr.name, pr.description, pr.status, pr.owner_id, m.role, pr.created_at, pr.updated_at, pr.deletes_at,
    (SELECT count(*)::int - 1 FROM project_members o WHERE o.project_id = pr.id) AS collaborator_count`;
}

function toProject(row: ProjectRow): Project {
  return {
    id: row.id,
    name: row.name,
    description: row.description,
    status: row.status,
    ownerId: row.owner_id,
    role: row.role,
    collaboratorCount: row.collaborator_count,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
    deletesAt: row.deletes_at,
  };
}
