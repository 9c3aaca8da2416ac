// Routes of invitations by email: those of a project are withdrawn, one's own are listed, accepted and declined.
import { z } from "zod";
import type { Database } from "../../../kernel/db/index.ts";
import {
  decodeCursor,
  pageQuery,
  pageSchema,
  type Route,
  route,
  toPage,
} from "../../../kernel/http/index.ts";
import type { InvitationActions } from "../actions/invitations.ts";
import { projectErrors as no } from "../errors.ts";
import { invitationView, projectView, toInvitationView, toProjectView } from "../view.ts";

export interface InvitationRouteDeps {
  readonly db: Database;
  readonly actions: InvitationActions;
  readonly publicUrl: string;
}

const MINE = "/api/v1/invitations";

const params = z.strictObject({ id: z.uuid().toLowerCase() });
const placeParams = z.strictObject({ id: z.uuid().toLowerCase(), invitation_id: z.uuid().toLowerCase() });

export function invitationRoutes({ db, actions, publicUrl }: InvitationRouteDeps): Route[] {
  const common = { tag: "projects", access: "user" } as const;

  return [
    route(
      {
        ...common,
        method: "DELETE",
        path: "/api/v1/projects/{id}/invitations/{invitation_id}",
        operationId: "withdrawInvitation",
        summary: "Withdraw an invitation by email",
        description: "Owner only. Works in an archived project too.",
        params: placeParams,
        responses: { 204: { description: "Nobody can accept it any more." } },
        errors: [no.PROJECT_NOT_FOUND, no.INVITATION_NOT_FOUND, no.PROJECT_FORBIDDEN],
      },
      ({ actor, params: { id, invitation_id: invitationId }, address, write }) =>
        write(async (tx) => {
          await actions.withdraw(tx, { projectId: id, actorId: actor.userId, address }, invitationId);
          return { status: 204 };
        }),
    ),
    route(
      {
        ...common,
        method: "GET",
        path: MINE,
        operationId: "listInvitations",
        summary: "List the invitations to one's own verified address, newest first",
        query: z.strictObject(pageQuery),
        responses: { 200: { description: "A page of invitations.", schema: pageSchema(invitationView) } },
      },
      async ({ actor, query: { limit, cursor } }) => {
        const [beforeId] = decodeCursor(cursor, z.tuple([z.uuid()])) ?? [];
        const rows = await actions.listReceived(db.sql, actor.userId, { beforeId, limit });
        const body = toPage(rows, limit, toInvitationView, ({ invitation }) => [invitation.id]);
        return { status: 200, body };
      },
    ),
    route(
      {
        ...common,
        method: "POST",
        path: `${MINE}/{id}/accept`,
        operationId: "acceptInvitation",
        summary: "Accept an invitation, and so become a collaborator",
        description: "For the account whose verified address was invited. Who has a role already keeps it.",
        params,
        isIdempotent: true,
        responses: { 200: { description: "The project.", schema: projectView } },
        errors: [no.INVITATION_NOT_FOUND, no.PROJECT_ARCHIVED],
      },
      ({ actor, params: { id }, address, write }) =>
        write(async (tx) => {
          const project = await actions.accept(tx, id, { userId: actor.userId, address });
          return { status: 200, body: toProjectView(project, publicUrl) };
        }),
    ),
    route(
      {
        ...common,
        method: "DELETE",
        path: `${MINE}/{id}`,
        operationId: "declineInvitation",
        summary: "Decline an invitation",
        params,
        responses: { 204: { description: "It is gone." } },
        errors: [no.INVITATION_NOT_FOUND],
      },
      ({ actor, params: { id }, address, write }) =>
        write(async (tx) => {
          await actions.decline(tx, id, { userId: actor.userId, address });
          return { status: 204 };
        }),
    ),
  ];
}
