// Routes of the devices that are signed in: list them, sign one out, or all of them.
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
import type { SessionActions } from "../actions/sessions.ts";
import { accountErrors as no } from "../errors.ts";
import type { SessionLife } from "../model.ts";
import { listSessions } from "../store/sessions.ts";
import { sessionView, toSessionView } from "../view.ts";
import type { RefreshCookies } from "./refresh-cookie.ts";

export interface DeviceRouteDeps {
  readonly db: Database;
  readonly actions: Pick<SessionActions, "removeSession" | "removeSessions">;
  readonly cookies: Pick<RefreshCookies, "clearing">;
  readonly life: SessionLife;
}

const PATH = "/api/v1/auth/sessions";

const sessionParams = z.strictObject({ id: z.uuid().toLowerCase() });
const removal = z.strictObject({
  include_current: z
    .enum(["true", "false"])
    .default("false")
    .transform((text) => text === "true")
    .meta({ description: "Sign this device out too." }),
});

export function deviceRoutes({ db, actions, cookies, life }: DeviceRouteDeps): Route[] {
  const common = { tag: "accounts", access: "user" } as const;
  return [
    route(
      {
        ...common,
        method: "GET",
        path: PATH,
        operationId: "listSessions",
        summary: "List the devices that are signed in, newest first",
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
        ...common,
        method: "DELETE",
        path: PATH,
        operationId: "removeSessions",
        summary: "Sign all other devices out",
        description: "With `include_current=true` this one too. Their tokens are dead within a second.",
        query: removal,
        responses: { 204: { description: "Those sessions have ended." } },
      },
      async ({ actor, query: { include_current: isAll }, address, request }) => {
        await actions.removeSessions({ id: actor.sessionId, userId: actor.userId }, isAll, address);
        return { status: 204, headers: isAll ? cookies.clearing(request) : {} };
      },
    ),
    route(
      {
        ...common,
        method: "DELETE",
        path: `${PATH}/{id}`,
        operationId: "removeSession",
        summary: "Sign a device out",
        params: sessionParams,
        responses: { 204: { description: "That session has ended." } },
        errors: [no.SESSION_NOT_FOUND],
      },
      async ({ actor, params: { id }, address, request }) => {
        await actions.removeSession({ id, userId: actor.userId }, address);
        return { status: 204, headers: id === actor.sessionId ? cookies.clearing(request) : {} };
      },
    ),
  ];
}
