// One request on its way through: the context that handlers see. What few handlers ask for is made only when asked.
import type { Database } from "../db/index.ts";
import type { Logger } from "../telemetry/index.ts";
import type { Actor, RouteAccess, RouteContext } from "./route.ts";

export interface CallDeps {
  readonly db: Database;
  readonly log: Logger;
}

export class Call implements RouteContext<RouteAccess, unknown, unknown, unknown> {
  // Set by the handler as they become known; a handler of a route sees them filled.
  actor: Actor | undefined = undefined;
  params: unknown = undefined;
  query: unknown = undefined;
  body: unknown = undefined;
  readonly request: Request;
  readonly requestId: string;
  readonly address: string;
  readonly #deps: CallDeps;
  #log: Logger | undefined;

  constructor(request: Request, requestId: string, address: string, deps: CallDeps) {
    this.request = request;
    this.requestId = requestId;
    this.address = address;
    this.#deps = deps;
  }

  get log(): Logger {
    this.#log ??= this.#deps.log.child({ request_id: this.requestId });
    return this.#log;
  }

  get signal(): AbortSignal {
    return this.request.signal;
  }

  // Getters that give closures, since handlers take `write` out of the context.
  get write(): RouteContext<RouteAccess, unknown, unknown, unknown>["write"] {
    const { db } = this.#deps;
    return (run, options = {}) => (options.single ? db.single(run) : db.transaction(run));
  }

  get upload(): RouteContext<RouteAccess, unknown, unknown, unknown>["upload"] {
    return (run) => {
      const body = this.request.body ?? new ReadableStream({ start: (controller) => controller.close() });
      return run({ body, finish: async (_tx, reply) => reply });
    };
  }
}
