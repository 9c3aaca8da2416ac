// Routes of posts: list, create, read, change, delete, restore.
import { z } from "zod";
import type { Database } from "../../../kernel/db/index.ts";
import {
  decodeCursor,
  pageQuery,
  pageSchema,
  type Reply,
  type Route,
  route,
} from "../../../kernel/http/index.ts";
import { personalProjectId, projectErrors } from "../../projects/index.ts";
import { textErrors } from "../../texts/index.ts";
import type { PostActions } from "../actions/posts.ts";
import { postErrors as no } from "../errors.ts";
import { edited, type Post } from "../model.ts";
import { etagOf, matches, readVersionMatch, versionHeaders } from "../version-match.ts";
import { postView, toPostView } from "../view.ts";
import { body, idParams, path, person, personId, projectId, title, toBoundedPage } from "./parameters.ts";

export interface PostRouteDeps {
  readonly db: Database;
  readonly actions: PostActions;
}

export const PATH = "/api/v1/posts";

const replaced = z.strictObject({ title, body, path: path.nullish() });
const newPost = replaced.extend({ project_id: projectId });
const changed = z
  .strictObject({ title: title.optional(), body: body.optional(), path: path.nullable().optional() })
  .refine((change) => Object.keys(change).length > 0, "Give at least one of title, body and path.");
const listQuery = z.strictObject({
  ...pageQuery,
  project_id: projectId,
  author: person.meta({ description: "Who created them: `me` or the id of a user; left out, everyone." }),
  path: path.optional().meta({ description: "Only the post that is this file; case makes no difference." }),
  deleted: z
    .enum(["true", "false"])
    .default("false")
    .meta({ description: "`true`: those that are deleted and can be restored." }),
});

/** What every change of a post may be refused with. */
export const CHANGE_ERRORS = [
  no.POST_NOT_FOUND,
  projectErrors.PROJECT_FORBIDDEN,
  projectErrors.PROJECT_ARCHIVED,
  no.POST_CHANGED,
] as const;
const TEXT_ERRORS = [
  no.POST_PATH_TAKEN,
  textErrors.PARAGRAPH_TOO_LONG,
  textErrors.TOO_MANY_PARAGRAPHS,
] as const;

export function showPost(status: number, post: Post): Reply {
  return { status, body: toPostView(post), headers: { ETag: etagOf(post) } };
}

export function postRoutes({ db, actions }: PostRouteDeps): Route[] {
  const common = { tag: "posts", access: "user" } as const;
  const shown = {
    200: {
      description: "The post, with its version as ETag.",
      schema: postView,
      headers: versionHeaders.etag,
    },
  };

  return [
    route(
      {
        ...common,
        method: "GET",
        path: PATH,
        operationId: "listPosts",
        summary: "List a project's posts, newest first",
        description: "A page of long posts ends before its limit; follow next_cursor until it is null.",
        query: listQuery,
        responses: { 200: { description: "A page of posts.", schema: pageSchema(postView) } },
        errors: [projectErrors.PROJECT_NOT_FOUND],
      },
      async ({ actor, query }) => {
        const [beforeId] = decodeCursor(query.cursor, z.tuple([z.uuid()])) ?? [];
        const found = await actions.listPosts(db.sql, actor.userId, {
          projectId: query.project_id ?? personalProjectId(actor.userId),
          authorId: personId(query.author, actor.userId),
          path: query.path,
          isDeleted: query.deleted === "true",
          beforeId,
          limit: query.limit,
        });
        return { status: 200, body: toBoundedPage(found, toPostView, (post) => [post.id]) };
      },
    ),
    route(
      {
        ...common,
        method: "POST",
        path: PATH,
        operationId: "createPost",
        summary: "Create a post",
        description: "Its paragraphs are analysed in the background and found like any other.",
        body: newPost,
        isIdempotent: true,
        responses: {
          201: {
            description: "The new post, with its version as ETag.",
            schema: postView,
            headers: versionHeaders.etag,
          },
        },
        errors: [
          projectErrors.PROJECT_NOT_FOUND,
          projectErrors.PROJECT_FORBIDDEN,
          projectErrors.PROJECT_ARCHIVED,
          ...TEXT_ERRORS,
        ],
      },
      ({ actor, body: { project_id, ...content }, write }) =>
        write(
          async (tx) => {
            const projectId = project_id ?? personalProjectId(actor.userId);
            const post = { ...content, path: content.path ?? null };
            return showPost(201, await actions.createPost(tx, projectId, actor.userId, post));
          },
          { single: true },
        ),
    ),
    route(
      {
        ...common,
        method: "GET",
        path: `${PATH}/{id}`,
        operationId: "getPost",
        summary: "Read a post",
        description: "With If-None-Match and the ETag one has, 304 when it is still the same.",
        params: idParams,
        requestHeaders: versionHeaders.ifNoneMatch,
        responses: { ...shown, 304: { description: "It is the version that you have." } },
        errors: [no.POST_NOT_FOUND],
      },
      async ({ actor, params: { id }, request }) => {
        const match = readVersionMatch(request, "If-None-Match");
        const post = await actions.getPost(db.sql, id, actor.userId);
        if (match && matches(post, match)) return { status: 304, headers: { ETag: etagOf(post) } };
        return showPost(200, post);
      },
    ),
    route(
      {
        ...common,
        method: "PUT",
        path: `${PATH}/{id}`,
        operationId: "replacePost",
        summary: "Replace a post's title, body and path",
        description:
          "Makes a new version, unless nothing differs. With If-Match only if the post is at that version.",
        params: idParams,
        body: replaced,
        requestHeaders: versionHeaders.ifMatch,
        responses: shown,
        errors: [...CHANGE_ERRORS, ...TEXT_ERRORS],
      },
      ({ actor, params: { id }, body, request, write }) =>
        write(
          async (tx) => {
            const target = { id, userId: actor.userId, match: readVersionMatch(request, "If-Match") };
            const content = { ...body, path: body.path ?? null };
            return showPost(200, await actions.changePost(tx, target, () => ({ content })));
          },
          { single: true },
        ),
    ),
    route(
      {
        ...common,
        method: "PATCH",
        path: `${PATH}/{id}`,
        operationId: "changePost",
        summary: "Change some of a post's title, body and path",
        description:
          "What is left out stays. Makes a new version, unless nothing differs. If-Match as with PUT.",
        params: idParams,
        body: changed,
        requestHeaders: versionHeaders.ifMatch,
        responses: shown,
        errors: [...CHANGE_ERRORS, ...TEXT_ERRORS],
      },
      ({ actor, params: { id }, body, request, write }) =>
        write(
          async (tx) => {
            const target = { id, userId: actor.userId, match: readVersionMatch(request, "If-Match") };
            const toEdit = (post: Post) => ({ content: edited(post, body) });
            return showPost(200, await actions.changePost(tx, target, toEdit));
          },
          { single: true },
        ),
    ),
    route(
      {
        ...common,
        method: "DELETE",
        path: `${PATH}/{id}`,
        operationId: "deletePost",
        summary: "Delete a post",
        description: "It can be restored for 30 days, and is erased after them. If-Match as with PUT.",
        params: idParams,
        requestHeaders: versionHeaders.ifMatch,
        responses: { 204: { description: "It is deleted." } },
        errors: CHANGE_ERRORS,
      },
      ({ actor, params: { id }, request, write }) =>
        write(
          async (tx) => {
            const match = readVersionMatch(request, "If-Match");
            await actions.deletePost(tx, { id, userId: actor.userId, match });
            return { status: 204 };
          },
          { single: true },
        ),
    ),
    route(
      {
        ...common,
        method: "POST",
        path: `${PATH}/{id}/restore`,
        operationId: "restorePost",
        summary: "Bring a deleted post back",
        description:
          "With its history, its path and its places in collections. Of a post that is not deleted: it is shown.",
        params: idParams,
        responses: shown,
        errors: [
          no.POST_NOT_FOUND,
          projectErrors.PROJECT_FORBIDDEN,
          projectErrors.PROJECT_ARCHIVED,
          no.POST_PATH_TAKEN,
        ],
      },
      ({ actor, params: { id }, write }) =>
        write(async (tx) => showPost(200, await actions.restorePost(tx, id, actor.userId)), { single: true }),
    ),
  ];
}
