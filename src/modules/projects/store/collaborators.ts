// SQL over the members of a project besides its owner.
import type { Sql, Tx } from "../../../kernel/db/index.ts";
import type { Collaborator, CollaboratorRole } from "../model.ts";

interface CollaboratorRow {
  readonly user_id: string;
  readonly role: CollaboratorRole;
  readonly invited_by: string;
  readonly invited_at: Date;
}

/** Undefined when the user has a role in the project already. */
export async function insertCollaborator(
  tx: Tx,
  projectId: string,
  collaborator: Pick<Collaborator, "userId" | "role" | "invitedBy">,
): Promise<Collaborator | undefined> {
  const { userId, role, invitedBy } = collaborator;
  const [row] = await tx<CollaboratorRow>`
    INSERT INTO project_members (project_id, user_id, role, invited_by)
    VALUES (${projectId}, ${userId}, ${role}, ${invitedBy}) ON CONFLICT DO NOTHING
    RETURNING user_id, role, invited_by, invited_at`;
  return row && toCollaborator(row);
}

export async function findCollaborator(
  sql: Sql,
  projectId: string,
  userId: string,
): Promise<Collaborator | undefined> {
  const [row] = await sql<CollaboratorRow>`
    SELECT user_id, role, invited_by, invited_at FROM project_members
    WHERE project_id = ${projectId} AND user_id = ${userId} AND role <> 'owner'`;
  return row && toCollaborator(row);
}

/** In the order in which they signed up (ids are ordered by time), one row more than `limit` when there are more. */
export async function listCollaborators(
  sql: Sql,
  projectId: string,
  page: { afterUserId: string | undefined; limit: number },
): Promise<Collaborator[]> {
  const later = page.afterUserId === undefined ? sql`` : sql`AND user_id > ${page.afterUserId}`;
  const rows = await sql<CollaboratorRow>`
    SELECT user_id, role, invited_by, invited_at FROM project_members
    WHERE project_id = ${projectId} AND role <> 'owner' ${later} ORDER BY user_id LIMIT ${page.limit + 1}`;
  return rows.map(toCollaborator);
}

/** Everyone with a role, the owner too. */
export async function listMemberIds(sql: Sql, projectId: string): Promise<string[]> {
  const rows = await sql<{ user_id: string }>`
    SELECT user_id FROM project_members WHERE project_id = ${projectId} ORDER BY user_id`;
  return rows.map((row) => row.user_id);
}

export async function updateCollaborator(
  tx: Tx,
  projectId: string,
  userId: string,
  role: CollaboratorRole,
): Promise<void> {
  await tx`UPDATE project_members SET role = ${role}
    WHERE project_id = ${projectId} AND user_id = ${userId} AND role <> 'owner'`;
}

export async function deleteCollaborator(tx: Tx, projectId: string, userId: string): Promise<void> {
  await tx`DELETE FROM project_members
    WHERE project_id = ${projectId} AND user_id = ${userId} AND role <> 'owner'`;
}

function toCollaborator(row: CollaboratorRow): Collaborator {
  return { userId: row.user_id, role: row.role, invitedBy: row.invited_by, invitedAt: row.invited_at };
}
