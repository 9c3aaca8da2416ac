// Headers that tell browsers to make nothing of our answers but what they are. No Server header: it helps attackers only.

export interface SecurityOptions {
  readonly publicUrl: string | undefined;
  readonly hasTls: boolean;
}

/** Of every answer; pages of ours replace the policy by their own. */
export function securityHeaders(options: SecurityOptions): Record<string, string> {
  return {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    // Answers are somebody's data until a route says otherwise.
    "Cache-Control": "no-store",
    ...(isSecure(options) ? { "Strict-Transport-Security": "max-age=31536000" } : {}),
  };
}

/** Not on localhost: a year of HTTPS only would hit every other program that a developer runs there. */
function isSecure({ publicUrl, hasTls }: SecurityOptions): boolean {
  const url = publicUrl === undefined ? undefined : new URL(publicUrl);
  if (url?.hostname === "localhost") return false;
  return url?.protocol === "https:" || hasTls;
}
