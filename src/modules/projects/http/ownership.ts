// Routes that only make sense to an owner: handing a project over, and taking its deletion back.
import { z } from "zod";
import { type Route, route } from "../../../kernel/http/index.ts";
import type { CollaboratorActions } from "../actions/collaborators.ts";
import type { ProjectActions } from "../actions/projects.ts";
import { projectErrors as no } from "../errors.ts";
import { projectView, toProjectView } from "../view.ts";

export interface OwnershipRouteDeps {
  readonly projects: ProjectActions;
  readonly collaborators: CollaboratorActions;
  readonly publicUrl: string;
}

const PATH = "/api/v1/projects/{id}";

const params = z.strictObject({ id: z.uuid().toLowerCase() });

export function ownershipRoutes({ projects, collaborators, publicUrl }: OwnershipRouteDeps): Route[] {
  const common = { tag: "projects", access: "user", params } as const;

  return [
    route(
      {
        ...common,
        method: "POST",
        path: `${PATH}/hand-over`,
        operationId: "handOverProject",
        summary: "Make a collaborator the owner of a project",
        description: "Owner only, who becomes a collaborator. Works in an archived project too.",
        body: z.strictObject({ user_id: z.uuid().toLowerCase() }),
        responses: { 200: { description: "The project, as who gave it sees it now.", schema: projectView } },
        errors: [no.PROJECT_NOT_FOUND, no.COLLABORATOR_NOT_FOUND, no.PROJECT_FORBIDDEN, no.PERSONAL_PROJECT],
      },
      ({ actor, params: { id }, body, address, write }) =>
        write(async (tx) => {
          const place = { projectId: id, actorId: actor.userId, address };
          const project = await collaborators.handOver(tx, place, body.user_id);
          return { status: 200, body: toProjectView(project, publicUrl) };
        }),
    ),
    route(
      {
        ...common,
        method: "POST",
        path: `${PATH}/restore`,
        operationId: "restoreProject",
        summary: "Bring a deleted project back",
        description:
          "Owner only, until its `deletes_at`. With all it held and everyone in it. A project that is not deleted is shown.",
        responses: { 200: { description: "The project.", schema: projectView } },
        errors: [no.PROJECT_NOT_FOUND, no.PROJECT_FORBIDDEN],
      },
      ({ actor, params: { id }, address, write }) =>
        write(async (tx) => {
          const place = { projectId: id, actorId: actor.userId, address };
          const project = await projects.restoreProject(tx, place);
          return { status: 200, body: toProjectView(project, publicUrl) };
        }),
    ),
  ];
}
