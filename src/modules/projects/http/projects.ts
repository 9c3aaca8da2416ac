// Routes of projects: parse, act, show.
import { z } from "zod";
import type { Database } from "../../../kernel/db/index.ts";
import type { Events } from "../../../kernel/events/index.ts";
import {
  decodeCursor,
  integerParameter,
  pageQuery,
  pageSchema,
  type Route,
  route,
  toPage,
} from "../../../kernel/http/index.ts";
import { findAccess } from "../access.ts";
import type { ProjectActions } from "../actions/projects.ts";
import { projectErrors as no } from "../errors.ts";
import { allow } from "../policy.ts";
import { listProjects } from "../store/projects.ts";
import { eventView, projectStatus, projectView, toEventView, toProjectView } from "../view.ts";

export interface ProjectRouteDeps {
  readonly db: Database;
  readonly events: Pick<Events, "history">;
  readonly actions: ProjectActions;
  readonly publicUrl: string;
}

const PATH = "/api/v1/projects";
const EVENTS_AT_MOST = 1_000;

const params = z.strictObject({ id: z.uuid().toLowerCase() });
const name = z.string().trim().min(1).max(200);
const description = z.string().trim().max(2_000).nullable();
const newProject = z.strictObject({ name, description: description.default(null) });
const changedProject = z
  .strictObject({
    name: name.optional(),
    description: description.optional(),
    status: projectStatus.optional(),
  })
  .refine((change) => Object.keys(change).length > 0, "Give at least one of name, description and status.");
const listQuery = z.strictObject({
  ...pageQuery,
  deleted: z
    .enum(["true", "false"])
    .optional()
    .meta({ description: "`true`: one's own that are deleted and can be restored." }),
});
const eventsQuery = z.strictObject({
  since: integerParameter({
    min: 0,
    max: 999_999_999_999_999,
    default: 0,
    description: "The last number already seen.",
  }),
  limit: integerParameter({ min: 1, max: EVENTS_AT_MOST, default: 100 }),
});
const eventPage = z.strictObject({
  items: z.array(eventView),
  seq: z.int().meta({ description: "The newest number there is: when the last item has it, that was all." }),
  floor: z.int().meta({ description: "The oldest number still kept. Who needs an older one must reload." }),
  epoch: z.string().meta({ description: "Changes when a backup was restored: numbers start anew." }),
});

export function projectRoutes({ db, events, actions, publicUrl }: ProjectRouteDeps): Route[] {
  const view = (project: Parameters<typeof toProjectView>[0]) => toProjectView(project, publicUrl);
  const shown = { 200: { description: "The project.", schema: projectView } };
  const common = { tag: "projects", access: "user" } as const;

  return [
    route(
      {
        ...common,
        method: "GET",
        path: PATH,
        operationId: "listProjects",
        summary: "List the projects one is a member of, newest first",
        query: listQuery,
        responses: { 200: { description: "A page of projects.", schema: pageSchema(projectView) } },
      },
      async ({ actor, query: { limit, cursor, deleted } }) => {
        const [beforeId] = decodeCursor(cursor, z.tuple([z.uuid()])) ?? [];
        const list = { userId: actor.userId, isDeleted: deleted === "true", beforeId, limit };
        const rows = await listProjects(db.sql, list);
        return { status: 200, body: toPage(rows, limit, view, (project) => [project.id]) };
      },
    ),
    route(
      {
        ...common,
        method: "POST",
        path: PATH,
        operationId: "createProject",
        summary: "Create a project that one owns",
        body: newProject,
        isIdempotent: true,
        responses: { 201: { description: "The new project.", schema: projectView } },
      },
      ({ actor, body, write, address }) =>
        write(async (tx) => ({
          status: 201,
          body: view(await actions.createProject(tx, actor.userId, body, address)),
        })),
    ),
    route(
      {
        ...common,
        method: "GET",
        path: `${PATH}/{id}`,
        operationId: "getProject",
        access: "user or key",
        permission: "project.read",
        summary: "Read a project",
        params,
        responses: shown,
        errors: [no.PROJECT_NOT_FOUND],
      },
      async ({ actor, params: { id } }) => ({
        status: 200,
        body: view(await actions.getProject(db.sql, id, actor)),
      }),
    ),
    route(
      {
        ...common,
        method: "PATCH",
        path: `${PATH}/{id}`,
        operationId: "changeProject",
        summary: "Rename, describe, archive a project, or bring it back",
        description: "Owner only. An archived project can be read by its members and takes no changes.",
        params,
        body: changedProject,
        responses: shown,
        errors: [no.PROJECT_NOT_FOUND, no.PROJECT_FORBIDDEN, no.PROJECT_ARCHIVED, no.PERSONAL_PROJECT],
      },
      ({ actor, params: { id }, body, write, address }) =>
        write(async (tx) => ({
          status: 200,
          body: view(await actions.changeProject(tx, id, { userId: actor.userId, address }, body)),
        })),
    ),
    route(
      {
        ...common,
        method: "DELETE",
        path: `${PATH}/{id}`,
        operationId: "deleteProject",
        summary: "Delete a project with all it holds",
        description:
          "Owner only. It is gone for everyone at once. For PROJECT_ERASE_AFTER_DAYS its owner can restore it, then it is erased.",
        params,
        responses: { 204: { description: "It is gone." } },
        errors: [no.PROJECT_NOT_FOUND, no.PROJECT_FORBIDDEN, no.PERSONAL_PROJECT],
      },
      ({ actor, params: { id }, address, write }) =>
        write(async (tx) => {
          await actions.deleteProject(tx, { projectId: id, actorId: actor.userId, address });
          return { status: 204 };
        }),
    ),
    route(
      {
        ...common,
        method: "GET",
        path: `${PATH}/{id}/events`,
        operationId: "listProjectEvents",
        access: "user or key",
        permission: "events.read",
        summary: "Read a project's changes in their order",
        description: "Numbered 1, 2, 3 … without gaps: those after `since`, oldest first.",
        params,
        query: eventsQuery,
        responses: { 200: { description: "The events.", schema: eventPage } },
        errors: [no.PROJECT_NOT_FOUND],
      },
      async ({ actor, params: { id }, query: { since, limit } }) => {
        allow(await findAccess(db.sql, id, actor), "events.read");
        const page = await events.history(db.sql, id, since, limit);
        return { status: 200, body: { ...page, items: page.items.map(toEventView) } };
      },
    ),
  ];
}
