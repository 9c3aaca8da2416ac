// What of accounts leaves the server.
import { z } from "zod";
import type { Actor } from "../../kernel/http/index.ts";
import type { TokenPair } from "./actions/sessions.ts";
import { deviceName } from "./device-name.ts";
import type { Identity, Session, User } from "./model.ts";

const time = z.iso.datetime();

export const userView = z
  .strictObject({
    id: z.uuid(),
    email: z.string(),
    name: z.string().nullable(),
    created_at: time,
    email_verified: z.boolean(),
  })
  .meta({ id: "User" });

export const tokensView = z
  .strictObject({
    user_id: z.uuid(),
    access_token: z.string().meta({ description: "A JWT; send it as `Authorization: Bearer …`." }),
    refresh_token: z
      .string()
      .optional()
      .meta({ description: "For POST /auth/refresh; each is used once. Left out where it is in a cookie." }),
    token_type: z.literal("bearer"),
    expires_in: z.int().meta({ description: "Seconds that the access token lasts." }),
  })
  .meta({ id: "Tokens" });

export const verificationView = z.strictObject({
  valid: z.literal(true),
  user_id: z.uuid(),
  session_id: z.uuid(),
  expires_at: time,
});

export const sessionView = z
  .strictObject({
    id: z.uuid(),
    is_current: z.boolean().meta({ description: "The session that this request belongs to." }),
    device: z.string().meta({
      description: "Browser and system, as its User-Agent tells.",
      examples: ["Firefox on Linux"],
    }),
    user_agent: z.string().nullable(),
    address: z.string().meta({ description: "IP address of the log-in." }),
    created_at: time,
    last_used_at: time.meta({ description: "The last refresh, or the log-in." }),
  })
  .meta({ id: "Session" });

export const identityView = z
  .strictObject({
    id: z.uuid(),
    issuer: z.string().meta({ description: "The issuer's identifier, such as https://accounts.google.com." }),
    email: z.string().nullable().meta({ description: "The address that the issuer gave last." }),
    created_at: time,
    last_used_at: time,
  })
  .meta({ id: "Identity" });

export const jwksView = z.strictObject({
  keys: z.array(
    z.strictObject({
      kty: z.literal("OKP"),
      crv: z.literal("Ed25519"),
      x: z.string(),
      kid: z.string(),
      use: z.literal("sig"),
      alg: z.literal("Ed25519"),
    }),
  ),
});

export function toUserView(user: User): z.infer<typeof userView> {
  return {
    id: user.id,
    email: user.email,
    name: user.name,
    created_at: user.createdAt.toISOString(),
    email_verified: user.emailVerifiedAt !== null,
  };
}

export function toIdentityView(identity: Identity): z.infer<typeof identityView> {
  return {
    id: identity.id,
    issuer: identity.issuer,
    email: identity.email,
    created_at: identity.createdAt.toISOString(),
    last_used_at: identity.lastUsedAt.toISOString(),
  };
}

export function toTokensView(pair: TokenPair, lifeSeconds: number) {
  return {
    user_id: pair.userId,
    access_token: pair.accessToken,
    refresh_token: pair.refreshToken,
    token_type: "bearer",
    expires_in: lifeSeconds,
  } as const satisfies z.infer<typeof tokensView>;
}

export function toVerificationView(actor: Actor): z.infer<typeof verificationView> {
  return {
    valid: true,
    user_id: actor.userId,
    session_id: actor.sessionId,
    expires_at: new Date(actor.expiresAt).toISOString(),
  };
}

export function toSessionView(session: Session, currentId: string): z.infer<typeof sessionView> {
  return {
    id: session.id,
    is_current: session.id === currentId,
    device: deviceName(session.userAgent),
    user_agent: session.userAgent,
    address: session.address,
    created_at: session.createdAt.toISOString(),
    last_used_at: session.lastUsedAt.toISOString(),
  };
}
