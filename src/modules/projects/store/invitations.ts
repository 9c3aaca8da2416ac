// SQL over invitations by email, and over how many of them were sent.
import type { Query, Sql, Tx } from "../../../kernel/db/index.ts";
import type { EmailAddress } from "../../accounts/index.ts";
import type { CollaboratorRole, Invitation } from "../model.ts";

interface InvitationRow {
  readonly id: string;
  readonly email: string;
  readonly role: CollaboratorRole;
  readonly invited_by: string;
  readonly invited_at: Date;
  readonly expires_at: Date;
}

export interface NewInvitation {
  readonly id: string;
  readonly projectId: string;
  readonly email: EmailAddress;
  readonly role: CollaboratorRole;
  readonly invitedBy: string;
  readonly lifeDays: number;
}

/** To whom it may concern: with the project, for who does not know it yet. */
export interface ReceivedInvitation extends Invitation {
  readonly projectId: string;
  readonly projectName: string;
}

/** Of an address that was invited already the invitation is renewed: its id stays while it is open. */
export async function upsertInvitation(tx: Tx, invitation: NewInvitation): Promise<Invitation> {
  const { id, projectId, email, role, invitedBy, lifeDays } = invitation;
  const [row] = await tx<InvitationRow>`
    INSERT INTO project_invitations AS i (project_id, id, email, email_key, role, invited_by, expires_at)
    VALUES (${projectId}, ${id}, ${email.address}, ${email.key}, ${role}, ${invitedBy},
      now() + make_interval(days => ${lifeDays}::int))
    ON CONFLICT (project_id, email_key) DO UPDATE SET email = excluded.email, role = excluded.role,
      invited_by = excluded.invited_by, invited_at = now(), expires_at = excluded.expires_at,
      id = CASE WHEN i.expires_at > now() THEN i.id ELSE excluded.id END
    RETURNING id, email, role, invited_by, invited_at, expires_at`;
  if (!row) throw new Error("INSERT … RETURNING gave no row");
  return toInvitation(row);
}

/** Those to an address that can still be accepted, newest first, one more than `limit` if there are. */
export async function listReceived(
  sql: Sql,
  emailKey: string,
  page: { readonly beforeId: string | undefined; readonly limit: number },
): Promise<ReceivedInvitation[]> {
  const older = page.beforeId === undefined ? sql`` : sql`AND i.id < ${page.beforeId}`;
  const rows = await sql<ReceivedRow>`
    ${selectReceived(sql)} AND i.email_key = ${emailKey} ${older} ORDER BY i.id DESC LIMIT ${page.limit + 1}`;
  return rows.map(toReceived);
}

export async function findReceived(sql: Sql, id: string): Promise<ReceivedInvitation | undefined> {
  const [row] = await sql<ReceivedRow>`${selectReceived(sql)} AND i.id = ${id}`;
  return row && toReceived(row);
}

/** The folded address that an open invitation is for. */
export async function findInvitedKey(sql: Sql, id: string): Promise<string | undefined> {
  const [row] = await sql<{ email_key: string }>`
    SELECT email_key FROM project_invitations WHERE id = ${id} AND expires_at > now()`;
  return row?.email_key;
}

/** False when there is none that is open. Of several who take it at once one has it. */
export async function deleteInvitation(tx: Tx, projectId: string, id: string): Promise<boolean> {
  const rows = await tx`
    DELETE FROM project_invitations WHERE project_id = ${projectId} AND id = ${id} AND expires_at > now() RETURNING 1`;
  return rows.length > 0;
}

export interface Invited {
  readonly projectId: string;
  readonly invitedBy: string;
  readonly emailKey: string;
}

export interface RecentInvitations {
  readonly ofProject: number;
  readonly ofInviter: number;
  /** Mails to the address in the last day, from all projects. */
  readonly mailsToAddress: number;
  /** Until the oldest that counts here is an hour old. */
  readonly untilFreeSeconds: number;
}

/**
 * Counted under locks, so that the bounds hold exactly; the project is locked already. Always in this order, the locks of one
 * kind being apart from those of another, so that no two wait for each other.
 */
export async function countRecent(
  tx: Tx,
  { projectId, invitedBy, emailKey }: Invited,
): Promise<RecentInvitations> {
  await tx`SELECT pg_advisory_xact_lock(hashtext('inviter'), hashtext(${invitedBy}))`;
  await tx`SELECT pg_advisory_xact_lock(hashtext('invited address'), hashtext(${emailKey}))`;
  const [row] = await tx<{ of_project: number; of_inviter: number; mails: number; free: number | null }>`
    SELECT count(*) FILTER (WHERE of_hour AND project_id = ${projectId})::int AS of_project,
      count(*) FILTER (WHERE of_hour AND invited_by = ${invitedBy})::int AS of_inviter,
      count(*) FILTER (WHERE was_mailed AND email_key = ${emailKey})::int AS mails,
      extract(epoch FROM min(at) FILTER (WHERE of_hour AND (project_id = ${projectId} OR invited_by = ${invitedBy}))
        + interval '1 hour' - now())::float8 AS free
    FROM (SELECT *, at > now() - interval '1 hour' AS of_hour FROM project_invitation_mails
      WHERE (project_id = ${projectId} OR invited_by = ${invitedBy} OR email_key = ${emailKey})
        AND at > now() - interval '1 day') AS recent`;
  return {
    ofProject: row?.of_project ?? 0,
    ofInviter: row?.of_inviter ?? 0,
    mailsToAddress: row?.mails ?? 0,
    untilFreeSeconds: row?.free ?? 0,
  };
}

export async function recordInvited(tx: Tx, invited: Invited, wasMailed: boolean): Promise<void> {
  const { projectId, invitedBy, emailKey } = invited;
  await tx`INSERT INTO project_invitation_mails (project_id, invited_by, email_key, was_mailed)
    VALUES (${projectId}, ${invitedBy}, ${emailKey}, ${wasMailed})`;
}

/** What has expired, and what no bound counts any more: addresses are not kept longer than they are needed. */
export async function deleteStale(tx: Tx): Promise<void> {
  await tx`DELETE FROM project_invitations WHERE expires_at < now()`;
  await tx`DELETE FROM project_invitation_mails WHERE at < now() - interval '1 day'`;
}

type ReceivedRow = InvitationRow & { readonly project_id: string; readonly project_name: string };

function selectReceived(sql: Sql): Query<unknown> {
  return sql`SELECT i.id, i.email, i.role, i.invited_by, i.invited_at, i.expires_at, i.project_id, pr.name AS project_name
    FROM project_invitations i JOIN projects pr ON pr.id = i.project_id
    WHERE i.expires_at > now() AND pr.deleted_at IS NULL`;
}

function toReceived(row: ReceivedRow): ReceivedInvitation {
  return { ...toInvitation(row), projectId: row.project_id, projectName: row.project_name };
}

function toInvitation(row: InvitationRow): Invitation {
  return {
    id: row.id,
    email: row.email,
    role: row.role,
    invitedBy: row.invited_by,
    invitedAt: row.invited_at,
    expiresAt: row.expires_at,
  };
}
