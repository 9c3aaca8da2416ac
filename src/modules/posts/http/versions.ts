// Routes of a post's history, and of the post as HTML.
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
import type { PostActions } from "../actions/posts.ts";
import type { VersionActions } from "../actions/versions.ts";
import { postErrors as no } from "../errors.ts";
import type { Renderer } from "../rendering/index.ts";
import { etagOf, matches, readVersionMatch, versionHeaders } from "../version-match.ts";
import { postView, renderedView, toVersionView, versionView, versionWithBodyView } from "../view.ts";
import { idParams } from "./parameters.ts";
import { CHANGE_ERRORS, PATH, showPost } from "./posts.ts";

export interface VersionRouteDeps {
  readonly db: Database;
  readonly posts: Pick<PostActions, "getPost">;
  readonly versions: VersionActions;
  readonly renderer: Pick<Renderer, "render">;
}

const VERSIONS = `${PATH}/{id}/versions`;
const params = z.strictObject({
  id: z.uuid().toLowerCase(),
  version: z
    .string()
    // What can be no number is a version that there is not, of a post that there may be.
    .transform((text) => (/^[1-9]\d{0,8}$/.test(text) ? Number(text) : 0))
    .meta({ type: "integer", minimum: 1, description: "Its number, from 1." }),
});

export function versionRoutes({ db, posts, versions, renderer }: VersionRouteDeps): Route[] {
  const common = { tag: "posts", access: "user or key" } as const;

  return [
    route(
      {
        ...common,
        method: "GET",
        path: VERSIONS,
        operationId: "listPostVersions",
        permission: "posts.read",
        summary: "List a post's versions, newest first",
        params: idParams,
        query: z.strictObject(pageQuery),
        responses: {
          200: { description: "A page of versions, without bodies.", schema: pageSchema(versionView) },
        },
        errors: [no.POST_NOT_FOUND],
      },
      async ({ actor, params: { id }, query: { limit, cursor } }) => {
        const [beforeVersion] = decodeCursor(cursor, z.tuple([z.int32()])) ?? [];
        const target = { id, caller: actor };
        const rows = await versions.listVersions(db.sql, target, { beforeVersion, limit });
        return { status: 200, body: toPage(rows, limit, toVersionView, (row) => [row.version]) };
      },
    ),
    route(
      {
        ...common,
        method: "GET",
        path: `${VERSIONS}/{version}`,
        operationId: "getPostVersion",
        permission: "posts.read",
        summary: "Read a version of a post",
        params,
        responses: { 200: { description: "The version with its body.", schema: versionWithBodyView } },
        errors: [no.POST_NOT_FOUND, no.VERSION_NOT_FOUND],
      },
      async ({ actor, params: { id, version } }) => {
        const found = await versions.getVersion(db.sql, { id, caller: actor }, version);
        return { status: 200, body: { ...toVersionView(found), body: found.body } };
      },
    ),
    route(
      {
        ...common,
        method: "POST",
        path: `${VERSIONS}/{version}/restore`,
        operationId: "restorePostVersion",
        permission: "posts.write",
        summary: "Take an earlier version of a post up again",
        description:
          "Makes a new version with the title and the body of that one; the path stays. If-Match as with PUT.",
        params,
        requestHeaders: versionHeaders.ifMatch,
        responses: {
          200: {
            description: "The post, with its version as ETag.",
            schema: postView,
            headers: versionHeaders.etag,
          },
        },
        errors: [...CHANGE_ERRORS, no.VERSION_NOT_FOUND],
      },
      ({ actor, params: { id, version }, request, write }) =>
        write(
          async (tx) => {
            const target = { id, caller: actor, match: readVersionMatch(request, "If-Match") };
            return showPost(200, await versions.restoreVersion(tx, target, version));
          },
          { single: true },
        ),
    ),
    route(
      {
        ...common,
        method: "GET",
        path: `${PATH}/{id}/rendered`,
        operationId: "renderPost",
        permission: "posts.read",
        summary: "Read a post's body as HTML",
        description:
          "Markdown (CommonMark with tables and strikethrough). HTML in the body is shown as text.",
        params: idParams,
        requestHeaders: versionHeaders.ifNoneMatch,
        responses: {
          200: {
            description: "Safe HTML, with the post's version as ETag.",
            schema: renderedView,
            headers: versionHeaders.etag,
          },
          304: { description: "It is the version that you have." },
        },
        errors: [no.POST_NOT_FOUND, no.POST_NOT_RENDERED, no.RENDERING_BUSY],
      },
      async ({ actor, params: { id }, request }) => {
        const match = readVersionMatch(request, "If-None-Match");
        const post = await posts.getPost(db.sql, id, actor);
        const headers = { ETag: etagOf(post) };
        if (match && matches(post, match)) return { status: 304, headers };
        const { version } = post;
        const html = await renderer.render(`${id} ${version}`, post.body);
        return { status: 200, body: { id, version, html }, headers };
      },
    ),
  ];
}
