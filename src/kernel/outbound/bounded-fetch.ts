// fetch with a deadline over the whole answer, a bound on its size, and no redirects: for addresses that the operator has set.

export interface BoundedFetchOptions {
  /** From the call to the last byte of the answer. */
  readonly timeoutMs: number;
  /** Of the answer's body, after decompression. */
  readonly maxBytes: number;
}

/** The other side could not be reached, did not answer in time, said too much, or failed by itself (a status of 500 or more). */
export class OutboundError extends Error {
  constructor(sentence: string, cause?: unknown) {
    super(sentence, { cause });
    this.name = "OutboundError";
  }
}

/** What of fetch's second argument its callers may set. */
export interface OutboundRequest {
  readonly method: string;
  readonly headers: Record<string, string>;
  readonly body?: RequestInit["body"];
  readonly signal?: AbortSignal | undefined;
}

/** The answer has been read to its end; a redirect is given as it is. Rejects with an OutboundError. */
export type BoundedFetch = (url: string, request: OutboundRequest) => Promise<Response>;

export function createBoundedFetch({ timeoutMs, maxBytes }: BoundedFetchOptions): BoundedFetch {
  return async (url, request) => {
    const deadline = AbortSignal.timeout(timeoutMs);
    const signal = request.signal ? AbortSignal.any([request.signal, deadline]) : deadline;
    try {
      const response = await fetch(url, { ...request, redirect: "manual", signal });
      const bytes = await readWithin(response, maxBytes);
      if (response.status >= 500) throw new OutboundError(`it answered with status ${response.status}`);
      // A body is not allowed with these (Fetch standard, "null body status").
      const isEmpty = [101, 204, 205, 304].includes(response.status);
      return new Response(isEmpty ? null : bytes, { status: response.status, headers: response.headers });
    } catch (error) {
      if (error instanceof OutboundError) throw error;
      throw new OutboundError(
        deadline.aborted ? `no answer within ${timeoutMs} ms` : "it cannot be reached",
        error,
      );
    }
  };
}

async function readWithin(response: Response, maxBytes: number): Promise<Uint8Array<ArrayBuffer>> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of response.body ?? []) {
    size += chunk.length;
    // Leaving the loop cancels the stream, and so the connection.
    if (size > maxBytes) throw new OutboundError(`it answered with more than ${maxBytes} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
