// The answer with a pair of tokens: both in the body, or the refresh token in a cookie.
import type { Reply } from "../../../kernel/http/index.ts";
import type { TokenPair } from "../actions/sessions.ts";
import { toTokensView } from "../view.ts";
import type { RefreshCookies } from "./refresh-cookie.ts";

/** No token and nothing about one may stay in a cache (RFC 6749 section 5.1). */
export const UNCACHED = { "Cache-Control": "no-store" };

export interface TokenReplies {
  /** The pair; with `cookie` the refresh token is in a cookie and nowhere else. Call `guard` of the cookies before. */
  show(pair: TokenPair, options: { readonly cookie: boolean }): Reply;
}

export function createTokenReplies(cookies: RefreshCookies, accessTokenSeconds: number): TokenReplies {
  return {
    show(pair, { cookie }) {
      const view = toTokensView(pair, accessTokenSeconds);
      if (!cookie) return { status: 200, body: view, headers: UNCACHED };
      const { refresh_token: token, ...body } = view;
      return { status: 200, body, headers: { ...UNCACHED, "Set-Cookie": cookies.set(token) } };
    },
  };
}
