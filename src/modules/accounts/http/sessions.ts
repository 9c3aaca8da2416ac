// Routes of sessions: log in, refresh, log out, verify, the devices signed in.
import { z } from "zod";
import type { Database } from "../../../kernel/db/index.ts";
import {
  decodeCursor,
  pageQuery,
  pageSchema,
  type Reply,
  type Route,
  route,
  toPage,
} from "../../../kernel/http/index.ts";
import type { SessionActions, TokenPair } from "../actions/sessions.ts";
import { accountErrors as no } from "../errors.ts";
import type { SessionLife } from "../model.ts";
import { listSessions } from "../store/sessions.ts";
import {
  sessionView,
  tokensView,
  toSessionView,
  toTokensView,
  toVerificationView,
  verificationView,
} from "../view.ts";

export interface SessionRouteDeps {
  readonly db: Database;
  readonly actions: SessionActions;
  readonly life: SessionLife;
  readonly accessTokenSeconds: number;
}

const PATH = "/api/v1/auth";
const MAX_USER_AGENT_CHARS = 512;
/** No token and nothing about one may stay in a cache (RFC 6749 section 5.1). */
const UNCACHED = { "Cache-Control": "no-store" };

const sessionParams = z.strictObject({ id: z.uuid() });
/** Only bounded: to say more would tell what passwords look like. */
const credentials = z.strictObject({ email: z.string().max(320), password: z.string().max(1_024) });

export function sessionRoutes({ db, actions, life, accessTokenSeconds }: SessionRouteDeps): Route[] {
  const tokens = { 200: { description: "An access token and a refresh token.", schema: tokensView } };
  const show = (pair: TokenPair): Reply => ({
    status: 200,
    body: toTokensView(pair, accessTokenSeconds),
    headers: UNCACHED,
  });

  return [
    route(
      {
        method: "POST",
        path: `${PATH}/login`,
        operationId: "logIn",
        tag: "accounts",
        summary: "Log in with an email address and a password",
        access: "public",
        body: credentials,
        maxBodyBytes: 16_384,
        responses: tokens,
        errors: [no.INVALID_CREDENTIALS, no.SIGN_IN_BUSY],
      },
      async ({ body, request, address }) => {
        const userAgent = request.headers.get("user-agent")?.slice(0, MAX_USER_AGENT_CHARS) ?? null;
        return show(await actions.logIn(body, { userAgent, address }));
      },
    ),
    route(
      {
        method: "POST",
        path: `${PATH}/refresh`,
        operationId: "refresh",
        tag: "accounts",
        summary: "Exchange a refresh token for a new pair of tokens",
        description:
          "Each refresh token is used once. Requests of the same moment get the same successor, also again within 10 seconds; " +
          "a used token shown later ends the session, since someone else may have it.",
        access: "public",
        body: z.strictObject({ refresh_token: z.string().max(1_024) }),
        maxBodyBytes: 16_384,
        responses: tokens,
        errors: [no.INVALID_REFRESH_TOKEN],
      },
      async ({ body, address }) => show(await actions.refresh(body.refresh_token, address)),
    ),
    route(
      {
        method: "POST",
        path: `${PATH}/logout`,
        operationId: "logOut",
        tag: "accounts",
        summary: "End the session: its refresh and access tokens are dead within a second",
        access: "user",
        responses: { 204: { description: "The session has ended." } },
      },
      async ({ actor, address }) => {
        await actions.logOut({ id: actor.sessionId, userId: actor.userId }, address);
        return { status: 204 };
      },
    ),
    route(
      {
        method: "GET",
        path: `${PATH}/verify`,
        operationId: "verify",
        tag: "accounts",
        summary: "Whether the access token is valid, and whose it is",
        access: "user",
        responses: { 200: { description: "It is valid; otherwise 401.", schema: verificationView } },
      },
      async ({ actor }) => ({ status: 200, body: toVerificationView(actor), headers: UNCACHED }),
    ),
    route(
      {
        method: "GET",
        path: `${PATH}/sessions`,
        operationId: "listSessions",
        tag: "accounts",
        summary: "List the devices that are signed in, newest first",
        access: "user",
        query: z.strictObject(pageQuery),
        responses: { 200: { description: "A page of sessions.", schema: pageSchema(sessionView) } },
      },
      async ({ actor, query: { limit, cursor } }) => {
        const [beforeId] = decodeCursor(cursor, z.tuple([z.uuid()])) ?? [];
        const rows = await listSessions(db.sql, actor.userId, { beforeId, limit, life });
        const view = (session: (typeof rows)[number]) => toSessionView(session, actor.sessionId);
        return { status: 200, body: toPage(rows, limit, view, (session) => [session.id]) };
      },
    ),
    route(
      {
        method: "DELETE",
        path: `${PATH}/sessions/{id}`,
        operationId: "removeSession",
        tag: "accounts",
        summary: "Sign a device out",
        access: "user",
        params: sessionParams,
        responses: { 204: { description: "That session has ended." } },
        errors: [no.SESSION_NOT_FOUND],
      },
      async ({ actor, params: { id }, address }) => {
        await actions.removeSession({ id, userId: actor.userId }, address);
        return { status: 204 };
      },
    ),
  ];
}
