// Puts the HTTP mechanism together: the table of routes, one answer per request, and the server that listens.
import { join } from "node:path";
import manifest from "../../../package.json" with { type: "json" };
import type { Config } from "../config/index.ts";
import type { Database, MigrationSet } from "../db/index.ts";
import { kernelErrors, type Refusal } from "../errors/index.ts";
import { createTrustedProxies, type Limits, type TrustedProxies } from "../limits/index.ts";
import type { Logger, Metrics } from "../telemetry/index.ts";
import { createAnswers } from "./answers.ts";
import { type Arrival, Call } from "./call.ts";
import { documentationRoutes } from "./documentation/routes.ts";
import { toRefusal } from "./failure.ts";
import { type Compiled, compile } from "./handler.ts";
import type { ForbiddenCall, HttpServer } from "./http.ts";
import { createPurge } from "./idempotency/index.ts";
import { createListCursors } from "./list-cursor.ts";
import { type Listener, listen } from "./listener.ts";
import { checkRoutes } from "./mounting.ts";
import { createObservation } from "./observation.ts";
import { allowsOrigin } from "./origin.ts";
import { requestIdOf } from "./request-id.ts";
import { createRequestLimits, type LimitSettings } from "./request-limits.ts";
import type { Authenticate, AuthenticateKey, Route } from "./route.ts";
import { createRouteTable, type RouteTable } from "./routing.ts";

export interface HttpDeps {
  readonly config: Pick<
    Config,
    "host" | "port" | "publicUrl" | "allowedOrigins" | "tlsCertFile" | "tlsKeyFile" | "shutdownGraceSeconds"
  > &
    LimitSettings &
    Pick<Config, "trustedProxies">;
  readonly limits: Limits;
  /** Marks the cursors of lists as ours; the same in every process. */
  readonly cursorKey: Uint8Array;
  readonly db: Database;
  readonly log: Logger;
  readonly metrics: Metrics;
  /** Several processes may then listen on one port. */
  readonly reusePort?: boolean;
  /** How long a connection may be quiet, default 75. */
  readonly idleSeconds?: number;
}

/** What nginx logs, too, when the client has closed the connection: it is sent to nobody. */
const CLIENT_GONE = 499;
const FORBIDDEN = 403;
/** A WebSocket: the upgrade has answered by itself. */
const SWITCHED_PROTOCOLS = 101;

/** Tables of this mechanism. */
export const httpMigrations: MigrationSet = {
  module: "http",
  directory: join(import.meta.dirname, "migrations"),
};

export function createHttp(deps: HttpDeps): HttpServer {
  const { db, log, config } = deps;
  const routes: Route[] = [];
  const answers = createAnswers({ ...config, hasTls: config.tlsCertFile !== undefined });
  const observe = createObservation(deps);
  const purge = createPurge(deps);
  const requestLimits = createRequestLimits(config, deps.limits);
  const cursors = createListCursors(deps.cursorKey);
  const proxies = createTrustedProxies(config.trustedProxies);
  const callDeps = { db, log, allowsOrigin: (request: Request) => allowsOrigin(request, config) };
  const stoppers: ((graceMs: number) => Promise<void>)[] = [];
  let table: RouteTable<Compiled> | undefined;
  let listening: Promise<Listener> | undefined;
  let listener: Listener | undefined;
  let stopping: Promise<void> | undefined;
  let authenticate: Authenticate = () => undefined;
  let authenticateKey: AuthenticateKey = () => undefined;
  let isKey = (_token: string): boolean => false;
  const forbiddenHearers: ((call: ForbiddenCall) => void)[] = [];

  deps.metrics.gauge("stoa_http_requests_in_flight", "Requests that have no answer yet.", [], () =>
    listener ? [[{}, listener.pendingRequests()]] : [],
  );

  function buildTable(): RouteTable<Compiled> {
    const isKnown = (token: string) =>
      (isKey(token) ? authenticateKey : authenticate).isKnown?.(token) ?? false;
    const find = (token: string) => (isKey(token) ? authenticateKey(token) : authenticate(token));
    const findCaller = Object.assign(find, { isKnown });
    const compileDeps = { findCaller, limits: requestLimits, cursors };
    return createRouteTable(routes.map((route) => ({ ...route.spec, target: compile(route, compileDeps) })));
  }

  async function answer(request: Request, arrival: Arrival): Promise<Response | undefined> {
    const behind = proxies ? throughProxies(proxies, request, arrival) : arrival;
    const call = new Call(request, requestIdOf(request), behind, callDeps);
    const response = await respond(call);
    observe(call, response?.status ?? SWITCHED_PROTOCOLS);
    return response;
  }

  async function answerAlways(request: Request): Promise<Response> {
    const response = await answer(request, { address: "127.0.0.1" });
    // Without a socket nothing can be upgraded.
    if (!response) throw new Error("a request without a connection was upgraded");
    return response;
  }

  async function stopAll(graceMs: number): Promise<void> {
    // Streams and sockets end while requests finish: the listener waits for both.
    const ended = Promise.all(stoppers.map((stop) => stop(graceMs)));
    // One that is only just starting is awaited; one that failed to start has nothing to stop.
    const running = await listening?.catch(() => undefined);
    await Promise.all([running?.stop(graceMs), ended, purge.stop()]);
    listener = undefined;
  }

  async function respond(call: Call): Promise<Response | undefined> {
    try {
      locate(call);
      table ??= buildTable();
      const { method } = call.request;
      const found = table.find(method === "HEAD" ? "GET" : method, call.path);
      if (!found) return await refuseMethod(call, table);
      call.target = found.target;
      const reply = await found.target.run(call, found.params);
      if (call.isUpgraded) return undefined;
      return reply instanceof Response ? answers.own(call, reply) : await answers.reply(call, reply);
    } catch (error) {
      const refusal = toRefusal(error, call);
      if (refusal?.status === FORBIDDEN) tellForbidden(call, refusal);
      return refusal ? await answers.problem(call, refusal) : new Response(null, { status: CLIENT_GONE });
    }
  }

  function tellForbidden(call: Call, { code }: Refusal): void {
    const { actor, target, path, address, params, query, body } = call;
    if (!actor || !target) return;
    const { operationId } = target.route.spec;
    for (const hear of forbiddenHearers) {
      hear({ code, operationId, path, actor, address, params, query, body });
    }
  }

  async function refuseMethod(call: Call, { methodsAt }: RouteTable<Compiled>): Promise<Response> {
    const methods = methodsAt(call.path).join(", ");
    if (methods === "") {
      requestLimits.stray(call);
      return answers.problem(call, kernelErrors.NOT_FOUND());
    }
    if (call.request.method === "OPTIONS") return answers.options(call, methods);
    requestLimits.stray(call);
    return answers.problem(call, kernelErrors.METHOD_NOT_ALLOWED({ headers: { Allow: methods } }));
  }

  function mount(added: readonly Route[]): void {
    if (table) throw new Error("routes are mounted before the first request");
    checkRoutes(routes, added);
    routes.push(...added);
  }
  mount(documentationRoutes(() => routes, manifest.version));

  return {
    name: "http",
    mount,
    useAuthenticator(given) {
      authenticate = given;
    },
    useKeyAuthenticator(looksLikeKey, given) {
      isKey = looksLikeKey;
      authenticateKey = given;
    },
    onForbidden: (hear) => void forbiddenHearers.push(hear),
    authenticate: (token) => authenticate(token),
    publish: (topic, text) => listener?.publish(topic, text),
    onStopping: (hear) => void stoppers.push(hear),
    fetch: answerAlways,
    async start() {
      if (stopping) return;
      const { reusePort: sharesPort = false, idleSeconds } = deps;
      listening ??= listen({ ...config, sharesPort, log, ...(idleSeconds ? { idleSeconds } : {}) }, answer);
      listener = await listening;
      purge.start();
    },
    stop() {
      stopping ??= stopAll(config.shutdownGraceSeconds * 1000);
      return stopping;
    },
    address: () => listener?.origin,
    isStopping: () => stopping !== undefined,
  };
}

function throughProxies(proxies: TrustedProxies, request: Request, arrival: Arrival): Arrival {
  return { ...arrival, address: proxies.clientOf(arrival.address, request.headers.get("x-forwarded-for")) };
}

/** Splits the address by hand: new URL would normalise it a second time and costs more than the routing. */
function locate(call: Call): void {
  const { url } = call.request;
  // Without a valid Host header Bun leaves scheme and host away.
  const start = url.startsWith("/") ? 0 : url.indexOf("/", url.indexOf("://") + 3);
  const hash = url.indexOf("#", start);
  const end = hash < 0 ? url.length : hash;
  const mark = url.indexOf("?", start);
  if (mark < 0 || mark > end) {
    call.path = url.slice(start, end);
  } else {
    call.path = url.slice(start, mark);
    call.queryText = url.slice(mark + 1, end);
  }
}
