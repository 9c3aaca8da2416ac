// Routes of signing in with an outside issuer: there, back, and from the one-time code to tokens.
import { z } from "zod";
import { kernelErrors } from "../../../kernel/errors/index.ts";
import { type Route, route } from "../../../kernel/http/index.ts";
import type { Departure, IssuerSignIn } from "../actions/issuer-sign-in.ts";
import { deviceOf } from "../device.ts";
import { accountErrors as no } from "../errors.ts";
import { tokensView } from "../view.ts";
import { type RefreshCookies, refreshCookie } from "./refresh-cookie.ts";
import { createTokenReplies } from "./token-reply.ts";

export interface IssuerRouteDeps {
  readonly signIn: IssuerSignIn;
  readonly cookies: RefreshCookies;
  readonly accessTokenSeconds: number;
}

const PATH = "/api/v1/auth";
const params = z.strictObject({ provider: z.string().max(64) });
/** Base64url of 32 bytes, unpadded (RFC 7636 section 4.2). */
const challenge = z.string().regex(/^[A-Za-z0-9_-]{43}$/, "Must be the base64url of a SHA-256.");
/** RFC 7636 section 4.1. */
const verifier = z
  .string()
  .regex(/^[A-Za-z0-9._~-]{43,128}$/, "Must have 43 to 128 letters, digits, -, ., _ or ~.");
/** Issuers add parameters of their own, which are left alone. */
const answer = z.looseObject({
  code: z.string().optional(),
  state: z.string().optional(),
  iss: z.string().optional(),
  error: z.string().optional(),
});

/** 303, so that the browser asks with GET whatever brought it here (RFC 9700 section 4.12). */
function leave({ location, cookie }: Departure) {
  return { status: 303, headers: { Location: location, "Set-Cookie": cookie, "Cache-Control": "no-store" } };
}

export function issuerRoutes({ signIn, cookies, accessTokenSeconds }: IssuerRouteDeps): Route[] {
  const { show } = createTokenReplies(cookies, accessTokenSeconds);
  return [
    route(
      {
        method: "GET",
        path: `${PATH}/{provider}`,
        operationId: "beginIssuerSignIn",
        tag: "accounts",
        summary: "Sign in with an outside issuer: open this address in the browser",
        description:
          "Leads to the issuer (`google`, or a name of OIDC_ISSUERS) and from there back to `return_to`, with a one-time `code` for " +
          "POST /auth/exchange, or with `error`, the code of a refusal.",
        access: "public",
        params,
        query: z.strictObject({
          return_to: z.string().default("/").meta({
            description: "A page of this server or of an origin in ALLOWED_ORIGINS; the whole query is kept.",
          }),
          code_challenge: challenge.optional().meta({
            description:
              "SHA-256 of a secret that POST /auth/exchange must then show as code_verifier (PKCE, S256).",
          }),
        }),
        responses: { 303: { description: "To the issuer." } },
        errors: [no.ISSUER_NOT_FOUND, no.RETURN_ADDRESS_FORBIDDEN, no.ISSUER_UNAVAILABLE],
      },
      async ({ params: { provider }, query, request }) =>
        leave(
          await signIn.begin(provider, {
            returnTo: query.return_to,
            challenge: query.code_challenge ?? null,
            cookies: request.headers.get("cookie"),
          }),
        ),
    ),
    route(
      {
        method: "GET",
        path: `${PATH}/{provider}/callback`,
        operationId: "endIssuerSignIn",
        tag: "accounts",
        summary: "Where the issuer sends the browser back to",
        description: "Register this address with the issuer. It is called by nobody else.",
        access: "public",
        params,
        query: answer,
        responses: { 303: { description: "To `return_to`, with `code` or `error`." } },
        errors: [no.ISSUER_NOT_FOUND, no.SIGN_IN_NOT_FOUND],
      },
      async ({ params: { provider: name }, request, address }) => {
        const parameters = new URL(request.url).searchParams;
        const cookies = request.headers.get("cookie");
        return leave(await signIn.comeBack({ name, parameters, cookies, address }));
      },
    ),
    route(
      {
        method: "POST",
        path: `${PATH}/exchange`,
        operationId: "exchangeSignInCode",
        limit: "sign-in",
        tag: "accounts",
        summary: "Exchange the one-time code of a sign-in with an issuer for tokens",
        access: "public",
        body: z.strictObject({
          code: z.string().max(256),
          code_verifier: verifier.optional(),
          refresh_cookie: refreshCookie,
        }),
        maxBodyBytes: 16_384,
        responses: { 200: { description: "An access token and a refresh token.", schema: tokensView } },
        errors: [no.INVALID_SIGN_IN_CODE, kernelErrors.ORIGIN_FORBIDDEN],
      },
      async ({ body, request, address }) => {
        if (body.refresh_cookie) cookies.guard(request);
        const input = { code: body.code, verifier: body.code_verifier };
        return show(await signIn.exchange(input, deviceOf(request, address)), {
          cookie: body.refresh_cookie,
        });
      },
    ),
  ];
}
