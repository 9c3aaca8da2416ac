// Routes of the live feed: the WebSocket, the stream of a project, tickets, who is online.
import { z } from "zod";
import type { Database } from "../../kernel/db/index.ts";
import { kernelErrors } from "../../kernel/errors/index.ts";
import type { Events } from "../../kernel/events/index.ts";
import { type Route, route } from "../../kernel/http/index.ts";
import { newId } from "../../kernel/ids/index.ts";
import type { Accounts } from "../accounts/index.ts";
import { allow, type Projects, projectErrors } from "../projects/index.ts";
import { Connection, type ConnectionDeps } from "./connection.ts";
import { type Entrance, proofQuery } from "./entrance.ts";
import { liveErrors } from "./errors.ts";
import { POSITION, parsePosition } from "./model.ts";
import { listOnline } from "./store/presence.ts";
import { openStream } from "./stream.ts";
import { TICKET_SECONDS, type Tickets } from "./tickets.ts";
import { statusView, ticketView, toOnlineUser } from "./view.ts";

export interface LiveRouteDeps extends ConnectionDeps {
  readonly db: Database;
  readonly events: Pick<Events, "history">;
  readonly accounts: Pick<Accounts, "listNames">;
  readonly projects: Pick<Projects, "access">;
  readonly tickets: Tickets;
  readonly entrance: Entrance;
  readonly publicUrl: string;
}

const MAX_ONLINE = 1_000;

const params = z.strictObject({ id: z.uuid().toLowerCase() });
const since = z
  .string()
  .regex(POSITION, "Must be a position as the feed gives it: <epoch>:<seq>.")
  .optional()
  .meta({ description: "The last position already seen; the header Last-Event-ID goes before it." });

export function liveRoutes(deps: LiveRouteDeps): Route[] {
  const { db, events, tickets, projects, accounts, entrance } = deps;
  const common = { tag: "live" } as const;

  return [
    route(
      {
        ...common,
        method: "POST",
        path: "/api/v1/live/tickets",
        operationId: "createLiveTicket",
        summary: "Get a ticket for the live feed, for browsers",
        description: `Good for ${TICKET_SECONDS} seconds and one connection.`,
        access: "user",
        responses: { 201: { description: "The ticket.", schema: ticketView } },
      },
      async ({ actor }) => ({
        status: 201,
        body: { ticket: await db.single((tx) => tickets.issue(tx, actor)), expires_in: TICKET_SECONDS },
      }),
    ),
    route(
      {
        ...common,
        method: "GET",
        path: "/api/v1/live",
        operationId: "connectLive",
        summary: "The live feed over a WebSocket",
        description:
          "JSON text frames. Say who you are by a ticket, a token or the first frame; then subscribe to projects. Besides events and presence come frames `job`: news of the jobs that people run.",
        access: "public",
        takesProof: true,
        query: z.strictObject(proofQuery),
        responses: { 101: { description: "The connection is a WebSocket." } },
        errors: [kernelErrors.ORIGIN_FORBIDDEN, kernelErrors.UPGRADE_REQUIRED],
      },
      // Whoever is refused is told so by a close code: browsers do not show the status of a refused upgrade.
      async ({ request, query, address, upgrade }) => {
        const proof = request.headers.has("upgrade") ? entrance.proofOf(request, query) : undefined;
        proof?.catch(() => {});
        return upgrade(new Connection(newId(), address, deps, proof));
      },
    ),
    route(
      {
        ...common,
        method: "GET",
        path: "/api/v1/projects/{id}/live",
        operationId: "streamProject",
        summary: "The live feed of a project as server-sent events",
        description: "Each event's id is its position; a client that comes back with it misses nothing.",
        access: "public",
        takesProof: true,
        params,
        query: z.strictObject({ ...proofQuery, since }),
        responses: {
          200: {
            description: "Frames as the WebSocket has them, each the data of a message.",
            type: "text/event-stream",
            schema: z.string(),
          },
        },
        errors: [
          kernelErrors.UNAUTHENTICATED,
          projectErrors.PROJECT_NOT_FOUND,
          liveErrors.TOO_MANY_CONNECTIONS,
        ],
      },
      async ({ request, params: { id }, query, address, signal, keepOpen }) => {
        const caller = await entrance.proofOf(request, query);
        if (!caller) throw kernelErrors.UNAUTHENTICATED();
        if (request.method === "HEAD") {
          allow(await projects.access(db.sql, id, caller.userId), "project.read");
          return { status: 200, headers: { "Content-Type": "text/event-stream" } };
        }
        keepOpen();
        const position = request.headers.get("last-event-id") ?? query.since;
        return openStream(deps, {
          id: newId(),
          address,
          projectId: id,
          caller,
          // A position that is none of ours asks for what cannot be replayed.
          since: position === undefined ? undefined : (parsePosition(position) ?? { epoch: "", seq: 0 }),
          signal,
        });
      },
    ),
    route(
      {
        ...common,
        method: "GET",
        path: "/api/v1/projects/{id}/status",
        operationId: "getProjectStatus",
        summary: "Who is online in a project, and where its log stands",
        access: "user",
        params,
        responses: { 200: { description: "The status.", schema: statusView } },
        errors: [projectErrors.PROJECT_NOT_FOUND],
      },
      async ({ actor, params: { id } }) => {
        allow(await projects.access(db.sql, id, actor.userId), "project.read");
        const [online, { seq, epoch }] = await Promise.all([
          listOnline(db.sql, id, MAX_ONLINE),
          events.history(db.sql, id, 0, 0),
        ]);
        const users = await accounts.listNames(
          db.sql,
          online.map(({ userId }) => userId),
        );
        const names = new Map(users.map((user) => [user.id, user.name]));
        return {
          status: 200,
          body: {
            active_collaborators: online.filter(({ status }) => status === "active").length,
            online_users: online.map((user) => toOnlineUser(user, names)),
            seq,
            epoch,
            live_url: `${deps.publicUrl}/api/v1/projects/${id}/live`,
          },
        };
      },
    ),
  ];
}
