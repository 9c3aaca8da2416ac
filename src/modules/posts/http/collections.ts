// Routes of collections and of the posts in them.
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
import { homeProjectId, personOf, projectErrors } from "../../projects/index.ts";
import type { CollectionActions } from "../actions/collections.ts";
import { postErrors as no } from "../errors.ts";
import { collectionView, postView, toCollectionView, toPostView } from "../view.ts";
import { idParams, person, personId, projectId, toBoundedPage } from "./parameters.ts";

export interface CollectionRouteDeps {
  readonly db: Database;
  readonly actions: CollectionActions;
}

const PATH = "/api/v1/collections";
const POSTS = `${PATH}/{id}/posts`;

const name = z.string().trim().min(1).max(200);
const placeParams = z.strictObject({ id: z.uuid().toLowerCase(), post_id: z.uuid().toLowerCase() });
const listQuery = z.strictObject({
  ...pageQuery,
  project_id: projectId,
  owner: person.meta({ description: "`me` or the id of a user; left out, everyone." }),
});
const positionQuery = z.strictObject({
  position: z
    .string()
    .regex(/^\d{1,9}$/, "Must be a whole number from 0.")
    .transform(Number)
    .optional()
    .meta({
      description:
        "Place among the posts, from 0. Past the end or left out: the end; left out, a post that is in it stays.",
    }),
});

const CHANGE_ERRORS = [
  no.COLLECTION_NOT_FOUND,
  projectErrors.PROJECT_FORBIDDEN,
  projectErrors.PROJECT_ARCHIVED,
  no.COLLECTION_NOT_YOURS,
] as const;

export function collectionRoutes({ db, actions }: CollectionRouteDeps): Route[] {
  const common = { tag: "collections", access: "user or key" } as const;
  const shown = { 200: { description: "The collection.", schema: collectionView } };

  return [
    route(
      {
        ...common,
        method: "GET",
        path: PATH,
        operationId: "listCollections",
        permission: "collections.read",
        summary: "List a project's collections, newest first",
        query: listQuery,
        responses: { 200: { description: "A page of collections.", schema: pageSchema(collectionView) } },
        errors: [projectErrors.PROJECT_NOT_FOUND],
      },
      async ({ actor, query: { limit, cursor, ...query } }) => {
        const [beforeId] = decodeCursor(cursor, z.tuple([z.uuid()])) ?? [];
        const rows = await actions.listCollections(db.sql, actor, {
          projectId: query.project_id ?? homeProjectId(actor),
          ownerId: personId(query.owner, personOf(actor)),
          beforeId,
          limit,
        });
        return { status: 200, body: toPage(rows, limit, toCollectionView, (row) => [row.id]) };
      },
    ),
    route(
      {
        ...common,
        method: "POST",
        path: PATH,
        operationId: "createCollection",
        permission: "collections.write",
        summary: "Create a collection that one owns",
        body: z.strictObject({ name, project_id: projectId }),
        isIdempotent: true,
        responses: { 201: { description: "The new collection.", schema: collectionView } },
        errors: [
          projectErrors.PROJECT_NOT_FOUND,
          projectErrors.PROJECT_FORBIDDEN,
          projectErrors.PROJECT_ARCHIVED,
        ],
      },
      ({ actor, body, write }) =>
        write(async (tx) => {
          const projectId = body.project_id ?? homeProjectId(actor);
          const collection = await actions.createCollection(tx, projectId, actor, body.name);
          return { status: 201, body: toCollectionView(collection) };
        }),
    ),
    route(
      {
        ...common,
        method: "GET",
        path: `${PATH}/{id}`,
        operationId: "getCollection",
        permission: "collections.read",
        summary: "Read a collection",
        params: idParams,
        responses: shown,
        errors: [no.COLLECTION_NOT_FOUND],
      },
      async ({ actor, params: { id } }) => {
        return { status: 200, body: toCollectionView(await actions.getCollection(db.sql, id, actor)) };
      },
    ),
    route(
      {
        ...common,
        method: "PUT",
        path: `${PATH}/{id}`,
        operationId: "renameCollection",
        permission: "collections.write",
        summary: "Rename a collection",
        description: "Its owner only, or the project's once that one may no longer write.",
        params: idParams,
        body: z.strictObject({ name }),
        responses: shown,
        errors: CHANGE_ERRORS,
      },
      ({ actor, params: { id }, body, write }) =>
        write(async (tx) => {
          const collection = await actions.renameCollection(tx, id, actor, body.name);
          return { status: 200, body: toCollectionView(collection) };
        }),
    ),
    route(
      {
        ...common,
        method: "POST",
        path: `${PATH}/{id}/take-over`,
        operationId: "takeOverCollection",
        permission: "collections.write",
        summary: "Make a collection one's own whose owner may no longer write in the project",
        description: "The project's owner only. One's own collection is shown.",
        params: idParams,
        responses: shown,
        errors: CHANGE_ERRORS,
      },
      ({ actor, params: { id }, write }) =>
        write(async (tx) => {
          const collection = await actions.takeOver(tx, id, actor);
          return { status: 200, body: toCollectionView(collection) };
        }),
    ),
    route(
      {
        ...common,
        method: "DELETE",
        path: `${PATH}/{id}`,
        operationId: "deleteCollection",
        permission: "collections.write",
        summary: "Delete a collection; its posts stay",
        description: "Its owner only, or the project's once that one may no longer write.",
        params: idParams,
        responses: { 204: { description: "It is gone." } },
        errors: CHANGE_ERRORS,
      },
      ({ actor, params: { id }, write }) =>
        write(async (tx) => {
          await actions.deleteCollection(tx, id, actor);
          return { status: 204 };
        }),
    ),
    route(
      {
        ...common,
        method: "GET",
        path: POSTS,
        operationId: "listCollectionPosts",
        permission: "collections.read",
        summary: "List a collection's posts in their order",
        description: "A page of long posts ends before its limit; follow next_cursor until it is null.",
        params: idParams,
        query: z.strictObject(pageQuery),
        responses: { 200: { description: "A page of posts.", schema: pageSchema(postView) } },
        errors: [no.COLLECTION_NOT_FOUND],
      },
      async ({ actor, params: { id }, query: { limit, cursor } }) => {
        const after = decodeCursor(cursor, z.tuple([z.number(), z.uuid()]));
        const found = await actions.listPosts(db.sql, id, actor, { after, limit });
        const view = ({ post }: (typeof found.items)[number]) => toPostView(post);
        return { status: 200, body: toBoundedPage(found, view, ({ post, rank }) => [rank, post.id]) };
      },
    ),
    route(
      {
        ...common,
        method: "PUT",
        path: `${POSTS}/{post_id}`,
        operationId: "addToCollection",
        permission: "collections.write",
        summary: "Put a post of the same project into a collection, or at another place in it",
        description: "Its owner only, or the project's once that one may no longer write. Safe to repeat.",
        params: placeParams,
        query: positionQuery,
        responses: { 204: { description: "It is in there." } },
        errors: [...CHANGE_ERRORS, no.POST_NOT_FOUND, no.COLLECTION_FULL],
      },
      ({ actor, params: { id, post_id: postId }, query: { position }, write }) =>
        write(async (tx) => {
          await actions.putPost(tx, { id, postId }, actor, position);
          return { status: 204 };
        }),
    ),
    route(
      {
        ...common,
        method: "DELETE",
        path: `${POSTS}/{post_id}`,
        operationId: "removeFromCollection",
        permission: "collections.write",
        summary: "Take a post out of a collection",
        description: "Its owner only, or the project's once that one may no longer write. Safe to repeat.",
        params: placeParams,
        responses: { 204: { description: "It is not in there." } },
        errors: [...CHANGE_ERRORS, no.POST_NOT_FOUND],
      },
      ({ actor, params: { id, post_id: postId }, write }) =>
        write(async (tx) => {
          await actions.removePost(tx, { id, postId }, actor);
          return { status: 204 };
        }),
    ),
  ];
}
