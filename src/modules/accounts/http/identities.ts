// Routes of the identities that one signs in with at outside issuers.
import { z } from "zod";
import type { Database } from "../../../kernel/db/index.ts";
import {
  decodeCursor,
  pageQuery,
  pageSchema,
  type Route,
  route,
  toPage,
} from "../../../kernel/http/index.ts";
import type { IdentityRef } from "../actions/identities.ts";
import { accountErrors as no } from "../errors.ts";
import { listIdentities } from "../store/identities.ts";
import { identityView, toIdentityView } from "../view.ts";

export interface IdentityRouteDeps {
  readonly db: Database;
  readonly removeIdentity: (identity: IdentityRef) => Promise<void>;
}

const PATH = "/api/v1/auth/identities";

export function identityRoutes({ db, removeIdentity }: IdentityRouteDeps): Route[] {
  return [
    route(
      {
        method: "GET",
        path: PATH,
        operationId: "listIdentities",
        tag: "accounts",
        summary: "List the identities at outside issuers that sign you in, newest first",
        access: "user",
        query: z.strictObject(pageQuery),
        responses: { 200: { description: "A page of identities.", schema: pageSchema(identityView) } },
      },
      async ({ actor, query: { limit, cursor } }) => {
        const [beforeId] = decodeCursor(cursor, z.tuple([z.uuid()])) ?? [];
        const rows = await listIdentities(db.sql, actor.userId, { beforeId, limit });
        return { status: 200, body: toPage(rows, limit, toIdentityView, ({ id }) => [id]) };
      },
    ),
    route(
      {
        method: "DELETE",
        path: `${PATH}/{id}`,
        operationId: "removeIdentity",
        tag: "accounts",
        summary: "Take an identity away; it does not sign you in any more",
        access: "user",
        params: z.strictObject({ id: z.uuid().toLowerCase() }),
        responses: { 204: { description: "It is gone." } },
        errors: [no.IDENTITY_NOT_FOUND, no.LAST_WAY_IN],
      },
      async ({ actor, params: { id }, address }) => {
        await removeIdentity({ id, userId: actor.userId, address });
        return { status: 204 };
      },
    ),
  ];
}
