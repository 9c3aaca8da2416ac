// How the server says no: a catalogue of expected refusals per module, each with a code, a status and a public sentence.

/** One broken rule of an input: `path` is a JSON path such as `paragraphs.3`, `message` a public sentence. */
export interface FieldError {
  readonly path: string;
  readonly message: string;
}

export interface RefusalOptions {
  /** Replaces the catalogue's sentence where the case can be named more exactly. Public: no secret, address or SQL. */
  readonly detail?: string;
  /** What really happened. Logged, never sent. */
  readonly cause?: unknown;
  readonly fields?: readonly FieldError[];
  /** Sent as `Retry-After`, whole seconds, rounded up. */
  readonly retryAfterSeconds?: number;
  /** Further response headers, such as `Allow`. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Further members of the problem (RFC 9457 section 3.2), in snake_case, for clients that act on them. */
  readonly members?: Readonly<Record<string, unknown>>;
}

/** An expected "no". The http room turns it into problem+json (RFC 9457); anything else thrown is our bug and a 500. */
export class Refusal extends Error {
  readonly code: string;
  readonly status: number;
  readonly detail: string;
  readonly fields: readonly FieldError[] | undefined;
  readonly retryAfterSeconds: number | undefined;
  readonly headers: Readonly<Record<string, string>>;
  readonly members: Readonly<Record<string, unknown>>;

  constructor(code: string, status: number, detail: string, options: RefusalOptions = {}) {
    super(options.detail ?? detail, { cause: options.cause });
    this.name = "Refusal";
    this.code = code;
    this.status = status;
    this.detail = options.detail ?? detail;
    this.fields = options.fields;
    this.retryAfterSeconds = options.retryAfterSeconds;
    this.headers = options.headers ?? {};
    this.members = options.members ?? {};
  }
}

export interface ErrorEntry {
  readonly status: number;
  /** A sentence that tells the user what happened and what to do. */
  readonly detail: string;
}

/** An entry of a catalogue: call it to make the error, read `code` and `status` to describe it. */
export interface ErrorDefinition extends ErrorEntry {
  (options?: RefusalOptions): Refusal;
  readonly code: string;
}

export type ErrorCatalogue = Readonly<Record<string, ErrorDefinition>>;

/** Makes a module's catalogue: `defineErrors({ POST_NOT_FOUND: { status: 404, detail: "…" } })`. */
export function defineErrors<const T extends Record<string, ErrorEntry>>(
  entries: T,
): { readonly [K in keyof T]: ErrorDefinition } {
  const catalogue: Record<string, ErrorDefinition> = {};
  for (const [code, entry] of Object.entries(entries)) {
    const make = (options?: RefusalOptions) => new Refusal(code, entry.status, entry.detail, options);
    catalogue[code] = Object.assign(make, { code, status: entry.status, detail: entry.detail });
  }
  // The loop above has filled exactly the keys of T.
  return catalogue as { readonly [K in keyof T]: ErrorDefinition };
}

/** Refuses to start: printed as one sentence, exit code 1, no stack. */
export class StartError extends Error {
  constructor(sentence: string, cause?: unknown) {
    super(sentence, { cause });
    this.name = "StartError";
  }
}

/** Errors that any route may answer with. */
export const kernelErrors = defineErrors({
  NOT_FOUND: { status: 404, detail: "There is nothing at this address. /docs lists what there is." },
  METHOD_NOT_ALLOWED: {
    status: 405,
    detail: "This address does not take that method; the Allow header lists those it takes.",
  },
  INVALID_JSON: { status: 400, detail: "The body is not valid JSON. Send one JSON value in UTF-8." },
  INVALID_INPUT: { status: 422, detail: "Some fields are not as they should be; errors names each of them." },
  INVALID_TEXT: {
    status: 422,
    detail: "Text must not contain NUL characters or lone surrogates. Remove them and send it again.",
  },
  BODY_TOO_SLOW: { status: 408, detail: "The rest of the body did not come. Send it again." },
  BODY_TOO_LARGE: { status: 413, detail: "The body is larger than this address takes." },
  UNSUPPORTED_MEDIA_TYPE: { status: 415, detail: "This address does not take that Content-Type." },
  UNAUTHENTICATED: { status: 401, detail: "Sign in and send the access token as Authorization: Bearer." },
  KEY_NOT_ALLOWED: {
    status: 403,
    detail: "API keys cannot make this call. Sign in as a user and send the access token.",
  },
  KEY_SCOPE_MISSING: {
    status: 403,
    detail:
      "The scopes of this API key do not allow that; `permission` says what is missing. Make another key.",
  },
  ORIGIN_FORBIDDEN: {
    status: 403,
    detail: "Pages of this origin may not connect. Add it to ALLOWED_ORIGINS if they are yours.",
  },
  UPGRADE_REQUIRED: {
    status: 426,
    detail: "This address is a WebSocket. Connect to it with ws:// or wss://.",
  },
  IDEMPOTENCY_KEY_INVALID: {
    status: 400,
    detail: "Idempotency-Key must be 1 to 255 visible ASCII characters.",
  },
  IDEMPOTENCY_KEY_REUSED: {
    status: 422,
    detail: "This Idempotency-Key was used with another request. Use a new key for a new request.",
  },
  IDEMPOTENCY_IN_PROGRESS: {
    status: 409,
    detail: "The first request with this Idempotency-Key is still running. Ask again in a moment.",
  },
  INVALID_CURSOR: {
    status: 422,
    detail: "The cursor is not one this list has given. Start again without it.",
  },
  DATABASE_UNAVAILABLE: {
    status: 503,
    detail: "The database cannot be reached just now. Try again in a few seconds.",
  },
  DATABASE_BUSY: {
    status: 503,
    detail: "The database was too busy for this call and nothing was done. Try again in a moment.",
  },
  SHUTTING_DOWN: { status: 503, detail: "The server is stopping. Try again in a few seconds." },
  INTERNAL: {
    status: 500,
    detail: "Something went wrong on our side. Quote the request_id if you report it.",
  },
});
