// Routes of API keys: parse, act, show. For signed-in users alone: no key makes, sees or ends another.
import { z } from "zod";
import type { Clock } from "../../../kernel/clock/index.ts";
import type { Database } from "../../../kernel/db/index.ts";
import { kernelErrors } from "../../../kernel/errors/index.ts";
import {
  decodeCursor,
  pageQuery,
  pageSchema,
  type Route,
  route,
  toPage,
} from "../../../kernel/http/index.ts";
import type { ApiKeyActions } from "../actions/api-keys.ts";
import { projectErrors as no } from "../errors.ts";
import { personalProjectId } from "../model.ts";
import { scopeNames } from "../scopes.ts";
import { apiKeyView, newApiKeyView, toApiKeyView } from "../view.ts";

export interface ApiKeyRouteDeps {
  readonly db: Database;
  readonly clock: Clock;
  readonly actions: ApiKeyActions;
}

const PATH = "/api/v1/api-keys";

const projectId = z.uuid().toLowerCase().optional().meta({ description: "Left out: the personal project." });
// Nothing here says who it is for: that is the caller, whatever a body would like (CVE-2025-61928).
const newKey = z.strictObject({
  name: z
    .string()
    .trim()
    .min(1)
    .max(200)
    .regex(/^\P{Cc}*$/u, "Must not contain control characters."),
  scopes: z
    .array(z.enum(scopeNames))
    .min(1)
    .max(scopeNames.length)
    .meta({ description: "What it may do in its project; `write` and `…:write` read too." }),
  expires_at: z.iso
    .datetime({ offset: true })
    .nullable()
    .default(null)
    .meta({ description: "When it ends; null or left out: not by itself." }),
  project_id: projectId,
});

export function apiKeyRoutes({ db, clock, actions }: ApiKeyRouteDeps): Route[] {
  const common = { tag: "api keys", access: "user" } as const;

  function endOf(text: string | null): Date | null {
    if (text === null) return null;
    const end = new Date(text);
    if (end.getTime() > clock.now()) return end;
    const fields = [{ path: "expires_at", message: "Must be in the future." }];
    throw kernelErrors.INVALID_INPUT({ fields });
  }

  return [
    route(
      {
        ...common,
        method: "POST",
        path: PATH,
        operationId: "createApiKey",
        summary: "Make an API key of a project",
        description:
          "Owner only. `key` is shown this once. It acts in this project alone, for you and never beyond your own role.",
        body: newKey,
        maxBodyBytes: 16_384,
        responses: { 201: { description: "The new key.", schema: newApiKeyView } },
        errors: [no.PROJECT_NOT_FOUND, no.PROJECT_FORBIDDEN, no.API_KEY_LIMIT],
      },
      async ({ actor, body, address, write }) => {
        const wish = { name: body.name, scopes: body.scopes, expiresAt: endOf(body.expires_at) };
        const of = body.project_id ?? personalProjectId(actor.userId);
        return write(async (tx) => {
          const { key, apiKey } = await actions.createKey(tx, of, { userId: actor.userId, address }, wish);
          const headers = { "Cache-Control": "no-store" };
          return { status: 201, body: { ...toApiKeyView(apiKey), key }, headers };
        });
      },
    ),
    route(
      {
        ...common,
        method: "GET",
        path: PATH,
        operationId: "listApiKeys",
        summary: "List a project's API keys, newest first",
        description: "Owner only. The keys themselves are not kept: `hint` shows how one begins.",
        query: z.strictObject({ ...pageQuery, project_id: projectId }),
        responses: { 200: { description: "A page of keys.", schema: pageSchema(apiKeyView) } },
        errors: [no.PROJECT_NOT_FOUND, no.PROJECT_FORBIDDEN],
      },
      async ({ actor, query: { limit, cursor, project_id } }) => {
        const [beforeId] = decodeCursor(cursor, z.tuple([z.uuid()])) ?? [];
        const of = project_id ?? personalProjectId(actor.userId);
        const rows = await actions.listKeys(db.sql, of, actor.userId, { beforeId, limit });
        return { status: 200, body: toPage(rows, limit, toApiKeyView, (key) => [key.id]) };
      },
    ),
    route(
      {
        ...common,
        method: "DELETE",
        path: `${PATH}/{id}`,
        operationId: "deleteApiKey",
        summary: "End an API key: it is dead everywhere within a second",
        params: z.strictObject({ id: z.uuid().toLowerCase() }),
        responses: { 204: { description: "It is gone." } },
        errors: [no.API_KEY_NOT_FOUND, no.PROJECT_FORBIDDEN],
      },
      ({ actor, params: { id }, address, write }) =>
        write(async (tx) => {
          await actions.deleteKey(tx, id, { userId: actor.userId, address });
          return { status: 204 };
        }),
    ),
  ];
}
