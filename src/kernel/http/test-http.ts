// An HTTP mechanism with a small product on it, for the tests beside it.
import { connect } from "node:net";
import { z } from "zod";
import { openTestDatabase, type TestDatabase } from "../../testing/database.ts";
import { LIMITS_OFF } from "../../testing/limits.ts";
import { type Clock, systemClock } from "../clock/index.ts";
import { readConfig } from "../config/index.ts";
import { defineErrors } from "../errors/index.ts";
import { createLimits, limitMigrations } from "../limits/index.ts";
import { createLogger, createMetrics, type Metrics } from "../telemetry/index.ts";
import { createHttp, type HttpDeps, type HttpServer, httpMigrations, type Route, route } from "./index.ts";

export interface TestHttp {
  readonly http: HttpServer;
  readonly db: TestDatabase;
  readonly metrics: Metrics;
  /** What it was made of, to make a second one of. */
  readonly deps: HttpDeps;
  /** Lines logged so far, parsed. */
  readonly lines: Record<string, unknown>[];
  close(): Promise<void>;
}

export const thingErrors = defineErrors({
  THING_NOT_FOUND: { status: 404, detail: "There is no such thing. Look at your list of things." },
  THING_TAKEN: { status: 409, detail: "A thing of this name is there already. Choose another name." },
});

/** Any token `user:session` is valid, except `bad` ones; `boom` makes the authenticator fail. */
function authenticate(token: string) {
  if (token === "boom") throw new Error("authenticator failed");
  const [userId = "", sessionId = ""] = token.split(".");
  if (userId === "bad") return undefined;
  return { kind: "user", userId, sessionId, expiresAt: Date.now() + 60_000 } as const;
}

export async function openTestHttp(
  routes: (db: TestDatabase) => readonly Route[],
  environment: Record<string, string> = {},
  clock: Clock = systemClock,
): Promise<TestHttp> {
  const db = await openTestDatabase([httpMigrations, limitMigrations]);
  await db.sql`CREATE TABLE things (id serial PRIMARY KEY, name text NOT NULL UNIQUE)`;
  const lines: Record<string, unknown>[] = [];
  const output = { write: (line: string) => void lines.push(JSON.parse(line)), flush: () => {} };
  const log = createLogger({ level: "debug", process: "test", output });
  const metrics = createMetrics();
  const { config } = readConfig({ PORT: "0", ...LIMITS_OFF, ...environment });
  const limits = createLimits({ db, clock, log });
  const deps = { config, db, log, metrics, limits, cursorKey: new Uint8Array(32) };
  const http = createHttp(deps);
  http.useAuthenticator(authenticate);
  http.mount(routes(db));
  return {
    http,
    db,
    metrics,
    deps,
    lines,
    async close() {
      await http.stop();
      await db.close();
    },
  };
}

const described = { tag: "things", summary: "A thing", responses: { 200: { description: "It." } } } as const;

/** Describes a route in a line. */
export const thing = { ...described, access: "user" } as const;

export const idParams = z.strictObject({ id: z.uuid() });

/** Things with a name: what most tests need. */
export function thingRoutes(): Route[] {
  return [
    route(
      {
        ...thing,
        method: "GET",
        path: "/things/{id}",
        operationId: "getThing",
        params: idParams,
        errors: [thingErrors.THING_NOT_FOUND],
      },
      async ({ params, actor }) => ({ status: 200, body: { id: params.id, by: actor.userId } }),
    ),
    route({ ...thing, method: "GET", path: "/things/top", operationId: "topThing" }, async () => ({
      status: 200,
      body: { top: true },
    })),
    route(
      {
        ...thing,
        method: "POST",
        path: "/things",
        operationId: "createThing",
        body: z.strictObject({
          name: z.string().min(1).max(2_000_000),
          tags: z.array(z.string()).optional(),
        }),
        isIdempotent: true,
        errors: [thingErrors.THING_TAKEN],
      },
      ({ body, write }) =>
        write(async (tx) => {
          const taken = await tx`SELECT 1 FROM things WHERE name = ${body.name}`;
          if (taken.length > 0) throw thingErrors.THING_TAKEN();
          const [row] = await tx<{
            id: number;
          }>`INSERT INTO things (name) VALUES (${body.name}) RETURNING id`;
          return {
            status: 201,
            body: { id: row?.id, name: body.name },
            headers: { Location: `/things/${row?.id}` },
          };
        }),
    ),
    route({ ...thing, method: "GET", path: "/crash", operationId: "crash", access: "public" }, async () => {
      throw new TypeError("secret detail");
    }),
    route(
      { ...thing, method: "GET", path: "/open", operationId: "open", access: "public" },
      async ({ actor }) => ({
        status: 200,
        body: { actor: actor ?? null },
      }),
    ),
    route(
      {
        ...thing,
        method: "GET",
        path: "/text/{name}",
        operationId: "getText",
        params: z.strictObject({ name: z.string() }),
        query: z.strictObject({ repeat: z.string().optional() }),
      },
      async ({ params, query }) => ({
        status: 200,
        body: { name: params.name, repeat: query.repeat ?? null },
      }),
    ),
  ];
}

export interface Sent {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** Parsed when it is JSON. */
  readonly body: Record<string, unknown>;
}

/** `as` is the user; a body that is no string or bytes is sent as JSON. */
export async function send(
  http: { fetch(request: Request): Promise<Response> },
  method: string,
  path: string,
  options: { as?: string; body?: unknown; headers?: Record<string, string> } = {},
): Promise<Sent> {
  const headers = new Headers(options.headers);
  if (options.as !== undefined) headers.set("Authorization", `Bearer ${options.as}`);
  const { body } = options;
  const isRaw = typeof body === "string" || body instanceof Uint8Array || body instanceof ReadableStream;
  if (body !== undefined && !headers.has("Content-Type")) headers.set("Content-Type", "application/json");
  const payload = body === undefined ? null : isRaw ? body : JSON.stringify(body);
  const response = await http.fetch(
    new Request(`http://stoa.test${path}`, { method, headers, body: payload }),
  );
  const text = await response.text();
  const isJson = (response.headers.get("content-type") ?? "").includes("json") && text !== "";
  return { status: response.status, headers: response.headers, text, body: isJson ? JSON.parse(text) : {} };
}

/** Sends bytes as they are over a socket, each piece when the one before has left, and returns all that comes back. */
export async function converse(
  http: HttpServer,
  head: string,
  pieces: readonly (string | Uint8Array)[] = [],
): Promise<string> {
  const { hostname, port } = new URL(http.address() ?? "");
  const socket = connect(Number(port), hostname);
  let answer = "";
  socket.on("data", (data) => {
    answer += data.toString("latin1");
  });
  const closed = new Promise<void>((resolve) => {
    socket.on("close", () => resolve());
    // A server that has said no may close while we still send.
    socket.on("error", () => resolve());
  });
  for (const piece of [head, ...pieces]) {
    if (socket.destroyed) break;
    await new Promise((resolve) => socket.write(piece, resolve));
  }
  await closed;
  return answer;
}
