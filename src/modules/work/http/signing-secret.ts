// Routes of a project's signing secret: for its owner alone.
import { z } from "zod";
import { type Reply, type Route, route } from "../../../kernel/http/index.ts";
import { projectErrors } from "../../projects/index.ts";
import type { SigningSecret, SigningSecrets } from "../actions/signing-secrets.ts";
import { jobParams as params } from "./parameters.ts";

const PATH = "/api/v1/projects/{id}/signing-secret";
const DEFAULT_GRACE_S = 86_400;
const MAX_GRACE_S = 604_800;

const secretView = z
  .strictObject({
    secret: z.string().meta({ description: "`whsec_…`, as the libraries of Standard Webhooks take it." }),
    created_at: z.iso.datetime(),
    previous_expires_at: z.iso
      .datetime()
      .nullable()
      .meta({ description: "Until then calls are signed with the secret before it, too." }),
  })
  .meta({ id: "SigningSecret" });

function toReply({ text, createdAt, previousExpiresAt }: SigningSecret): Reply {
  const body: z.infer<typeof secretView> = {
    secret: text,
    created_at: createdAt.toISOString(),
    previous_expires_at: previousExpiresAt?.toISOString() ?? null,
  };
  return { status: 200, body, headers: { "Cache-Control": "no-store" } };
}

export function signingSecretRoutes(actions: SigningSecrets): Route[] {
  const common = {
    tag: "jobs",
    access: "user",
    params,
    errors: [projectErrors.PROJECT_NOT_FOUND, projectErrors.PROJECT_FORBIDDEN],
  } as const;
  return [
    route(
      {
        ...common,
        method: "GET",
        path: PATH,
        operationId: "getSigningSecret",
        summary: "Read the secret that a project's calls to your services are signed with",
        description:
          "Owner only. Calls of the task http.request carry webhook-id, webhook-timestamp and webhook-signature (standardwebhooks.com).",
        responses: { 200: { description: "The secret.", schema: secretView } },
      },
      async ({ actor, params: { id } }) => toReply(await actions.getSecret(id, actor.userId)),
    ),
    route(
      {
        ...common,
        method: "POST",
        path: `${PATH}/rotate`,
        operationId: "rotateSigningSecret",
        summary: "Change the signing secret of a project",
        description: "Owner only. For the time of grace calls are signed with both, the new one first.",
        body: z.strictObject({
          grace_s: z.int().min(0).max(MAX_GRACE_S).default(DEFAULT_GRACE_S).meta({
            description: "How long the old secret signs along, in seconds; 0 when it is known to others.",
          }),
        }),
        responses: { 200: { description: "The new secret.", schema: secretView } },
      },
      ({ actor, params: { id }, body, address, write }) =>
        write(async (tx) =>
          toReply(await actions.rotateSecret(tx, id, { userId: actor.userId, address }, body.grace_s)),
        ),
    ),
  ];
}
