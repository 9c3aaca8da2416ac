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
import { accountErrors } from "../../accounts/index.ts";
import { findAccess } from "../access.ts";
import type { CollaboratorActions } from "../actions/collaborators.ts";
import { projectErrors as no } from "../errors.ts";
import { allow } from "../policy.ts";
import { listCollaborators } from "../store/collaborators.ts";
import { collaboratorRole, collaboratorView, toCollaboratorView } from "../view.ts";

export interface CollaboratorRouteDeps {
  readonly db: Database;
  readonly actions: CollaboratorActions;
}

const PATH = "/api/v1/projects/{id}/collaborators";

const params = z.strictObject({ id: z.uuid() });
const oneParams = z.strictObject({ id: z.uuid(), user_id: z.uuid() });

export function collaboratorRoutes({ db, actions }: CollaboratorRouteDeps): Route[] {
  const common = { tag: "projects", access: "user" } as const;

  return [
    route(
      {
        ...common,
        method: "GET",
        path: PATH,
        operationId: "listCollaborators",
        summary: "List a project's collaborators",
        description: "Everyone with a role besides the owner, whom the project names.",
        params,
        query: z.strictObject(pageQuery),
        responses: { 200: { description: "A page of collaborators.", schema: pageSchema(collaboratorView) } },
        errors: [no.PROJECT_NOT_FOUND],
      },
      async ({ actor, params: { id }, query: { limit, cursor } }) => {
        allow(await findAccess(db.sql, id, actor.userId), "collaborators.read");
        const [afterUserId] = decodeCursor(cursor, z.tuple([z.uuid()])) ?? [];
        const rows = await listCollaborators(db.sql, id, { afterUserId, limit });
        return { status: 200, body: toPage(rows, limit, toCollaboratorView, (row) => [row.userId]) };
      },
    ),
    route(
      {
        ...common,
        method: "POST",
        path: PATH,
        operationId: "addCollaborator",
        summary: "Give a user a role in a project",
        description: "Owner only. A collaborator reads and writes, a viewer reads.",
        params,
        body: z.strictObject({ user_id: z.uuid(), role: collaboratorRole }),
        isIdempotent: true,
        responses: { 201: { description: "The new collaborator.", schema: collaboratorView } },
        errors: [
          no.PROJECT_NOT_FOUND,
          accountErrors.USER_NOT_FOUND,
          no.PROJECT_FORBIDDEN,
          no.PROJECT_ARCHIVED,
          no.PERSONAL_PROJECT,
          no.COLLABORATOR_EXISTS,
        ],
      },
      ({ actor, params: { id }, body, write, address }) =>
        write(async (tx) => {
          const place = { projectId: id, actorId: actor.userId, address };
          const added = await actions.addCollaborator(tx, place, { userId: body.user_id, role: body.role });
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
      ({ actor, params: { id, user_id: userId }, body, write, address }) =>
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
      ({ actor, params: { id, user_id: userId }, write, address }) =>
        write(async (tx) => {
          await actions.removeCollaborator(tx, { projectId: id, actorId: actor.userId, address }, userId);
          return { status: 204 };
        }),
    ),
  ];
}
