// Which refusals a route may give: its own, and those that follow from what it asks for.
import { type ErrorDefinition, kernelErrors as no } from "../../errors/index.ts";
import type { Route } from "../route.ts";

/** Each once, in the order of their statuses. */
export function errorsOf({ spec }: Route): ErrorDefinition[] {
  const { access, body, query, params, errors = [], isIdempotent } = spec;
  const isStream = body !== undefined && "stream" in body;
  const all = [...errors, no.INTERNAL, no.DATABASE_UNAVAILABLE, no.DATABASE_BUSY];
  if (access !== "public") all.push(no.UNAUTHENTICATED);
  if (access === "user") all.push(no.KEY_NOT_ALLOWED);
  if (access === "user or key") all.push(no.KEY_SCOPE_MISSING);
  if (params && !errors.some(({ status }) => status === 404)) all.push(no.NOT_FOUND);
  if (query || (body && !isStream)) all.push(no.INVALID_INPUT, no.INVALID_TEXT);
  if (query && "shape" in query && hasCursor(query.shape)) all.push(no.INVALID_CURSOR);
  if (body) all.push(no.UNSUPPORTED_MEDIA_TYPE);
  if (body && !isStream) all.push(no.INVALID_JSON, no.BODY_TOO_LARGE);
  if (isStream) all.push(no.BODY_TOO_SLOW);
  if (isIdempotent)
    all.push(no.IDEMPOTENCY_KEY_INVALID, no.IDEMPOTENCY_KEY_REUSED, no.IDEMPOTENCY_IN_PROGRESS);
  return [...new Map(all.map((error) => [error.code, error])).values()].sort((a, b) => a.status - b.status);
}

/** Every code that any of the routes may answer with, and those that belong to no route. */
export function allErrors(routes: readonly Route[]): ErrorDefinition[] {
  const all = [...Object.values(no), ...routes.flatMap(errorsOf)];
  return [...new Map(all.map((error) => [error.code, error])).values()].sort((a, b) =>
    a.code < b.code ? -1 : 1,
  );
}

function hasCursor(shape: unknown): boolean {
  return typeof shape === "object" && shape !== null && "cursor" in shape;
}
