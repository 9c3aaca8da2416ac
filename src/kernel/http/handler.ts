// The one handler of a route: authenticate, check, read, validate, act. What does not depend on the request is decided once.
import type { z } from "zod";
import { type ErrorDefinition, kernelErrors } from "../errors/index.ts";
import { actorOf, allowCaller, type FindCaller } from "./authentication.ts";
import { checkStreamType, DEFAULT_MAX_BODY_BYTES, readJson } from "./body.ts";
import type { Call } from "./call.ts";
import { readIdempotencyKey } from "./idempotency/index.ts";
import { type ListCursors, listName, takesCursor } from "./list-cursor.ts";
import { parseQuery } from "./query.ts";
import type { RequestLimits } from "./request-limits.ts";
import type { Reply, Route } from "./route.ts";
import { isCleanText } from "./text-check.ts";
import { validate } from "./validation.ts";

/** A route as the server uses it. */
export interface Compiled {
  readonly route: Route;
  /** The path as the access log and the metrics show it, and the same as JSON. */
  readonly pattern: string;
  readonly patternJson: string;
  run(call: Call, params: Readonly<Record<string, string>> | undefined): Promise<Reply | Response>;
}

export interface CompileDeps {
  readonly findCaller: FindCaller;
  readonly limits: RequestLimits;
  readonly cursors: ListCursors;
}

export function compile(route: Route, { findCaller, limits, cursors }: CompileDeps): Compiled {
  const { spec, handle } = route;
  const needsActor = spec.access !== "public";
  const notFound = spec.errors?.find((error) => error.status === 404) ?? kernelErrors.NOT_FOUND;
  const readBody = bodyReader(route);
  const guard = limits.guardOf(spec);
  const isList = takesCursor(spec.query);

  return {
    route,
    pattern: spec.path,
    patternJson: JSON.stringify(spec.path),
    async run(call, params) {
      const entering = guard?.enter(call, findCaller);
      if (entering) await entering;
      if (needsActor) {
        const actor = guard ? guard.identify(call, findCaller) : actorOf(call.request, findCaller);
        // A remembered token answers at once; awaiting it would cost a turn of the event loop.
        call.actor = actor instanceof Promise ? await actor : actor;
        allowCaller(spec, call.actor);
      }
      call.params = checkParams(spec.params, params, notFound);
      if (spec.query) call.query = validate(spec.query, parseQuery(call.queryText), "query");
      else if (call.queryText !== "") refuseQuery(call.queryText);
      const list = isList ? listName(call.path, call.queryText) : undefined;
      if (list !== undefined) call.query = cursors.read(call.query, list);
      if (spec.isIdempotent) {
        const key = readIdempotencyKey(call.request.headers.get("idempotency-key"));
        if (key !== undefined) call.useIdempotencyKey(key);
      }
      if (readBody) await readBody(call);
      const reply = await handle(call);
      if (call.forgotKey)
        throw new Error(`${spec.operationId} is idempotent and did not write through the context`);
      return list === undefined ? reply : cursors.give(reply, list);
    },
  };
}

/** A thing by an id that cannot be one is a thing that is not there. */
function checkParams(
  schema: z.ZodType | undefined,
  params: Readonly<Record<string, string>> | undefined,
  notFound: ErrorDefinition,
): unknown {
  if (params === undefined) throw notFound();
  for (const name in params) if (!isCleanText(params[name] ?? "")) throw notFound();
  if (!schema) return undefined;
  const parsed = schema.safeParse(params);
  if (!parsed.success) throw notFound();
  return parsed.data;
}

/** On a route that takes no parameters each of them is a mistake: `DELETE /x?dry_run=1` must not delete. */
function refuseQuery(queryText: string): void {
  const message = "There is no such parameter here. Remove it.";
  const fields = Object.keys(parseQuery(queryText)).map((path) => ({ path, message }));
  if (fields.length > 0) throw kernelErrors.INVALID_INPUT({ fields });
}

function bodyReader({ spec }: Route): ((call: Call) => Promise<void>) | undefined {
  const { body } = spec;
  if (!body) return undefined;
  if ("stream" in body) return async (call) => checkStreamType(call.request, body.stream);
  const maxBytes = spec.maxBodyBytes ?? DEFAULT_MAX_BODY_BYTES;
  return async (call) => {
    call.received = await readJson(call.request, maxBytes);
    call.body = validate(body, call.received, "body");
  };
}
