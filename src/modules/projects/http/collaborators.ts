// Routes of a project's collaborators: parse, act, show.
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
import { accountErrors, parseEmail } from "../../accounts/index.ts";
import { findAccess } from "../access.ts";
import type { CollaboratorActions } from "../actions/collaborators.ts";
import type { InvitationActions } from "../actions/invitations.ts";
import { projectErrors as no } from "../errors.ts";
import { allow, isAllowed } from "../policy.ts";
import { listParticipants, positionOf } from "../store/collaborators.ts";
import {
  collaboratorRole,
  collaboratorView,
  toCollaboratorView,
  toInvitedView,
  toParticipantView,
} from "../view.ts";

export interface CollaboratorRouteDeps {
  readonly db: Database;
  readonly actions: CollaboratorActions;
  readonly invitations: InvitationActions;
}

const PATH = "/api/v1/projects/{id}/collaborators";

const params = z.strictObject({ id: z.uuid().toLowerCase() });
const emailSchema = z
  .string()
  .max(320)
  .transform((text, context) => {
    const parsed = parseEmail(text);
    if (parsed) return parsed;
    context.addIssue({ code: "custom", message: "Must be an email address, such as ada@example.org." });
    return z.NEVER;
  });
const newCollaborator = z
  .strictObject({
    user_id: z.uuid().toLowerCase().optional(),
    email: emailSchema.optional(),
    role: collaboratorRole,
  })
  .refine(
    ({ user_id, email }) => (user_id === undefined) !== (email === undefined),
    "Give either user_id or email.",
  );
const oneParams = z.strictObject({ id: z.uuid().toLowerCase(), user_id: z.uuid().toLowerCase() });

export function collaboratorRoutes({ db, actions, invitations }: CollaboratorRouteDeps): Route[] {
  const common = { tag: "projects", access: "user" } as const;

  return [
    route(
      {
        ...common,
        method: "GET",
        path: PATH,
        operationId: "listCollaborators",
        summary: "List a project's collaborators",
        description:
          "Everyone with a role besides the owner, whom the project names. The owner also sees who is invited by email.",
        params,
        query: z.strictObject(pageQuery),
        responses: { 200: { description: "A page of collaborators.", schema: pageSchema(collaboratorView) } },
        errors: [no.PROJECT_NOT_FOUND],
      },
      async ({ actor, params: { id }, query: { limit, cursor } }) => {
        const access = allow(await findAccess(db.sql, id, actor.userId), "collaborators.read");
        const after = decodeCursor(cursor, z.tuple([z.literal([0, 1]), z.uuid()]));
        const withInvitations = isAllowed(access, "invitations.read");
        const rows = await listParticipants(db.sql, id, { after, limit, withInvitations });
        return { status: 200, body: toPage(rows, limit, toParticipantView, positionOf) };
      },
    ),
    route(
      {
        ...common,
        method: "POST",
        path: PATH,
        operationId: "addCollaborator",
        summary: "Give a user a role in a project",
        description:
          "Owner only. A collaborator reads and writes, a viewer reads. By `user_id` it counts at once; by `email` the address is sent an invitation, which its owner may accept for 14 days. Inviting again renews it.",
        params,
        body: newCollaborator,
        isIdempotent: true,
        responses: { 201: { description: "The new collaborator.", schema: collaboratorView } },
        errors: [
          no.PROJECT_NOT_FOUND,
          accountErrors.USER_NOT_FOUND,
          no.PROJECT_FORBIDDEN,
          no.PROJECT_ARCHIVED,
          no.PERSONAL_PROJECT,
          no.COLLABORATOR_EXISTS,
          no.INVITATION_LIMIT,
        ],
      },
      ({ actor, params: { id }, body: { user_id: userId, email, role }, address, write }) =>
        write(async (tx) => {
          const place = { projectId: id, actorId: actor.userId, address };
          if (email) {
            return { status: 201, body: toInvitedView(await invitations.invite(tx, place, { email, role })) };
          }
          // The schema lets one of the two through.
          const added = await actions.addCollaborator(tx, place, { userId: userId ?? "", role });
          return { status: 201, body: toCollaboratorView(added) };
        }),
    ),
    route(
      {
        ...common,
        method: "PATCH",
        path: `${PATH}/{user_id}`,
        operationId: "changeCollaborator",
        summary: "Give a collaborator another role",
        params: oneParams,
        body: z.strictObject({ role: collaboratorRole }),
        responses: { 200: { description: "The collaborator.", schema: collaboratorView } },
        errors: [
          no.PROJECT_NOT_FOUND,
          no.COLLABORATOR_NOT_FOUND,
          no.PROJECT_FORBIDDEN,
          no.PROJECT_ARCHIVED,
          no.PERSONAL_PROJECT,
          no.OWNER_STAYS,
        ],
      },
      ({ actor, params: { id, user_id: userId }, body, address, write }) =>
        write(async (tx) => {
          const place = { projectId: id, actorId: actor.userId, address };
          const changed = await actions.changeCollaborator(tx, place, { userId, role: body.role });
          return { status: 200, body: toCollaboratorView(changed) };
        }),
    ),
    route(
      {
        ...common,
        method: "DELETE",
        path: `${PATH}/{user_id}`,
        operationId: "removeCollaborator",
        summary: "Remove a collaborator, or leave a project",
        description: "The owner removes anyone; everyone removes himself. Works in an archived project too.",
        params: oneParams,
        responses: { 204: { description: "That user has no role in the project any more." } },
        errors: [no.PROJECT_NOT_FOUND, no.COLLABORATOR_NOT_FOUND, no.PROJECT_FORBIDDEN, no.OWNER_STAYS],
      },
      ({ actor, params: { id, user_id: userId }, address, write }) =>
        write(async (tx) => {
          await actions.removeCollaborator(tx, { projectId: id, actorId: actor.userId, address }, userId);
          return { status: 204 };
        }),
    ),
  ];
}
