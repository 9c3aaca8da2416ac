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
    SELECT id, name, description, status, owner_id, 'owner' AS role, 0 AS collaborator_count, created_at, updated_at
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

/** The same, and no one else changes the project or its members before the transaction ends. */
export async function findProjectToChange(tx: Tx, id: string, userId: string): Promise<Project | undefined> {
  await tx`SELECT FROM projects WHERE id = ${id} FOR UPDATE`;
  return findProject(tx, id, userId);
}

/** Newest first, one row more than `limit` when there are more. */
export async function listProjects(
  sql: Sql,
  userId: string,
  page: { beforeId: string | undefined; limit: number },
): Promise<Project[]> {
  const older = page.beforeId === undefined ? sql`` : sql`AND m.project_id < ${page.beforeId}`;
  const rows = await sql<ProjectRow>`
    ${selectProjects(sql, userId)} ${older} ORDER BY m.project_id DESC LIMIT ${page.limit + 1}`;
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

export async function markDeleted(tx: Tx, id: string): Promise<void> {
  await tx`UPDATE projects SET deleted_at = now(), updated_at = now() WHERE id = ${id}`;
}

/** Whether the project is there and deleted, so that its rows may go. */
export async function isMarkedDeleted(sql: Sql, id: string): Promise<boolean> {
  const rows = await sql`SELECT FROM projects WHERE id = ${id} AND deleted_at IS NOT NULL`;
  return rows.length > 0;
}

/** Takes a deleted project and its members out of the tables. */
export async function eraseProject(tx: Tx, id: string): Promise<void> {
  await tx`DELETE FROM projects WHERE id = ${id} AND deleted_at IS NOT NULL`;
}

function selectProjects(sql: Sql, userId: string): Query<unknown> {
  return sql`SELECT pr.id, pr.name, pr.description, pr.status, pr.owner_id, m.role, pr.created_at, pr.updated_at,
      (SELECT count(*)::int - 1 FROM project_members o WHERE o.project_id = pr.id) AS collaborator_count
    FROM project_members m JOIN projects pr ON pr.id = m.project_id
    WHERE m.user_id = ${userId} AND pr.deleted_at IS NULL`;
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
  };
}
