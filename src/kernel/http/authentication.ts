// Who calls: the bearer token of the Authorization header (RFC 6750 section 2.1), and of nothing else.
import { kernelErrors } from "../errors/index.ts";
import type { Caller, RouteSpec } from "./route.ts";

/** Whoever a bearer token speaks for, a user or an API key. */
export type FindCaller = (token: string) => Caller | undefined | Promise<Caller | undefined>;

/** b64token of RFC 6750; two headers arrive joined by a comma and so match nothing. */
const BEARER = /^bearer +([A-Za-z0-9._~+/-]+=*) *$/i;

export function actorOf(request: Request, findCaller: FindCaller): Caller | Promise<Caller> {
  const header = request.headers.get("authorization");
  if (header === null) throw kernelErrors.UNAUTHENTICATED();
  const token = BEARER.exec(header)?.[1];
  if (token === undefined) throw refused();
  const actor = findCaller(token);
  return actor instanceof Promise ? actor.then(required) : required(actor);
}

function required(actor: Caller | undefined): Caller {
  if (actor === undefined) throw refused();
  return actor;
}

function refused() {
  return kernelErrors.UNAUTHENTICATED({
    detail: "The access token is not valid or has ended. Refresh it or sign in again.",
    headers: { "WWW-Authenticate": 'Bearer realm="stoa", error="invalid_token"' },
  });
}

/** An API key comes in where the route takes keys, and with the permission that it names; a user everywhere. */
export function allowCaller(
  { access, permission }: Pick<RouteSpec<never, never, never, never>, "permission"> & { access: string },
  actor: Caller,
): void {
  if (actor.kind === "user") return;
  if (access !== "user or key" || permission === undefined) throw kernelErrors.KEY_NOT_ALLOWED();
  if (!actor.permissions.has(permission)) throw kernelErrors.KEY_SCOPE_MISSING({ members: { permission } });
}
