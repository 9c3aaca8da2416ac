// The HTTP server's contract: what modules see, and what the process sees of it.
import type { Authenticate, AuthenticateKey, Caller, Route } from "./route.ts";

/** A request that an authenticated caller was forbidden (403), as far as it had come. */
export interface ForbiddenCall {
  readonly code: string;
  readonly operationId: string;
  readonly path: string;
  readonly actor: Caller;
  readonly address: string;
  /** As their schemas gave them; undefined when it was refused before. */
  readonly params: unknown;
  readonly query: unknown;
  readonly body: unknown;
}

export interface Http {
  /** Adds routes; all of them before the server starts. */
  mount(routes: readonly Route[]): void;
  /** The accounts module says how a bearer token becomes an actor. */
  useAuthenticator(authenticate: Authenticate): void;
  /** The projects module says whose an API key is, and by `isKey` which tokens look like one. */
  useKeyAuthenticator(isKey: (token: string) => boolean, authenticate: AuthenticateKey): void;
  /** Calls `hear` with each request that was forbidden, before it is answered; it must neither wait nor throw. */
  onForbidden(hear: (call: ForbiddenCall) => void): void;
  /** Which user a bearer token speaks for, as the accounts module says; for tokens that come in another way than the header. */
  readonly authenticate: Authenticate;
  /** Sends a text to every WebSocket of this process that has joined the topic. */
  publish(topic: string, text: string): void;
  /** Called when the server begins to stop, to end what would last: the stop waits for it, as long as the grace time lasts. */
  onStopping(hear: (graceMs: number) => Promise<void>): void;
  /** Answers one request, for tests; the server does the same over a socket. */
  fetch(request: Request): Promise<Response>;
  /** Whether the server takes no new connections any more. */
  isStopping(): boolean;
}

/** The whole of it, for the process that serves. */
export interface HttpServer extends Http {
  readonly name: string;
  start(): Promise<void>;
  /** Takes no new connections, lets running requests finish within the grace time, then closes what is left. */
  stop(): Promise<void>;
  /** Where it listens, such as http://127.0.0.1:8000; undefined unless started. */
  address(): string | undefined;
}
