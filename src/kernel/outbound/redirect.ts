// Where a redirect leads and what goes along: what was meant for one origin stays with it.
import { AddressRefusedError } from "./address-guard.ts";
import { OutboundError } from "./bounded-fetch.ts";

/** One request on its way. */
export interface Hop {
  readonly url: URL;
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | undefined;
}

const REDIRECTS = [301, 302, 303, 307, 308];
/** Say nothing of who asks. */
const HARMLESS = ["accept", "accept-language", "user-agent"];
const OF_BODY = ["content-type", "content-length", "content-encoding", "content-language"];

/** The request that follows; undefined when the answer is none that redirects. (Fetch standard, HTTP-redirect fetch.) */
export function followRedirect(hop: Hop, status: number, location: string | null): Hop | undefined {
  if (!REDIRECTS.includes(status) || location === null) return undefined;
  const url = URL.parse(location, hop.url.href);
  if (!url) throw new OutboundError("it redirected to what is no address");
  if (hop.url.protocol === "https:" && url.protocol === "http:")
    throw new AddressRefusedError("The address redirects from https to http.");
  const losesBody = status === 303 ? hop.method !== "HEAD" : status < 303 && hop.method === "POST";
  const isElsewhere = url.origin !== hop.url.origin;
  if (isElsewhere && !losesBody && hop.body !== undefined)
    throw new AddressRefusedError("The address redirects a request with a body to another server.");
  const kept = Object.entries(hop.headers).filter(([name]) => {
    if (losesBody && OF_BODY.includes(name.toLowerCase())) return false;
    return !isElsewhere || HARMLESS.includes(name.toLowerCase());
  });
  return {
    url,
    method: losesBody ? "GET" : hop.method,
    headers: Object.fromEntries(kept),
    body: losesBody ? undefined : hop.body,
  };
}
