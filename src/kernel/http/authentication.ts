// Who calls: the bearer token of the Authorization header (RFC 6750 section 2.1), and of nothing else.
import { kernelErrors } from "../errors/index.ts";
import type { Actor, Authenticate } from "./route.ts";

/** b64token of RFC 6750; two headers arrive joined by a comma and so match nothing. */
const BEARER = /^bearer +([A-Za-z0-9._~+/-]+=*) *$/i;

/** Undefined when the header holds something else. */
export function tokenOf(request: Request): string | undefined {
  return BEARER.exec(request.headers.get("authorization") ?? "")?.[1];
}

export function actorOf(request: Request, authenticate: Authenticate): Actor | Promise<Actor> {
  const header = request.headers.get("authorization");
  if (header === null) throw kernelErrors.UNAUTHENTICATED();
  const token = BEARER.exec(header)?.[1];
  if (token === undefined) throw refused();
  const actor = authenticate(token);
  return actor instanceof Promise ? actor.then(required) : required(actor);
}

function required(actor: Actor | undefined): Actor {
  if (actor === undefined) throw refused();
  return actor;
}

function refused() {
  return kernelErrors.UNAUTHENTICATED({
    detail: "The access token is not valid or has ended. Refresh it or sign in again.",
    headers: { "WWW-Authenticate": 'Bearer realm="stoa", error="invalid_token"' },
  });
}
