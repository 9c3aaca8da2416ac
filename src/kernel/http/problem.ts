// Every "no" as application/problem+json (RFC 9457).
import type { FieldError, Refusal } from "../errors/index.ts";

export interface Problem {
  /** A URI reference that names the kind of problem and can be opened in a browser. */
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly code: string;
  readonly request_id: string;
  readonly errors?: readonly FieldError[];
}

export const PROBLEM_TYPE = "application/problem+json";

export function toProblem(refusal: Refusal, requestId: string): Problem {
  return {
    ...refusal.members,
    type: problemType(refusal.code),
    title: problemTitle(refusal.code),
    status: refusal.status,
    detail: refusal.detail,
    code: refusal.code,
    request_id: requestId,
    ...(refusal.fields ? { errors: refusal.fields } : {}),
  };
}

/** The same for every occurrence of a code and on every host (RFC 9457 section 3.1.1). */
export function problemType(code: string): string {
  return `/docs/errors#${code}`;
}

/** POST_NOT_FOUND: "Post not found". */
export function problemTitle(code: string): string {
  const words = code.toLowerCase().replaceAll("_", " ");
  return words.charAt(0).toUpperCase() + words.slice(1);
}

export function problemHeaders(refusal: Refusal): Record<string, string> {
  const headers: Record<string, string> = { ...refusal.headers };
  if (refusal.retryAfterSeconds !== undefined) {
    headers["Retry-After"] = String(Math.max(1, Math.ceil(refusal.retryAfterSeconds)));
  }
  if (refusal.status === 401 && headers["WWW-Authenticate"] === undefined) {
    // RFC 6750 section 3: without a token no error code is given.
    headers["WWW-Authenticate"] = 'Bearer realm="stoa"';
  }
  return headers;
}
