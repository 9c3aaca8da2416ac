// The one handler of a route: authenticate, check, read, validate, act, and turn the reply into a response.
import { kernelErrors } from "../errors/index.ts";
import { actorOf } from "./authentication.ts";
import { checkStreamType, DEFAULT_MAX_BODY_BYTES, readJson } from "./body.ts";
import type { Call } from "./call.ts";
import { parseQuery } from "./query.ts";
import type { Authenticate, Reply, Route } from "./route.ts";
import { validate } from "./validation.ts";

export type Handler = (
  call: Call,
  params: Readonly<Record<string, string>> | undefined,
  queryText: string,
) => Promise<Reply | Response>;

/** Compiles a route: what does not depend on the request is decided once. */
export function createHandler({ spec, handle }: Route, authenticator: () => Authenticate): Handler {
  const needsActor = spec.access !== "public";
  const maxBodyBytes = spec.maxBodyBytes ?? DEFAULT_MAX_BODY_BYTES;
  const streamTypes = spec.body && "stream" in spec.body ? spec.body.stream : undefined;
  const bodySchema = spec.body && !("stream" in spec.body) ? spec.body : undefined;
  const notFound = spec.errors?.find((error) => error.status === 404) ?? kernelErrors.NOT_FOUND;

  return async (call, params, queryText) => {
    if (needsActor) {
      const actor = actorOf(call.request, authenticator());
      call.actor = actor instanceof Promise ? await actor : actor;
    }
    if (params === undefined) throw notFound();
    if (spec.params) {
      const parsed = spec.params.safeParse(params);
      // A thing by a malformed id is a thing that is not there.
      if (!parsed.success) throw notFound();
      call.params = parsed.data;
    }
    if (spec.query) call.query = validate(spec.query, parseQuery(queryText), "query");
    if (streamTypes) checkStreamType(call.request, streamTypes);
    if (bodySchema) call.body = await readBody(call, maxBodyBytes, bodySchema);
    return handle(call);
  };
}

async function readBody(call: Call, maxBytes: number, schema: import("zod").ZodType): Promise<unknown> {
  const value = await readJson(call.request, maxBytes);
  return validate(schema, value, "body");
}
