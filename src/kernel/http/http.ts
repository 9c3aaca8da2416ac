// The HTTP server's contract with the modules.
import type { Authenticate, Route } from "./route.ts";

export interface Http {
  /** Adds routes; all of them before the server starts. */
  mount(routes: readonly Route[]): void;
  /** The accounts module says how a bearer token becomes an actor. */
  useAuthenticator(authenticate: Authenticate): void;
  /** Answers one request, for tests; the server does the same over a socket. */
  fetch(request: Request): Promise<Response>;
}
