// The HTTP server's contract: what modules see, and what the process sees of it.
import type { Authenticate, Route } from "./route.ts";

export interface Http {
  /** Adds routes; all of them before the server starts. */
  mount(routes: readonly Route[]): void;
  /** The accounts module says how a bearer token becomes an actor. */
  useAuthenticator(authenticate: Authenticate): void;
  /** Who a bearer token speaks for, as the accounts module says; for tokens that come in another way than the header. */
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
