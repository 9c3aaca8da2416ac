// One request on its way through: the context that handlers see. What few handlers ask for is made only when asked.
import type { Database } from "../db/index.ts";
import { kernelErrors } from "../errors/index.ts";
import type { Logger } from "../telemetry/index.ts";
import type { Compiled } from "./handler.ts";
import { callerOf, type Idempotent, keyedUpload, keyedWrite } from "./idempotency/index.ts";
import type { Caller, RouteAccess, RouteContext } from "./route.ts";
import type { SocketHandler } from "./socket.ts";
import { watchedBody } from "./watched-body.ts";

/** Already sent by the upgrade itself. */
const SWITCHING_PROTOCOLS = 101;

type Context = RouteContext<RouteAccess, unknown, unknown, unknown>;

export interface CallDeps {
  readonly db: Database;
  readonly log: Logger;
  /** Whether a page of this request's origin may open a WebSocket. */
  readonly allowsOrigin: (request: Request) => boolean;
}

/** What the listener knows of a request beside the request itself. */
export interface Arrival {
  readonly address: string;
  /** Lifts the bound on how long the connection may be quiet; the body is then watched by us. */
  keepOpen?(): void;
  /** Makes the connection a WebSocket; false when the request asked for none. */
  upgrade?(handler: SocketHandler, headers: Readonly<Record<string, string>>): boolean;
}

export class Call implements Context {
  // Filled in on the way; a handler sees all that its route describes.
  actor: Caller | undefined = undefined;
  params: unknown = undefined;
  query: unknown = undefined;
  body: unknown = undefined;
  /** The JSON of the body as it came, before its schema gave it defaults. */
  received: unknown = undefined;
  /** Path and query as they came. */
  path = "";
  queryText = "";
  target: Compiled | undefined = undefined;
  /** Bytes of the answer's body; undefined when it is streamed. */
  sentBytes: number | undefined = 0;
  /** The connection is a WebSocket: there is no answer to send. */
  isUpgraded = false;
  readonly request: Request;
  readonly requestId: string;
  readonly startedMs: number;
  readonly #arrival: Arrival;
  readonly #deps: CallDeps;
  #log: Logger | undefined;
  #idempotent: Idempotent | undefined;
  #hasWritten = false;

  constructor(request: Request, requestId: string, arrival: Arrival, deps: CallDeps) {
    this.request = request;
    this.requestId = requestId;
    this.startedMs = performance.now();
    this.#arrival = arrival;
    this.#deps = deps;
  }

  get address(): string {
    return this.#arrival.address;
  }

  get log(): Logger {
    this.#log ??= this.#deps.log.child({ request_id: this.requestId });
    return this.#log;
  }

  get signal(): AbortSignal {
    return this.request.signal;
  }

  // Getters that give closures, since handlers take `write` and `upload` out of the context.
  get write(): Context["write"] {
    const { db } = this.#deps;
    return (run, { single, groupedBy } = {}) => {
      const idempotent = this.#begin();
      if (idempotent) return keyedWrite({ db, idempotent, body: this.received }, run);
      if (groupedBy !== undefined) return db.groupCommit(groupedBy, run);
      return single ? db.single(run) : db.transaction(run);
    };
  }

  get upload(): Context["upload"] {
    return (run) => {
      this.#arrival.keepOpen?.();
      const idempotent = this.#begin();
      const body = watchedBody(this.request);
      if (idempotent) return keyedUpload({ db: this.#deps.db, log: this.log, idempotent, body }, run);
      return run({ body, finish: async (_tx, reply) => reply });
    };
  }

  get upgrade(): Context["upgrade"] {
    return (handler) => {
      if (!this.#deps.allowsOrigin(this.request)) throw kernelErrors.ORIGIN_FORBIDDEN();
      const headers = { "X-Request-Id": this.requestId };
      this.isUpgraded = this.#arrival.upgrade?.(handler, headers) ?? false;
      if (!this.isUpgraded) throw kernelErrors.UPGRADE_REQUIRED({ headers: { Upgrade: "websocket" } });
      return { status: SWITCHING_PROTOCOLS };
    };
  }

  get keepOpen(): Context["keepOpen"] {
    return () => this.#arrival.keepOpen?.();
  }

  /** Called by the handler once the key has been read and the caller is known. */
  useIdempotencyKey(key: string): void {
    const { actor, request } = this;
    // Routes without an actor cannot be idempotent: mounting refuses them.
    if (!actor) throw new Error("an Idempotency-Key belongs to a caller");
    const { method } = request;
    const type = request.headers.get("content-type") ?? "";
    this.#idempotent = {
      caller: callerOf(actor),
      method,
      path: this.path,
      query: this.queryText,
      key,
      type,
    };
  }

  /** Whether a key was sent and the handler answered without writing through us, so that the key would not hold. */
  get forgotKey(): boolean {
    return this.#idempotent !== undefined && !this.#hasWritten;
  }

  #begin(): Idempotent | undefined {
    // A second write would find the first one's answer under the key.
    if (this.#hasWritten) throw new Error("a handler calls write or upload once");
    this.#hasWritten = true;
    return this.#idempotent;
  }
}
