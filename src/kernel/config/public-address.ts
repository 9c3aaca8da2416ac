// Where users reach the server: what links, cookies and redirects are made of.
import type { Config } from "./config.ts";

export interface PublicAddress {
  /** Without a slash at its end. */
  readonly url: string;
  /** Cookies are then for HTTPS alone. */
  readonly isHttps: boolean;
}

/** PUBLIC_URL, or this machine on the port that we listen on. */
export function publicAddressOf({
  publicUrl,
  port,
  tlsCertFile,
}: Pick<Config, "publicUrl" | "port" | "tlsCertFile">): PublicAddress {
  const url = publicUrl ?? `${tlsCertFile === undefined ? "http" : "https"}://localhost:${port}`;
  return { url, isHttps: url.startsWith("https:") };
}
