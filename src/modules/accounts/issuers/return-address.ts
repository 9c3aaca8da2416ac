// Where a browser may be sent after a sign-in: pages of our own origins and of no other, so that we lead nobody astray.

export interface ReturnAddresses {
  /** Undefined for an address that is not on the list. A path stands for one under PUBLIC_URL. */
  parse(text: string): URL | undefined;
}

const MAX_CHARS = 2_000;

export function createReturnAddresses(publicUrl: string, allowedOrigins: readonly string[]): ReturnAddresses {
  const origins = new Set([new URL(publicUrl).origin, ...allowedOrigins]);
  return {
    parse(text) {
      if (text.length > MAX_CHARS) return undefined;
      // What is compared is what the browser gets: the parsed address, never the text. An origin is compared as a whole.
      const url = URL.parse(text, publicUrl);
      if (url?.username !== "" || url.password !== "" || url.hash !== "") return undefined;
      return ["http:", "https:"].includes(url.protocol) && origins.has(url.origin) ? url : undefined;
    },
  };
}

/** The address with how the sign-in ended. */
export function withOutcome(
  returnTo: string,
  outcome: { readonly code: string } | { readonly error: string },
): string {
  const url = new URL(returnTo);
  // Whoever made the link must not be able to add an outcome of his own.
  for (const name of ["code", "error"]) url.searchParams.delete(name);
  for (const [name, value] of Object.entries(outcome)) url.searchParams.set(name, value);
  return url.href;
}
