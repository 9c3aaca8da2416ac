// Routes of the account itself: sign up, who am I, the public keys.
import { z } from "zod";
import { type Route, route } from "../../../kernel/http/index.ts";
import type { SignUp } from "../actions/sign-up.ts";
import { type EmailAddress, parseEmail } from "../email.ts";
import { accountErrors as no } from "../errors.ts";
import type { User } from "../model.ts";
import { PASSWORD_MAX_LENGTH, passwordLength } from "../password.ts";
import type { PublicJwk } from "../signing-keys.ts";
import { jwksView, toUserView, userView } from "../view.ts";

export interface AccountRouteDeps {
  readonly signUp: (input: SignUp) => Promise<User>;
  readonly getUser: (id: string) => Promise<User>;
  readonly listPublicKeys: () => readonly PublicJwk[];
}

/** Verifiers elsewhere may keep the keys for so long: far less than a key is published before it signs. */
const JWKS_CACHE_SECONDS = 300;

export const email = z
  .string()
  .max(320)
  .transform((text, context): EmailAddress => {
    const parsed = parseEmail(text);
    if (parsed) return parsed;
    context.addIssue({ code: "custom", message: "Must be an email address, such as ada@example.org." });
    return z.NEVER;
  });
export const password = z
  .string()
  .refine(
    (text) => passwordLength(text) <= PASSWORD_MAX_LENGTH,
    `Must have at most ${PASSWORD_MAX_LENGTH} characters.`,
  );
/** No line breaks and other controls: names stand in mails and terminals. */
const name = z
  .string()
  .trim()
  .max(200)
  .regex(/^\P{Cc}*$/u, "Must not contain control characters.")
  .transform((text) => text || null)
  .nullable()
  .default(null);

export function accountRoutes({ signUp, getUser, listPublicKeys }: AccountRouteDeps): Route[] {
  return [
    route(
      {
        method: "POST",
        path: "/api/v1/auth/signup",
        operationId: "signUp",
        tag: "accounts",
        summary: "Sign up with an email address and a password",
        description: "Makes the account and its personal project, whose id is the user's.",
        access: "public",
        body: z.strictObject({ email, password, name }),
        maxBodyBytes: 16_384,
        responses: {
          201: {
            description: "The new user.",
            schema: z.strictObject({ user: userView, project_id: z.uuid() }),
          },
        },
        errors: [no.EMAIL_TAKEN, no.WEAK_PASSWORD, no.SIGN_IN_BUSY],
      },
      async ({ body, address }) => {
        const user = await signUp({ ...body, address });
        // A rule of the projects module: the personal project has the id of its user.
        return { status: 201, body: { user: toUserView(user), project_id: user.id } };
      },
    ),
    route(
      {
        method: "GET",
        path: "/api/v1/auth/me",
        operationId: "getMe",
        tag: "accounts",
        summary: "Who am I",
        access: "user",
        responses: { 200: { description: "The user of the token.", schema: userView } },
      },
      async ({ actor }) => ({ status: 200, body: toUserView(await getUser(actor.userId)) }),
    ),
    route(
      {
        method: "GET",
        path: "/.well-known/jwks.json",
        operationId: "getPublicKeys",
        tag: "accounts",
        summary: "The public keys that access tokens are signed with",
        description: "Current and previous keys, and the next before it signs (RFC 7517).",
        access: "public",
        responses: { 200: { description: "A JWK set.", schema: jwksView } },
      },
      async () => ({
        status: 200,
        body: { keys: listPublicKeys() },
        headers: { "Cache-Control": `public, max-age=${JWKS_CACHE_SECONDS}` },
      }),
    ),
  ];
}
