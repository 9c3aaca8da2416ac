// The request id: the caller's own when it is harmless, else a new one.
import { newId } from "../ids/index.ts";

const ACCEPTED = /^[A-Za-z0-9._-]{1,128}$/;

export function requestIdOf(request: Request): string {
  const given = request.headers.get("x-request-id");
  return given !== null && ACCEPTED.test(given) ? given : newId();
}
