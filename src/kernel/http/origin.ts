// Which pages may open a WebSocket: browsers ask no preflight for it and let every page try (RFC 6455 section 10.2).

/** True without an Origin, which only browsers send; for our own pages; and for those in ALLOWED_ORIGINS. */
export function allowsOrigin(
  request: Request,
  { allowedOrigins, publicUrl }: { allowedOrigins: readonly string[]; publicUrl: string | undefined },
): boolean {
  const origin = request.headers.get("origin");
  if (origin === null || allowedOrigins.includes(origin)) return true;
  if (publicUrl !== undefined && URL.parse(publicUrl)?.origin === origin) return true;
  const host = request.headers.get("host");
  return host !== null && URL.parse(origin)?.host === host;
}
