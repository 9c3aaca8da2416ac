// CORS: which pages of other origins may read our answers. An exact list and no wildcard.

export interface CorsRules {
  readonly allowedOrigins: readonly string[];
}

export interface Cors {
  /** Adds what an allowed origin needs to read the answer; nothing for others, whose browser then refuses them. */
  allow(request: Request, headers: Headers): void;
  /** Answers a browser's question before the real request (Fetch standard, "CORS-preflight fetch"). */
  preflight(request: Request, headers: Headers, methods: string): void;
}

const REQUEST_HEADERS =
  "Authorization, Content-Type, Idempotency-Key, If-Match, If-None-Match, Last-Event-ID, X-Request-Id";
const EXPOSED_HEADERS =
  "ETag, Idempotency-Replayed, Location, Retry-After, X-RateLimit-Limit, X-RateLimit-Remaining, X-RateLimit-Reset, X-Request-Id";
/** Two hours: the most that Chromium honours. */
const MAX_AGE_SECONDS = "7200";

/** Undefined when no other origin is allowed. */
export function createCors({ allowedOrigins }: CorsRules): Cors | undefined {
  if (allowedOrigins.length === 0) return undefined;
  const origins = new Set(allowedOrigins);
  const allowedOrigin = (request: Request) => {
    const origin = request.headers.get("origin");
    return origin !== null && origins.has(origin) ? origin : undefined;
  };
  return {
    allow(request, headers) {
      const origin = allowedOrigin(request);
      if (origin === undefined) return;
      headers.set("Access-Control-Allow-Origin", origin);
      // The one cookie that there may be is SameSite=Strict, and counts in calls of /auth/refresh alone.
      headers.set("Access-Control-Allow-Credentials", "true");
      headers.set("Access-Control-Expose-Headers", EXPOSED_HEADERS);
    },
    preflight(request, headers, methods) {
      if (allowedOrigin(request) === undefined || !request.headers.has("access-control-request-method"))
        return;
      headers.set("Access-Control-Allow-Methods", methods);
      headers.set("Access-Control-Allow-Headers", REQUEST_HEADERS);
      headers.set("Access-Control-Max-Age", MAX_AGE_SECONDS);
    },
  };
}
