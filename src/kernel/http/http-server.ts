// Puts the HTTP mechanism together: the table of routes, one answer per request, and the server that listens.
import type { Clock } from "../clock/index.ts";
import type { Config } from "../config/index.ts";
import { type Database, isDatabaseAway } from "../db/index.ts";
import { kernelErrors, Refusal } from "../errors/index.ts";
import type { Logger, Metrics } from "../telemetry/index.ts";
import { Call } from "./call.ts";
import { createHandler, type Handler } from "./handler.ts";
import type { HttpServer } from "./http.ts";
import { PROBLEM_TYPE, problemHeaders, toProblem } from "./problem.ts";
import { requestIdOf } from "./request-id.ts";
import type { Authenticate, Reply, Route } from "./route.ts";
import { createRouteTable, type RouteTable } from "./routing.ts";

export interface HttpDeps {
  readonly config: Pick<
    Config,
    "host" | "port" | "publicUrl" | "allowedOrigins" | "tlsCertFile" | "tlsKeyFile" | "shutdownGraceSeconds"
  >;
  readonly db: Database;
  readonly log: Logger;
  readonly metrics: Metrics;
  readonly clock: Clock;
  /** Several processes may then listen on one port. */
  readonly reusePort?: boolean;
}

const DATABASE_RETRY_SECONDS = 2;

export function createHttp(deps: HttpDeps): HttpServer {
  const { db, log, config } = deps;
  const routes: Route[] = [];
  let table: RouteTable<Handler> | undefined;
  let server: Bun.Server<undefined> | undefined;
  let stopping = false;
  let authenticate: Authenticate = () => undefined;

  function compile(): RouteTable<Handler> {
    return createRouteTable(
      routes.map((route) => ({
        method: route.spec.method,
        path: route.spec.path,
        target: createHandler(route, () => authenticate),
      })),
    );
  }

  async function answer(request: Request, address: string): Promise<Response> {
    const requestId = requestIdOf(request);
    const call = new Call(request, requestId, address, { db, log });
    try {
      const { path, query } = split(request.url);
      table ??= compile();
      const method = request.method === "HEAD" ? "GET" : request.method;
      const match = table.find(method, path);
      if (!match) return noRoute(table, request.method, path, requestId);
      return toResponse(await match.target(call, match.params, query), requestId);
    } catch (error) {
      return refuse(toRefusal(error, call), requestId);
    }
  }

  return {
    name: "http",
    mount(added) {
      if (table) throw new Error("routes are mounted before the first request");
      routes.push(...added);
    },
    useAuthenticator(given) {
      authenticate = given;
    },
    fetch: (request) => answer(request, "127.0.0.1"),
    async start() {
      server ??= Bun.serve({
        hostname: config.host,
        port: config.port,
        reusePort: deps.reusePort ?? false,
        fetch: (request, self) => answer(request, self.requestIP(request)?.address ?? ""),
      });
    },
    async stop() {
      stopping = true;
      await server?.stop();
    },
    address: () => server?.url.origin,
    isStopping: () => stopping,
  };
}

function split(url: string): { path: string; query: string } {
  const start = url.indexOf("/", url.indexOf("://") + 3);
  const mark = url.indexOf("?", start);
  if (mark < 0) return { path: url.slice(start), query: "" };
  return { path: url.slice(start, mark), query: url.slice(mark + 1) };
}

function noRoute(table: RouteTable<Handler>, method: string, path: string, requestId: string): Response {
  const methods = table.methodsAt(path);
  if (methods.length === 0) return refuse(kernelErrors.NOT_FOUND(), requestId);
  const allow = methods.join(", ");
  if (method === "OPTIONS") return toResponse({ status: 204, headers: { Allow: allow } }, requestId);
  return refuse(kernelErrors.METHOD_NOT_ALLOWED({ headers: { Allow: allow } }), requestId);
}

function toRefusal(error: unknown, call: Call): Refusal {
  if (error instanceof Refusal) return error;
  if (isDatabaseAway(error)) {
    return kernelErrors.DATABASE_UNAVAILABLE({ retryAfterSeconds: DATABASE_RETRY_SECONDS, cause: error });
  }
  call.log.error({ err: error }, "request failed");
  return kernelErrors.INTERNAL({ cause: error });
}

function refuse(refusal: Refusal, requestId: string): Response {
  return new Response(JSON.stringify(toProblem(refusal, requestId)), {
    status: refusal.status,
    headers: { "Content-Type": PROBLEM_TYPE, "X-Request-Id": requestId, ...problemHeaders(refusal) },
  });
}

function toResponse(reply: Reply | Response, requestId: string): Response {
  if (reply instanceof Response) {
    reply.headers.set("X-Request-Id", requestId);
    return reply;
  }
  const headers = { "Content-Type": "application/json", "X-Request-Id": requestId, ...reply.headers };
  if (reply.body === undefined)
    return new Response(null, {
      status: reply.status,
      headers: { "X-Request-Id": requestId, ...reply.headers },
    });
  return new Response(JSON.stringify(reply.body), { status: reply.status, headers });
}
