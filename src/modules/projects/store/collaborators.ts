// SQL over the members of a project besides its owner.
import type { Sql, Tx } from "../../../kernel/db/index.ts";
import type { Collaborator, CollaboratorRole, Participant } from "../model.ts";

const FIRST_ID = "00000000-0000-0000-0000-000000000000";

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

export interface ParticipantPage {
  readonly after: ParticipantPosition | undefined;
  readonly limit: number;
  readonly withInvitations: boolean;
}

export type ParticipantPosition = readonly [kind: number, id: string];

type ParticipantRow = { readonly kind: 0 | 1; readonly id: string; readonly role: CollaboratorRole } & Pick<
  CollaboratorRow,
  "invited_by" | "invited_at"
> & { readonly email: string; readonly expires_at: Date };

/**
 * Collaborators in the order in which they signed up (ids are ordered by time), then invitations in that of the first one;
 * one row more than `limit` when there are more.
 */
export async function listParticipants(
  sql: Sql,
  projectId: string,
  { after: [kind, id] = [0, FIRST_ID], limit, withInvitations }: ParticipantPage,
): Promise<Participant[]> {
  const invitations = withInvitations
    ? sql`UNION ALL SELECT 1, id, role, invited_by, invited_at, email, expires_at FROM project_invitations
        WHERE project_id = ${projectId} AND expires_at > now()`
    : sql``;
  const rows = await sql<ParticipantRow>`
    SELECT kind, id, role, invited_by, invited_at, email, expires_at FROM (
      SELECT 0 AS kind, user_id AS id, role, invited_by, invited_at, NULL AS email, NULL::timestamptz AS expires_at
      FROM project_members WHERE project_id = ${projectId} AND role <> 'owner'
      ${invitations}) AS p
    WHERE (kind, id) > (${kind}::int, ${id}::uuid) ORDER BY kind, id LIMIT ${limit + 1}`;
  return rows.map(toParticipant);
}

export function positionOf(participant: Participant): ParticipantPosition {
  return participant.state === "active"
    ? [0, participant.collaborator.userId]
    : [1, participant.invitation.id];
}

function toParticipant(row: ParticipantRow): Participant {
  const shared = { role: row.role, invitedBy: row.invited_by, invitedAt: row.invited_at };
  if (row.kind === 0) return { state: "active", collaborator: { userId: row.id, ...shared } };
  const invitation = { id: row.id, email: row.email, expiresAt: row.expires_at, ...shared };
  return { state: "invited", invitation };
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

/** The new owner must be a collaborator; the one before becomes one, by his own doing. */
export async function swapOwner(
  tx: Tx,
  projectId: string,
  { from, to }: { readonly from: string; readonly to: string },
): Promise<void> {
  // In this order: a project never has two owners, which an index sees to.
  await tx`UPDATE project_members SET role = 'collaborator', invited_by = ${from}, invited_at = now()
    WHERE project_id = ${projectId} AND user_id = ${from} AND role = 'owner'`;
  await tx`UPDATE project_members SET role = 'owner', invited_by = NULL
    WHERE project_id = ${projectId} AND user_id = ${to}`;
  await tx`UPDATE projects SET owner_id = ${to}, updated_at = now() WHERE id = ${projectId}`;
}

function toCollaborator(row: CollaboratorRow): Collaborator {
  return { userId: row.user_id, role: row.role, invitedBy: row.invited_by, invitedAt: row.invited_at };
}
