// Calls to addresses that users give: looked at before each connection, bounded in time and size, redirects followed by hand.
import { type AddressGuard, AddressRefusedError, hostOf } from "./address-guard.ts";
import { OutboundError } from "./bounded-fetch.ts";
import { createPatience, type Patience } from "./patience.ts";
import { isAddress } from "./public-address.ts";
import { followRedirect, type Hop } from "./redirect.ts";

export interface GuardedRequest {
  /** Default GET. */
  readonly method?: string;
  /** For the origin of the address alone. */
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | undefined;
  readonly signal?: AbortSignal | undefined;
  /** From the call to the last byte of the answer; default 10,000, null as long as the signal lets it. */
  readonly timeoutMs?: number | null;
  /** The longest that the other side may say nothing, to its head and within its body; default no bound of its own. */
  readonly silenceMs?: number;
  /** Of the answer's body, after decompression; default 5,000,000. */
  readonly maxBytes?: number;
}

/** Read its body to the end or close it. */
export interface GuardedAnswer {
  readonly status: number;
  readonly headers: Headers;
  /** Where it came from, after redirects. */
  readonly url: string;
  /** To be read once. Throws OutboundError when it is cut off, too large or too slow. */
  readonly body: AsyncIterable<Uint8Array>;
  close(): Promise<void>;
}

/**
 * Throws AddressRefusedError (never worth another try), OutboundError (the other side's failure), or the signal's reason. Any
 * status is an answer.
 */
export type GuardedFetch = (address: string, request?: GuardedRequest) => Promise<GuardedAnswer>;

export interface GuardedFetchOptions {
  readonly guard: AddressGuard;
  readonly userAgent: string;
  /** Certificates to be trusted in place of the system's, PEM. */
  readonly ca?: string;
}

const TIMEOUT_MS = 10_000;
const MAX_BYTES = 5_000_000;
const MAX_REDIRECTS = 3;
/** Nothing was sent: the next address may be tried. */
const NOT_CONNECTED = new Set(["ECONNREFUSED", "ENETUNREACH", "EHOSTUNREACH", "EADDRNOTAVAIL"]);

export function createGuardedFetch({ guard, userAgent, ca }: GuardedFetchOptions): GuardedFetch {
  return async (address, request = {}) => {
    const url = URL.parse(address);
    if (!url) throw new AddressRefusedError(guard.findProblem(address) ?? "This is no address.");
    const { signal, silenceMs, timeoutMs = TIMEOUT_MS, maxBytes = MAX_BYTES } = request;
    const patience = createPatience({ timeoutMs: timeoutMs ?? undefined, silenceMs, signal });
    const headers = { "User-Agent": userAgent, ...request.headers };
    let hop: Hop = { url, method: request.method ?? "GET", headers, body: request.body };
    try {
      for (let redirects = 0; ; redirects++) {
        const response = await connect(hop, patience);
        const next = followRedirect(hop, response.status, response.headers.get("location"));
        if (!next) return toAnswer(hop.url, response, patience, maxBytes);
        await response.body?.cancel();
        if (redirects === MAX_REDIRECTS) throw new OutboundError("it redirected more than 3 times");
        hop = next;
      }
    } catch (error) {
      patience.end();
      throw explain(error, patience);
    }
  };

  /** To the first of the addresses that takes the connection. */
  async function connect(hop: Hop, patience: Patience): Promise<Response> {
    patience.listen();
    const addresses = await unless(patience.signal, guard.addressesOf(hop.url));
    for (const [index, address] of addresses.entries()) {
      try {
        return await send(hop, address, patience.signal);
      } catch (error) {
        const isLast = index === addresses.length - 1;
        if (isLast || patience.signal.aborted || !NOT_CONNECTED.has(codeOf(error))) throw error;
      }
    }
    throw new OutboundError("it cannot be reached");
  }

  function send(
    { url, method, headers, body }: Hop,
    address: string,
    signal: AbortSignal,
  ): Promise<Response> {
    const target = new URL(url);
    target.hostname = address.includes(":") ? `[${address}]` : address;
    target.hash = "";
    const host = hostOf(url);
    return fetch(target, {
      method,
      headers: { ...headers, Host: url.host },
      body: body ?? null,
      redirect: "manual",
      signal,
      // A connection that was opened for one name must not serve another: its certificate was checked for the first.
      keepalive: false,
      // The address that was looked at is the one that is called, not what a proxy makes of it.
      proxy: false,
      // Bun's own bound on silence; ours are above.
      timeout: false,
      tls: { ...(isAddress(host) ? {} : { serverName: host.replace(/\.$/, "") }), ...(ca ? { ca } : {}) },
    } as BunFetchRequestInit);
  }
}

function toAnswer(url: URL, response: Response, patience: Patience, maxBytes: number): GuardedAnswer {
  async function* read(): AsyncGenerator<Uint8Array> {
    let size = 0;
    try {
      patience.listen();
      for await (const chunk of response.body ?? []) {
        size += chunk.length;
        // Leaving the loop cancels the stream, and so the connection.
        if (size > maxBytes) throw new OutboundError(`it answered with more than ${maxBytes} bytes`);
        patience.rest();
        yield chunk;
        patience.listen();
      }
    } catch (error) {
      throw explain(error, patience);
    } finally {
      patience.end();
    }
  }
  return {
    status: response.status,
    headers: response.headers,
    url: url.href,
    body: read(),
    async close() {
      patience.end();
      if (!response.body?.locked) await response.body?.cancel();
    },
  };
}

function explain(error: unknown, patience: Patience): unknown {
  if (patience.signal.aborted) return patience.explain(error);
  if (error instanceof AddressRefusedError || error instanceof OutboundError) return error;
  return new OutboundError("it cannot be reached", error);
}

/** What cannot be aborted is left behind. */
async function unless<T>(signal: AbortSignal, work: Promise<T>): Promise<T> {
  signal.throwIfAborted();
  const { promise, reject } = Promise.withResolvers<never>();
  const onAbort = () => reject(signal.reason);
  signal.addEventListener("abort", onAbort);
  try {
    return await Promise.race([work, promise]);
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
}

function codeOf(error: unknown): string {
  return error instanceof Error && "code" in error ? String(error.code) : "";
}
