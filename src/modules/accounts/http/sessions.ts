// Routes of sessions: log in, refresh, log out, verify.
import { z } from "zod";
import { kernelErrors } from "../../../kernel/errors/index.ts";
import { type Route, route } from "../../../kernel/http/index.ts";
import type { SessionActions } from "../actions/sessions.ts";
import { deviceOf } from "../device.ts";
import { accountErrors as no } from "../errors.ts";
import type { KnownDevices } from "../known-device.ts";
import { tokensView, toVerificationView, verificationView } from "../view.ts";
import { type RefreshCookies, refreshCookie } from "./refresh-cookie.ts";
import { createTokenReplies, UNCACHED } from "./token-reply.ts";

export interface SessionRouteDeps {
  readonly actions: SessionActions;
  readonly devices: KnownDevices;
  readonly cookies: RefreshCookies;
  readonly accessTokenSeconds: number;
}

const PATH = "/api/v1/auth";

/** Only bounded: to say more would tell what passwords look like. */
const credentials = z.strictObject({
  email: z.string().max(320),
  password: z.string().max(1_024),
  refresh_cookie: refreshCookie,
});

function missing() {
  return kernelErrors.INVALID_INPUT({
    fields: [{ path: "refresh_token", message: "Is missing, and there is no refresh cookie." }],
  });
}

export function sessionRoutes({ actions, devices, cookies, accessTokenSeconds }: SessionRouteDeps): Route[] {
  const tokens = { 200: { description: "An access token and a refresh token.", schema: tokensView } };
  const { show } = createTokenReplies(cookies, accessTokenSeconds);

  return [
    route(
      {
        method: "POST",
        path: `${PATH}/login`,
        operationId: "logIn",
        tag: "accounts",
        summary: "Log in with an email address and a password",
        access: "public",
        limit: "sign-in",
        body: credentials,
        maxBodyBytes: 16_384,
        responses: tokens,
        errors: [no.INVALID_CREDENTIALS, no.LOGIN_LOCKED, no.SIGN_IN_BUSY, kernelErrors.ORIGIN_FORBIDDEN],
      },
      async ({ body, request, address }) => {
        // Else a page of elsewhere could sign its visitor in as somebody else.
        if (body.refresh_cookie) cookies.guard(request);
        const device = deviceOf(request, address);
        const pair = await actions.logIn(body, device);
        const reply = show(pair, { cookie: body.refresh_cookie });
        if (devices.find(device.cookies ?? null, pair.userId) !== undefined) return reply;
        return { ...reply, cookies: [devices.makeCookie(pair.userId)] };
      },
    ),
    route(
      {
        method: "POST",
        path: `${PATH}/refresh`,
        operationId: "refresh",
        tag: "accounts",
        summary: "Exchange a refresh token for a new pair of tokens",
        description:
          "Each refresh token is used once. Requests of the same moment get the same successor, also again within 10 seconds; " +
          "a used token shown later ends the session, since someone else may have it. Without a token in the body the refresh " +
          "cookie counts, and the next one is in the cookie again.",
        access: "public",
        body: z.strictObject({
          refresh_token: z.string().max(1_024).optional(),
          refresh_cookie: refreshCookie,
        }),
        maxBodyBytes: 16_384,
        responses: tokens,
        errors: [no.INVALID_REFRESH_TOKEN, kernelErrors.ORIGIN_FORBIDDEN],
      },
      async ({ body, request, address, signal }) => {
        const given = body.refresh_token ?? cookies.read(request);
        // What came in a cookie never goes into a body: a script could then read it.
        const cookie = body.refresh_cookie || body.refresh_token === undefined;
        if (given === undefined) throw body.refresh_cookie ? no.INVALID_REFRESH_TOKEN() : missing();
        if (cookie) cookies.guard(request);
        return show(await actions.refresh(given, { address, signal }), { cookie });
      },
    ),
    route(
      {
        method: "POST",
        path: `${PATH}/logout`,
        operationId: "logOut",
        tag: "accounts",
        summary: "End the session: its refresh and access tokens are dead within a second",
        access: "user",
        responses: { 204: { description: "The session has ended." } },
      },
      async ({ actor, address, request }) => {
        await actions.logOut({ id: actor.sessionId, userId: actor.userId }, address);
        return { status: 204, headers: cookies.clearing(request) };
      },
    ),
    route(
      {
        method: "GET",
        path: `${PATH}/verify`,
        operationId: "verify",
        tag: "accounts",
        summary: "Whether the access token is valid, and whose it is",
        access: "user",
        responses: { 200: { description: "It is valid; otherwise 401.", schema: verificationView } },
      },
      async ({ actor }) => ({ status: 200, body: toVerificationView(actor), headers: UNCACHED }),
    ),
  ];
}
