// What a route is: its description and its handler in one value, so that validation and documentation cannot part.
import type { z } from "zod";
import type { Tx } from "../db/index.ts";
import type { ErrorDefinition } from "../errors/index.ts";
import type { Logger } from "../telemetry/index.ts";
import type { SocketHandler } from "./socket.ts";

/** A signed-in user. */
export interface Actor {
  readonly kind: "user";
  readonly userId: string;
  readonly sessionId: string;
  /** Unix milliseconds at which the token ends. */
  readonly expiresAt: number;
}

/** An API key. It has no `userId`, so that no route for users can take it for one by mistake. */
export interface KeyActor {
  readonly kind: "api_key";
  readonly keyId: string;
  /** The only project that it may touch. */
  readonly projectId: string;
  /** The user who made it, and for whom it acts. */
  readonly creatorId: string;
  /** What its scopes allow, in the words that routes use. */
  readonly permissions: ReadonlySet<string>;
  /** Unix milliseconds; infinite for one that does not end. */
  readonly expiresAt: number;
}

/** Who calls a route that takes both. */
export type Caller = Actor | KeyActor;

export interface AuthenticateKey {
  (key: string): KeyActor | undefined | Promise<KeyActor | undefined>;
  /** As with Authenticate. */
  isKnown?(key: string): boolean;
}

/** Turns the bearer token of a request into its actor, or undefined when it is not valid (any reason). */
export interface Authenticate {
  (token: string): Actor | undefined | Promise<Actor | undefined>;
  /** Whether it will say so without a check that costs: a flood of other tokens is then refused unchecked. */
  isKnown?(token: string): boolean;
}

/** What a request counts towards: the sign-in calls of an address, all that somebody asks, or nothing. */
export type LimitGroup = "sign-in" | "general" | "none";

export interface Reply {
  readonly status: number;
  /** Sent as JSON; leave it out for 204. */
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  /** One Set-Cookie header each. */
  readonly cookies?: readonly string[];
}

export interface WriteOptions {
  /** The write is one statement: without a key it needs no BEGIN and COMMIT. */
  readonly single?: boolean;
  /** The one statement is short and locks rows of this project alone: under load it may share its commit with others. */
  readonly groupedBy?: string | undefined;
}

/** A streamed body on its way in, see `RouteContext.upload`. */
export interface Upload {
  /** The bytes as they come, to be read once and with backpressure. Errors when the client goes before the end. */
  readonly body: ReadableStream<Uint8Array>;
  /** Call it in the transaction of the last write, after the body's end: the answer is stored under the Idempotency-Key. */
  finish(tx: Tx, reply: Reply): Promise<Reply>;
}

export interface RouteContext<Access extends RouteAccess, Params, Query, Body> {
  readonly actor: Access extends "public" ? undefined : Access extends "user" ? Actor : Caller;
  readonly params: Params;
  readonly query: Query;
  readonly body: Body;
  readonly requestId: string;
  /** The client's address, canonical. */
  readonly address: string;
  readonly log: Logger;
  /** Aborted when the client has gone. */
  readonly signal: AbortSignal;
  /** The request as it came; its body is unread only on routes with `body: "stream"`. */
  readonly request: Request;
  /**
   * Runs a write in one transaction, and with an Idempotency-Key stores the answer in the same transaction.
   */
  write(run: (tx: Tx) => Promise<Reply>, options?: WriteOptions): Promise<Reply>;
  /**
   * What `write` is to routes with `body: {stream}`: with an Idempotency-Key it holds the key while the body is read, in as many
   * transactions as it takes. The same key and bytes again give the stored answer (without calling `run`); while it
   * runs, 409; other bytes, 422; when `run` throws or the process dies the key is free again.
   */
  upload(run: (upload: Upload) => Promise<Reply>): Promise<Reply>;
  /**
   * Makes the connection a WebSocket; return what it gives. Throws ORIGIN_FORBIDDEN for pages of other origins and
   * UPGRADE_REQUIRED when the request asks for none. The handler's `opened` may be called before this returns.
   */
  upgrade(handler: SocketHandler): Reply;
  /** For an answer that streams: the connection may be quiet for as long as it takes. */
  keepOpen(): void;
}

/** Closed until opened: routes ask for a signed-in user unless they say public, and take API keys only if they say so. */
export type RouteAccess = "user" | "user or key" | "public";

export interface ResponseDoc {
  readonly description: string;
  readonly schema?: z.ZodType;
  /** Media type of the answer, default application/json. */
  readonly type?: string;
  /** Further media types in which a caller may have it, as plain text. */
  readonly alsoAs?: readonly string[];
  /** Headers of its own, name to meaning. */
  readonly headers?: Readonly<Record<string, string>>;
}

export interface RouteSpec<Access extends RouteAccess, Params, Query, Body> {
  readonly method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  /** From the root, parameters in braces: `/api/v1/paragraphs/{id}`. */
  readonly path: string;
  readonly operationId: string;
  readonly tag: string;
  readonly summary: string;
  readonly description?: string;
  readonly access: Access;
  /** Of a public route: it asks by itself who calls, by the header or, where none can be set, by `ticket` or `access_token` of the query. */
  readonly takesProof?: true;
  /** What an API key must be allowed; for routes that take keys. */
  readonly permission?: string;
  readonly params?: z.ZodType<Params>;
  readonly query?: z.ZodType<Query>;
  /** Optional headers that the handler reads itself, name to meaning. */
  readonly requestHeaders?: Readonly<Record<string, string>>;
  /** A schema: JSON is parsed and checked. A list of media types, ANY_TYPE for all: the body is left unread for the handler to stream. */
  readonly body?: z.ZodType<Body> | { readonly stream: readonly string[] };
  /** Default 8 MiB for JSON; streams have no bound. */
  readonly maxBodyBytes?: number;
  /** A POST that creates, and so takes Idempotency-Key; its handler must write through `write`. */
  readonly isIdempotent?: boolean;
  readonly responses: Readonly<Record<number, ResponseDoc>>;
  /** Left out of the API description: pages and files for browsers. */
  readonly isHidden?: boolean;
  /** Default `general`. */
  readonly limit?: LimitGroup;
  /** Refusals of its own, beside those any route may give. */
  readonly errors?: readonly ErrorDefinition[];
}

/** A described route with its types folded away; made by `route` only. */
export interface Route {
  // The handler's types were checked against the schemas when `route` was called.
  readonly spec: RouteSpec<RouteAccess, unknown, unknown, unknown>;
  readonly handle: (
    context: RouteContext<RouteAccess, unknown, unknown, unknown>,
  ) => Promise<Reply | Response>;
}

export function route<Access extends RouteAccess, Params = undefined, Query = undefined, Body = undefined>(
  spec: RouteSpec<Access, Params, Query, Body>,
  handle: (context: RouteContext<Access, Params, Query, Body>) => Promise<Reply | Response>,
): Route {
  // Route forgets the types that have just been checked against each other.
  return { spec, handle } as unknown as Route;
}
