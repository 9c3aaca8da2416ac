// The refresh token as a cookie, for pages that should not be able to read it: when it is taken, and from whom.
import { z } from "zod";
import { type Config, publicAddressOf } from "../../../kernel/config/index.ts";
import { kernelErrors } from "../../../kernel/errors/index.ts";
import { allowsOrigin } from "../../../kernel/http/index.ts";

/** Of a body that is answered with tokens. */
export const refreshCookie = z.boolean().default(false).meta({
  description:
    "For browsers: put the refresh token into a cookie that no script can read, not into the body.",
});

export interface RefreshCookies {
  /**
   * Throws unless the request comes from a page of ours, or from no browser: call it before anything is done by a cookie, or for
   * one. A browser sends the header Sec-Fetch-Site (Fetch Metadata) or, before 2020, Origin with every POST, and no page can
   * change either; the media type is one for which pages of elsewhere need a preflight.
   */
  guard(request: Request): void;
  read(request: Request): string | undefined;
  /** The header Set-Cookie. */
  set(token: string): string;
  /** Headers of an answer to the end of a session: they take the cookie away from a browser that has it. */
  clearing(request: Request): Record<string, string>;
}

export type RefreshCookieOptions = Pick<Config, "publicUrl" | "port" | "allowedOrigins" | "tlsCertFile"> & {
  readonly idleDays: number;
};

const NAME = "stoa_refresh";
/** Sent with nothing but calls of /auth. `__Host-` would want it sent everywhere. */
const PATH = "/api/v1/auth";
const MAX_CHARS = 1_024;
const JSON_TYPE = /^application\/json\s*(?:;|$)/i;
const DAY_SECONDS = 86_400;

export function createRefreshCookies(options: RefreshCookieOptions): RefreshCookies {
  const { idleDays } = options;
  const { isHttps: isSecure } = publicAddressOf(options);
  // The prefix makes browsers refuse one that was set without HTTPS, as somebody on the line could (RFC 6265bis 4.1.3).
  const name = isSecure ? `__Secure-${NAME}` : NAME;
  const attributes = `Path=${PATH}; HttpOnly; SameSite=Strict${isSecure ? "; Secure" : ""}`;

  const read = (request: Request) => findCookie(request.headers.get("cookie"), name);
  return {
    guard(request) {
      if (!isOurs(request, options)) {
        throw kernelErrors.ORIGIN_FORBIDDEN({
          detail:
            "Pages of this origin may not use the refresh cookie. Call from the server's own site, and add the page's origin to ALLOWED_ORIGINS.",
        });
      }
      if (!JSON_TYPE.test(request.headers.get("content-type") ?? "")) {
        throw kernelErrors.UNSUPPORTED_MEDIA_TYPE({
          detail: "Send the body with Content-Type: application/json.",
          headers: { Accept: "application/json" },
        });
      }
    },
    read,
    set: (token) => `${name}=${token}; Max-Age=${idleDays * DAY_SECONDS}; ${attributes}`,
    clearing(request): Record<string, string> {
      return read(request) === undefined ? {} : { "Set-Cookie": `${name}=; Max-Age=0; ${attributes}` };
    },
  };
}

function isOurs(request: Request, options: RefreshCookieOptions): boolean {
  const site = request.headers.get("sec-fetch-site");
  if (site === "same-origin") return true;
  // From elsewhere a browser would not send the cookie either: SameSite=Strict.
  if (site !== null && site !== "same-site") return false;
  // Of the same site, a page of another name or port must be one of ours.
  if (site === "same-site" && !request.headers.has("origin")) return false;
  return allowsOrigin(request, options);
}

/** The first of its name: browsers send the one with the longest path first (RFC 6265 section 5.4). */
function findCookie(header: string | null, name: string): string | undefined {
  for (const pair of header?.split(";") ?? []) {
    const [key = "", value = ""] = pair.split("=", 2);
    if (key.trim() !== name) continue;
    const token = value.trim();
    return token !== "" && token.length <= MAX_CHARS ? token : undefined;
  }
  return undefined;
}
