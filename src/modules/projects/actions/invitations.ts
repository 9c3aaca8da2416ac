// What can be done about invitations by email: the owner's part, and that of whoever was invited.
import type { Sql, Tx } from "../../../kernel/db/index.ts";
import type { Events } from "../../../kernel/events/index.ts";
import { newId } from "../../../kernel/ids/index.ts";
import type { Jobs, Task } from "../../../kernel/jobs/index.ts";
import type { Mailer } from "../../../kernel/mail/index.ts";
import { type Accounts, type EmailAddress, parseEmail, type UserName } from "../../accounts/index.ts";
import type { Announce } from "../audit-trail.ts";
import { projectErrors } from "../errors.ts";
import {
  collaboratorAdded,
  collaboratorInvited,
  collaboratorUninvited,
  invitationReceived,
  projectShared,
} from "../events.ts";
import { toInvitationMail } from "../invitation-mail.ts";
import type { NoticeInput } from "../jobs.ts";
import { accessOf, type CollaboratorRole, type Invitation, type Project } from "../model.ts";
import { allow, allowSharing } from "../policy.ts";
import { insertCollaborator } from "../store/collaborators.ts";
import * as store from "../store/invitations.ts";
import { findProject, findProjectToChange, lockProject } from "../store/projects.ts";
import type { Place } from "./projects.ts";

export interface InvitationActionDeps {
  readonly events: Pick<Events, "appendPersonal">;
  readonly jobs: Pick<Jobs, "enqueue">;
  readonly mailer: Mailer;
  readonly announce: Announce;
  readonly accounts: Pick<Accounts, "getUser" | "findVerifiedByEmail" | "listNames">;
  readonly noticeTask: Task<NoticeInput>;
  readonly publicUrl: string;
}

/** Somebody, at an address. */
interface Caller {
  readonly userId: string;
  readonly address: string;
}

export interface ShownInvitation {
  readonly invitation: store.ReceivedInvitation;
  readonly inviterName: UserName["name"];
}

const LIFE_DAYS = 14;
const MAX_PER_PROJECT_AND_HOUR = 20;
/** Projects cost nothing: who makes many must not mail more. */
const MAX_PER_INVITER_AND_HOUR = 50;
/** From all projects together. Who invites is not told that no mail went out: it would tell what others do. */
const MAX_MAILS_PER_ADDRESS_AND_DAY = 10;
/** At the verification of an address; the rest is in the list. */
const MAX_ANNOUNCED = 20;

export type InvitationActions = ReturnType<typeof createInvitationActions>;

export function createInvitationActions(deps: InvitationActionDeps) {
  const { events, jobs, mailer, announce, accounts, noticeTask, publicUrl } = deps;

  /** Undefined unless the user has proved that his address is his. */
  async function findVerifiedKey(sql: Sql, userId: string): Promise<string | undefined> {
    const { email } = await accounts.getUser(sql, userId);
    const key = parseEmail(email)?.key;
    if (key === undefined) return undefined;
    return (await accounts.findVerifiedByEmail(sql, key))?.id === userId ? key : undefined;
  }

  /** Of this user and open, with the project and its members locked. */
  async function takeInvitation(tx: Tx, id: string, userId: string): Promise<store.ReceivedInvitation> {
    const found = await store.findReceived(tx, id);
    if (!found || (await store.findInvitedKey(tx, id)) !== (await findVerifiedKey(tx, userId))) {
      throw projectErrors.INVITATION_NOT_FOUND();
    }
    await lockProject(tx, found.projectId);
    // As it is now: it may have been renewed with another role, or the project deleted, while we waited.
    const current = await store.findReceived(tx, id);
    if (!current || !(await store.deleteInvitation(tx, current.projectId, id))) {
      throw projectErrors.INVITATION_NOT_FOUND();
    }
    return current;
  }

  return {
    /**
     * Nothing here asks whether the address has an account, so that neither the answer nor its time can tell; whoever has it
     * is told by a job.
     */
    async invite(
      tx: Tx,
      place: Place,
      { email, role }: { readonly email: EmailAddress; readonly role: CollaboratorRole },
    ): Promise<Invitation> {
      const { projectId, actorId } = place;
      const project = await load(tx, place);
      allowSharing(project);
      const invited = { projectId, invitedBy: actorId, emailKey: email.key };
      const recent = await store.countRecent(tx, invited);
      if (recent.ofProject >= MAX_PER_PROJECT_AND_HOUR || recent.ofInviter >= MAX_PER_INVITER_AND_HOUR) {
        throw projectErrors.INVITATION_LIMIT({ retryAfterSeconds: recent.untilFreeSeconds });
      }
      const invitation = await store.upsertInvitation(tx, {
        id: newId(),
        projectId,
        email,
        role,
        invitedBy: actorId,
        lifeDays: LIFE_DAYS,
      });
      const isMailed = recent.mailsToAddress < MAX_MAILS_PER_ADDRESS_AND_DAY;
      await store.recordInvited(tx, invited, isMailed);
      if (isMailed) {
        const mail = { to: email.address, projectName: project.name, role, lifeDays: LIFE_DAYS, publicUrl };
        await mailer.send(tx, toInvitationMail(mail));
      }
      await jobs.enqueue(tx, noticeTask, { invitation_id: invitation.id });
      await announce(tx, collaboratorInvited(place, invitation.id, role), place.address);
      return invitation;
    },

    async withdraw(tx: Tx, place: Place, id: string): Promise<void> {
      allow(accessOf(await load(tx, place)), "invitations.withdraw");
      if (!(await store.deleteInvitation(tx, place.projectId, id)))
        throw projectErrors.INVITATION_NOT_FOUND();
      await announce(tx, collaboratorUninvited(place, id), place.address);
    },

    async listReceived(
      sql: Sql,
      userId: string,
      page: Parameters<typeof store.listReceived>[2],
    ): Promise<ShownInvitation[]> {
      const key = await findVerifiedKey(sql, userId);
      if (key === undefined) return [];
      const invitations = await store.listReceived(sql, key, page);
      const inviters = await accounts.listNames(
        sql,
        invitations.map(({ invitedBy }) => invitedBy),
      );
      const names = new Map(inviters.map(({ id, name }) => [id, name]));
      return invitations.map((invitation) => ({
        invitation,
        inviterName: names.get(invitation.invitedBy) ?? null,
      }));
    },

    /** Who has a role in the project already keeps it. */
    async accept(tx: Tx, id: string, { userId, address }: Caller): Promise<Project> {
      const { projectId, role, invitedBy } = await takeInvitation(tx, id, userId);
      const place = { projectId, actorId: userId, address };
      const added = await insertCollaborator(tx, projectId, { userId, role, invitedBy });
      const project = await findProject(tx, projectId, userId);
      if (!project) throw projectErrors.INVITATION_NOT_FOUND();
      if (!added) return project;
      if (project.status === "archived") throw projectErrors.PROJECT_ARCHIVED();
      await announce(tx, collaboratorAdded(place, userId, role), place.address);
      await events.appendPersonal(tx, userId, projectShared({ projectId, actorId: invitedBy }, role));
      return project;
    },

    async decline(tx: Tx, id: string, { userId, address }: Caller): Promise<void> {
      const { projectId } = await takeInvitation(tx, id, userId);
      const place = { projectId, actorId: userId, address };
      await announce(tx, collaboratorUninvited(place, id), place.address);
    },

    /** Tells whoever has just proved that an address is his of what waits for him. */
    async announceAll(tx: Tx, user: { readonly id: string; readonly email: string }): Promise<void> {
      const key = parseEmail(user.email)?.key;
      if (key === undefined) return;
      const page = { beforeId: undefined, limit: MAX_ANNOUNCED };
      for (const invitation of await store.listReceived(tx, key, page)) {
        await events.appendPersonal(tx, user.id, invitationReceived(invitation));
      }
    },
  };
}

/** Locked, so that two changes of one project's members come one after the other. */
async function load(tx: Tx, { projectId, actorId }: Place): Promise<Project> {
  const project = await findProjectToChange(tx, projectId, actorId);
  if (!project) throw projectErrors.PROJECT_NOT_FOUND();
  return project;
}
